"""One step in time inside a chart: how long, how accurate, and what it passes on its way."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from sciml.run import Run

from .chart import Chart
from .integrators import Integrator, integrator
from .solver import Insr

SAFETY, SHRINK, LESS, GROW = 0.8, 0.2, 0.7, 1.6
SMALLEST = 1e-6  # of the span
LEAST_SHARE = 1e-3  # of the tolerance, that any step may use, however short
FIRST_STEP = 1e-3  # of the span
NEWTON = 0.01  # of the tolerance


@dataclass(frozen=True)
class Passage:
    """Coefficients at every break (y, t); the last one is the end. error: relative, estimated. following: the
    length to try next. pressure: weights of the step's, where the flow was split; pressure_error: the part of `error`
    that their fit makes."""

    chain: list[tuple[Tensor, float]]
    length: float
    error: float
    following: float
    pressure: Tensor | None = None
    pressure_error: float = 0.0


class Stepper:
    """A step is compared with k shorter ones inside the same chart, where those cost linear solves and no fit."""

    def __init__(self, options: Insr, times: list[float], run: Run) -> None:
        self.options, self.times, self.run = options, times, run
        self.span = times[-1] - times[0]
        self.method: Integrator = integrator(options.integrator)
        self.first = options.step or FIRST_STEP * self.span

    def step(self, chart: Chart, t: float, done: int, length: float, size: float) -> Passage | str:
        """From t, where `done` outputs are behind. A sentence where no step is good enough."""
        while True:
            breaks = self._breaks(t, done, length)
            dt = breaks[-1] - t
            if dt < SMALLEST * self.span:
                return f"the time step fell below {SMALLEST * self.span:.1e} at t={t:.6g}."
            chain, error = self._passed(chart, t, breaks, size)
            if self.options.step:
                if not math.isfinite(error):
                    return unsolved(t, dt)
                return Passage(chain, dt, error, self.options.step)
            allowed = self.options.tolerance * max(dt / self.span, LEAST_SHARE)
            factor = SAFETY * (allowed / max(error, 1e-300)) ** (1 / self.method.order)
            if error <= allowed:
                following = dt * factor if factor < 1 else min(GROW * max(length, dt), factor * dt, 4 * dt)
                return Passage(chain, dt, error, following)
            length = dt * min(LESS, max(SHRINK, factor))

    def ending(self, t: float, done: int, size: float) -> tuple[float, float]:
        """Where a fixed step from t ends, and how small Newton's last correction of it has to be."""
        end = self._breaks(t, done, self.options.step)[-1]
        return end, self._goal(end - t, size)

    def _goal(self, dt: float, size: float) -> float:
        return size * max(1e-12, NEWTON * self.options.tolerance * dt / self.span)

    def _breaks(self, t: float, done: int, length: float) -> list[float]:
        """Where the step passes: output times, and its end, an output time too if the step is long enough."""
        outputs = [s for s in self.times[done:] if s <= t + length * (1 + 1e-6)]
        if outputs and not self.options.step:
            return outputs
        gap = self.times[done] - t
        return [t + gap / max(1, math.ceil(gap / length - 1e-6))]

    def _passed(
        self, chart: Chart, t: float, breaks: list[float], size: float
    ) -> tuple[list[tuple[Tensor, float]], float]:
        """(y, time) at every break and the relative error, infinite where the stages were not solved.

        One step over all of it is compared with k shorter ones, from break to break or two halves, whose error is
        smaller by k to the order of the method; theirs is the result.
        """
        method, dt = self.method, breaks[-1] - t
        y = torch.zeros(chart.rank, dtype=torch.float64)
        goal = self._goal(dt, size)
        whole = method.advance(chart, method.factor(chart, t, dt), y, t, dt, goal)  # type: ignore[arg-type]
        self.run.count(rhs_evaluations=whole.evaluations)
        if self.options.step or not whole.converged:
            return [(whole.y, breaks[-1])], 0.0 if whole.converged else math.inf
        stops = breaks if len(breaks) > 1 else [t + dt / 2, breaks[-1]]
        chain: list[tuple[Tensor, float]] = []
        last, factors, length = t, None, 0.0
        for stop in stops:
            if factors is None or abs(stop - last - length) > 1e-9 * length:
                length = stop - last
                factors = method.factor(chart, t, length)
            part = method.advance(chart, factors, y, last, stop - last, goal)  # type: ignore[arg-type]
            self.run.count(rhs_evaluations=part.evaluations)
            if not part.converged:
                return chain, math.inf
            y, last = part.y, stop
            chain.append((y, stop))
        error = float((y - whole.y).norm()) / size / (len(stops) ** method.order - 1)
        return chain, error if math.isfinite(error) else math.inf


def unsolved(t: float, dt: float) -> str:
    """Why a fixed step did not work."""
    return f"the stage equations were not solved at t={t:.6g}; try a step below {dt:g}."
