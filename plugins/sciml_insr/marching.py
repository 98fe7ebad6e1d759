"""The march: from the fitted initial data, step by step in a chart, and after every step a fit of the weights.

A step of length Δt is judged inside one chart, where shorter steps cost linear solves and no fit; their result is
the target of the fit. The error of the run is estimated as the sum of three: of the initial fit, of the steps in time,
and of the fits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import UsageError
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from . import presets
from .chart import Chart
from .fit import Fitted, Goal, adam, levenberg
from .integrators import Integrator, integrator
from .model import Model
from .pressure import Pressure
from .samples import grid_points
from .solver import Insr

PATIENCE = 2
INITIAL_ITERATIONS, INITIAL_PATIENCE, RESTARTS = 400, 40, 4
SAFETY, SHRINK, GROW = 0.8, 0.2, 1.6
SMALLEST, NEAR = 1e-7, 1e-9  # of the span
LEAST_SHARE = 1e-3  # of the tolerance, that any step may use, however short
FIRST_STEP = 1e-3
FIT_SHARE = 0.1  # of the tolerance, that fits may add to the error
FLOOR = 1e-8
HOPELESS = 1e-2  # a fit this bad relative to the solution ends the run


def solve(options: Insr, problem: Problem, run: Run) -> Solution:
    """Raises UsageError where the device is not the CPU."""
    if run.device != "cpu":
        raise UsageError("insr computes on the CPU in this version; use --device cpu.")
    return March(options, problem, run).run_to_end()


@dataclass
class State:
    """Where the march is; everything a resumed run needs."""

    theta: Tensor
    velocity: Tensor  # change of θ over the last step, per time
    auxiliary: list[Tensor]
    t: float
    step: float
    done: int
    steps: int
    error: float
    outputs: np.ndarray


class March:
    def __init__(self, options: Insr, problem: Problem, run: Run) -> None:
        self.options, self.problem, self.run = options, problem, run
        self.model: Model = presets.model(options, problem)
        self.method: Integrator = integrator(options.integrator)
        self.grid = grid_points(problem)
        self.fields = [(i, (0,) * len(problem.grid.axes)) for i in range(self.model.fields)]
        self.span = problem.grid.duration
        self.limit = presets.iterations(options)
        self.auxiliary = [presets.network(options, problem, 1) for _ in self.model.sources.expressions]

    # -- fits ---------------------------------------------------------------------------------------
    def _fit(self, theta: Tensor, target: Tensor, t: float, goal: float, limit: int, first: bool = False) -> Fitted:
        """Weights whose function is `target` (m·N,) on the collocation points and obeys the faces at time t."""
        model, points = self.model, self.model.samples.points
        unit, data = 1 / model.size(target), model.face_data(t)

        def residual(th: Tensor) -> Tensor:
            inside = model.network.values(th, points, self.fields).reshape(-1) - target
            return unit * torch.cat([inside, model.condition_values(th) - data])

        def jacobian(th: Tensor) -> Tensor:
            slopes = model.network.jacobian(th, points, self.fields)[1]
            return unit * torch.cat([slopes.reshape(-1, slopes.shape[2]), model.conditions(th)[1]])

        aim = Goal(goal, limit, INITIAL_PATIENCE if first else PATIENCE, self._tick)
        if self.options.inner == "adam":
            return adam(residual, theta, aim)
        return levenberg(residual, jacobian, theta, aim, 1e-2 if first else 1e-9)

    def _tick(self) -> None:
        """Budget and Ctrl-C act inside a fit too; what is kept then is the start of the step."""
        state = self._state
        self.run.step(min(self._fraction, 0.999), None if state is None else lambda: self._kept(state), self._text)

    def _initial(self) -> State:
        """The best of a few random starts: some networks get stuck."""
        problem, model = self.problem, self.model
        t = float(problem.grid.times[0])
        target = self._initial_values()
        goal = max(FLOOR, 0.1 * FIT_SHARE * self.options.tolerance)
        best: Fitted | None = None
        for attempt in range(RESTARTS):
            start = model.network.draw(self.run.rng(f"insr/weights/{attempt}"))
            limit = INITIAL_ITERATIONS if self.options.inner == "lm" else self.limit
            found = self._fit(start, target, t, goal, limit, first=True)
            if best is None or found.error < best.error:
                best = found
            if best.error <= self.options.tolerance or self.options.inner == "adam":
                break
        assert best is not None
        thetas = [n.draw(self.run.rng(f"insr/auxiliary/{i}")) for i, n in enumerate(self.auxiliary)]
        outputs = np.full((model.fields, len(problem.grid.times), *problem.grid.shape), np.nan)
        self.run.log(t=t, fit_error=best.error, fit_iterations=best.iterations)
        step = self.options.step or FIRST_STEP * self.span
        state = State(best.theta, torch.zeros_like(best.theta), thetas, t, step, 0, 0, best.error, outputs)
        if self.auxiliary:
            pressure, fits = self._pressure(state, 4 * INITIAL_ITERATIONS // 10)
            state.auxiliary = pressure.thetas
            state.error += max(f.error for f in fits)
        return state

    def _initial_values(self) -> Tensor:
        """Initial data at the cell centres: every second point of a grid twice as fine. (m·N,)"""
        axes, cells = self.problem.grid.axes, self.model.samples.per_axis
        fine = self.problem.initial(tuple(2 * cells if axis.periodic else 2 * cells + 1 for axis in axes))
        centres = fine[(slice(None), *(slice(1, None, 2) for _ in axes))]
        return torch.as_tensor(np.ascontiguousarray(centres)).reshape(-1)

    def _pressure(self, state: State, limit: int) -> tuple[Pressure, list[Fitted]]:
        pressure = Pressure(self.model, self.auxiliary, state.auxiliary)
        fields = self.model.network.values(state.theta, self.model.samples.points, self.model.wanted)
        atoms = self.model.all_atoms(fields.detach(), None, state.t)
        return pressure.refitted(atoms, state.t, FIT_SHARE * self.options.tolerance, limit)

    # -- the loop -----------------------------------------------------------------------------------
    def run_to_end(self) -> Solution:
        times, saved = self.problem.grid.times, self.run.restore()
        self._state: State | None = None
        self._fraction, self._text = 0.0, "fitting the initial data"
        state = self._initial() if saved is None else self._restored(saved)
        if saved is None:
            state.outputs[:, 0] = self._on_grid(state.theta)
            state.done = 1
        self._state = state
        status, message = Status.OK, ""
        while state.done < len(times):
            self._fraction = (state.t - times[0]) / self.span
            self._text = f"t={state.t:.4g}"
            failed = self._one_step(state)
            if failed:
                status, message = Status.PARTIAL, failed
                break
            self.run.step(min((state.t - times[0]) / self.span, 1.0), lambda: self._kept(state), self._text)
        reached = float(times[state.done - 1]) if status is Status.PARTIAL else math.inf
        message = message or f"the errors of fits and steps add up to {state.error:.1e}"
        if status is Status.OK and state.error > 10 * self.options.tolerance:
            status = Status.INACCURATE
        weights = self.model.network.count + sum(n.count for n in self.auxiliary)
        cost = {
            "steps": state.steps, "parameters": self.model.network.count, "bytes": 8 * self.model.network.count,
            "auxiliary_parameters": weights - self.model.network.count, "points": self.model.samples.count,
        }  # fmt: skip
        values = {name: state.outputs[i] for i, name in enumerate(self.problem.equation.fields)}
        return Solution(values, status, reached, cost=cost, message=message)

    def _one_step(self, state: State) -> str:
        """Advance, shortening the step until it is accurate. A sentence where that is impossible."""
        options = self.options
        pressure = Pressure(self.model, self.auxiliary, state.auxiliary) if self.auxiliary else None
        chart = Chart.at(self.model, state.theta, pressure)
        size = self.model.size(chart.atoms[: self.model.fields])
        while True:
            breaks = self._breaks(state)
            dt = breaks[-1] - state.t
            if dt < SMALLEST * self.span:
                return f"the time step fell below {SMALLEST * self.span:.1e} at t={state.t:.6g}."
            share = dt / self.span
            chain, error, good = self._advanced(chart, state.t, breaks, size)
            if options.step:
                if not good:
                    return f"the stage equations were not solved at t={state.t:.6g}; try a step below {dt:g}."
                break
            allowed = options.tolerance * max(share, LEAST_SHARE)
            factor = SAFETY * (allowed / max(error, 1e-300)) ** (1 / self.method.order) if good else 0.0
            if good and error <= allowed:
                state.step = dt * factor if factor < 1 else min(GROW * max(state.step, dt), factor * dt, 4 * dt)
                break
            state.step = dt * min(0.7, max(SHRINK, factor))
        start = state.theta
        moved = state.theta + dt * state.velocity
        target = chart.function(*chain[-1])
        goal = max(FLOOR, FIT_SHARE * options.tolerance * share)
        guess = self._better(start, moved, target)
        fitted = self._fit(guess, target, state.t + dt, goal, self.limit)
        if not fitted.error < HOPELESS:
            return f"the weights could not follow at t={state.t:.6g}: relative error {fitted.error:.1e} of the fit."
        state.velocity = (fitted.theta - start) / dt
        state.theta, state.t, state.steps = fitted.theta, state.t + dt, state.steps + 1
        if self.auxiliary:
            state.auxiliary = self._pressure(state, self.limit)[0].thetas
        state.error += error + fitted.error
        self.run.log(
            t=state.t, step=dt, time_error=error, fit_error=fitted.error,
            fit_iterations=fitted.iterations, rank=chart.rank,
        )  # fmt: skip
        self._output(state, chart, chain)
        return ""

    def _output(self, state: State, chart: Chart, chain: list[tuple[Tensor, float]]) -> None:
        """Values at the output times the step has passed: inside it from the chart, at its end from the network.

        At the end both are known on the problem's grid, whose points the fit has not seen: what they differ by
        counts as an error too.
        """
        times, near = self.problem.grid.times, NEAR * self.span
        passed = [pair for pair in chain if any(abs(pair[1] - s) < near for s in times[state.done :])]
        if not passed:
            return
        values = chart.at_points(self.grid, passed).reshape(len(passed), *state.outputs[:, 0].shape).numpy()
        for value, (_, at) in zip(values, passed, strict=True):
            if at >= state.t - near:
                fitted = self._on_grid(state.theta)
                unseen = float(np.linalg.norm(fitted - value)) / max(float(np.linalg.norm(value)), 1e-300)
                self.run.log(held_out_error=unseen)
                state.error += unseen
                value, state.t = fitted, float(times[state.done])
            state.outputs[:, state.done] = value
            state.done += 1

    def _breaks(self, state: State) -> list[float]:
        """Where the next step passes: output times, and its end, an output time too if the step is long enough."""
        times, last = self.problem.grid.times, state.t + state.step * (1 + 1e-6)
        outputs = [float(s) for s in times[state.done :] if s <= last]
        if not outputs or self.options.step:
            gap = float(times[state.done]) - state.t
            return [state.t + gap / max(1, math.ceil(gap / state.step - 1e-6))]
        return outputs

    def _advanced(
        self, chart: Chart, t: float, breaks: list[float], size: float
    ) -> tuple[list[tuple[Tensor, float]], float, bool]:
        """Coefficients at every break, the estimated relative error of the step, and success.

        One step over all of it is compared with k shorter ones, between the breaks or two halves, whose error is
        smaller by k to the order of the method.
        """
        method, y, dt = self.method, torch.zeros(chart.rank, dtype=torch.float64), breaks[-1] - t
        goal = size * max(1e-12, 0.01 * self.options.tolerance * dt / self.span)
        whole = method.advance(chart, method.factor(chart, t, dt), y, t, dt, goal)  # type: ignore[arg-type]
        self.run.count(rhs_evaluations=whole.evaluations)
        if self.options.step or not whole.converged:
            return [(whole.y, breaks[-1])], 0.0, whole.converged
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
                return chain, math.inf, False
            y, last = part.y, stop
            chain.append((y, stop))
        error = float((y - whole.y).norm()) / size / (len(stops) ** method.order - 1)
        return chain, error, math.isfinite(error)

    def _better(self, start: Tensor, moved: Tensor, target: Tensor) -> Tensor:
        with torch.no_grad():
            points = self.model.samples.points
            found = [self.model.network.values(th, points, self.fields).reshape(-1) for th in (start, moved)]
        errors = [float((values - target).norm()) for values in found]
        return moved if errors[1] < errors[0] else start

    def _on_grid(self, theta: Tensor) -> np.ndarray:
        with torch.no_grad():
            values = self.model.network.values(theta, self.grid, self.fields)
        return values.reshape(self.model.fields, *self.problem.grid.shape).numpy()

    # -- checkpoints --------------------------------------------------------------------------------
    def _kept(self, state: State) -> dict[str, Any]:
        return {
            "theta": state.theta.numpy(), "velocity": state.velocity.numpy(), "t": state.t, "step": state.step,
            "done": state.done, "steps": state.steps, "error": state.error, "outputs": state.outputs[:, : state.done],
            "auxiliary": torch.cat([*state.auxiliary, torch.zeros(0, dtype=torch.float64)]).numpy(),
        }  # fmt: skip

    def _restored(self, saved: dict[str, Any]) -> State:
        outputs = np.full((self.model.fields, len(self.problem.grid.times), *self.problem.grid.shape), np.nan)
        outputs[:, : saved["done"]] = saved["outputs"]
        counts = [network.count for network in self.auxiliary]
        auxiliary = list(torch.split(torch.as_tensor(saved["auxiliary"]), counts)) if counts else []
        return State(
            torch.as_tensor(saved["theta"]), torch.as_tensor(saved["velocity"]), auxiliary, saved["t"], saved["step"],
            saved["done"], saved["steps"], saved["error"], outputs,
        )  # fmt: skip
