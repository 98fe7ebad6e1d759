"""The march: from the fitted initial data, step by step in a chart, and after every step a fit of the weights.

The error of the run is estimated as the sum of three: of the initial fit, of the steps in time, and of the fits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from . import presets
from .chart import Chart
from .fit import Fitted
from .fitting import Fitter
from .pressure import Auxiliary, Pressure
from .samples import grid_points
from .solver import Insr
from .splitting import Splitting
from .stepping import Passage, Stepper

NEAR = 1e-9  # of the span: times closer than this are one
HOPELESS = 1e-2  # a fit this bad relative to the solution ends the run
POOR, HELPS = 0.1, 0.5  # a fit that spends so much of the tolerance is tried with half the step, while that helps
EASY = 0.75  # of the iterations: a fit that takes more of them wants no longer step
TRUSTED = 10.0  # estimated errors add up pessimistically; beyond so many tolerances the result says so


def solve(options: Insr, problem: Problem, run: Run) -> Solution:
    """The entry point."""
    return March(options, problem, run).run_to_end()


@dataclass
class State:
    """Where the march is; everything a resumed run needs."""

    theta: Tensor
    velocity: Tensor  # change of θ over the last step, per time: where the next fit starts
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
        self.times = [float(t) for t in problem.grid.times]
        self.model = presets.model(options, problem)
        self.fitter = Fitter(options, problem, self.model, self._tick)
        self.stepper = Stepper(options, self.times, run)
        self.splitting = None if options.pressure == "stage" else Splitting(options, self.fitter, self.stepper)
        self.grid = grid_points(problem)
        self.state: State | None = None

    def run_to_end(self) -> Solution:
        saved = self.run.restore()
        state = self.state = self._started() if saved is None else self._restored(saved)
        status, message = Status.OK, ""
        while state.done < len(self.times):
            message = self._one_step(state)
            if message:
                status = Status.PARTIAL
                break
            self.run.step(min(self._fraction(), 1.0), lambda: self._kept(state), f"t={state.t:.4g}")
        if status is Status.OK and state.error > TRUSTED * self.options.tolerance:
            status = Status.INACCURATE
        network, auxiliary = self.model.network, self.fitter.auxiliary
        cost = {
            "steps": state.steps, "parameters": network.count, "bytes": 8 * network.count,
            "auxiliary_parameters": sum(n.count for n in auxiliary), "points": self.model.samples.count,
        }  # fmt: skip
        return Solution(
            {name: state.outputs[i] for i, name in enumerate(self.problem.equation.fields)}, status,
            self.times[state.done - 1] if status is Status.PARTIAL else math.inf, cost=cost,
            message=message or f"the errors of fits and steps add up to {state.error:.1e}",
        )  # fmt: skip

    def _fraction(self) -> float:
        return 0.0 if self.state is None else (self.state.t - self.times[0]) / self.stepper.span

    def _tick(self) -> None:
        """Inside a fit; what is kept is the start of the step."""
        state = self.state
        if state is None:
            self.run.step(0.0, None, "fitting the initial data")
        else:
            self.run.step(min(self._fraction(), 0.999), lambda: self._kept(state), f"t={state.t:.4g}")

    def _started(self) -> State:
        t, fitter = self.times[0], self.fitter
        found = fitter.initial(self.run)
        thetas = [n.draw(self.run.rng(f"insr/auxiliary/{i}")) for i, n in enumerate(fitter.auxiliary)]
        fits = fitter.pressure(found.theta, thetas, t, initial=True) if thetas else []
        error = found.error + max((f.error for f in fits), default=0.0)
        outputs = np.full((self.model.fields, len(self.times), *self.problem.grid.shape), np.nan)
        outputs[:, 0] = self._on_grid(found.theta)
        self.run.log(t=t, fit_error=found.error, fit_iterations=found.iterations)
        rest = torch.zeros_like(found.theta)
        return State(found.theta, rest, [f.theta for f in fits], t, self.stepper.first, 1, 0, error, outputs)

    def _one_step(self, state: State) -> str:
        """Advance. A sentence where that is impossible."""
        chart = Chart.at(self.model, state.theta, self._auxiliary(state))
        size = self.model.size(chart.atoms[: self.model.fields])
        if self.splitting is None:
            passage = self.stepper.step(chart, state.t, state.done, state.step, size)
        else:
            passage = self.splitting.step(chart, state.auxiliary[0], state.t, state.done, size)
        if isinstance(passage, str):
            return passage
        fitted, following = self._fitted(state, chart, passage), passage.following
        while fitted.error > POOR * self.options.tolerance and not self.options.step:
            shorter = self.stepper.step(chart, state.t, state.done, passage.length / 2, size)
            if isinstance(shorter, str):
                break
            nearer = self._fitted(state, chart, shorter)
            if not nearer.error < HELPS * fitted.error:  # it is not the length that makes the fit hard
                break
            passage, fitted, following = shorter, nearer, shorter.length
        if not fitted.error < HOPELESS:
            return f"the weights could not follow at t={state.t:.6g}: relative error {fitted.error:.1e} of the fit."
        easy = fitted.iterations <= EASY * self.fitter.limit
        state.step = following if easy else min(following, passage.length)
        state.velocity = (fitted.theta - state.theta) / passage.length
        state.theta, state.t, state.steps = fitted.theta, passage.chain[-1][1], state.steps + 1
        if passage.pressure is not None:
            state.auxiliary = [passage.pressure]
            self.run.log(pressure_error=passage.pressure_error)
        elif state.auxiliary:
            state.auxiliary = [f.theta for f in self.fitter.pressure(state.theta, state.auxiliary, state.t)]
        state.error += passage.error + fitted.error
        self.run.log(
            t=state.t, step=passage.length, time_error=passage.error, fit_error=fitted.error,
            fit_iterations=fitted.iterations, rank=chart.rank,
        )  # fmt: skip
        self._output(state, chart, passage.chain)
        return ""

    def _auxiliary(self, state: State) -> Auxiliary | None:
        if self.splitting is not None:
            return self.splitting.before(state.auxiliary[0])
        return Pressure(self.model, self.fitter.auxiliary, state.auxiliary) if state.auxiliary else None

    def _fitted(self, state: State, chart: Chart, passage: Passage) -> Fitted:
        """The weights at the end of the step, from the old ones or from where they were heading."""
        y, t = passage.chain[-1]
        target = chart.function(y, t)
        start = self.fitter.nearer(state.theta, state.theta + passage.length * state.velocity, target)
        return self.fitter.fit(start, target, t, self.fitter.goal(passage.length / self.stepper.span))

    def _output(self, state: State, chart: Chart, chain: list[tuple[Tensor, float]]) -> None:
        """Values at the output times the step has passed: inside it from the chart, at its end from the network.

        At the end both are known on the problem's grid, whose points the fit has not seen: what they differ by
        counts as an error too.
        """
        near = NEAR * self.stepper.span
        passed = [pair for pair in chain if any(abs(pair[1] - s) < near for s in self.times[state.done :])]
        if not passed:
            return
        values = chart.at_points(self.grid, passed).reshape(len(passed), *state.outputs[:, 0].shape).numpy()
        for value, (_, at) in zip(values, passed, strict=True):
            if at >= state.t - near:
                fitted = self._on_grid(state.theta)
                unseen = float(np.linalg.norm(fitted - value)) / max(float(np.linalg.norm(value)), 1e-300)
                self.run.log(held_out_error=unseen)
                state.error += unseen
                value, state.t = fitted, self.times[state.done]
            state.outputs[:, state.done] = value
            state.done += 1

    def _on_grid(self, theta: Tensor) -> np.ndarray:
        with torch.no_grad():
            values = self.model.network.values(theta, self.grid, self.fitter.fields)
        return values.reshape(self.model.fields, *self.problem.grid.shape).numpy()

    def _kept(self, state: State) -> dict[str, Any]:
        return {
            "theta": state.theta.numpy(), "velocity": state.velocity.numpy(), "t": state.t, "step": state.step,
            "done": state.done, "steps": state.steps, "error": state.error, "outputs": state.outputs[:, : state.done],
            "auxiliary": torch.cat([*state.auxiliary, torch.zeros(0, dtype=torch.float64)]).numpy(),
        }  # fmt: skip

    def _restored(self, saved: dict[str, Any]) -> State:
        outputs = np.full((self.model.fields, len(self.times), *self.problem.grid.shape), np.nan)
        outputs[:, : saved["done"]] = saved["outputs"]
        counts = [network.count for network in self.fitter.auxiliary]
        auxiliary = list(torch.split(torch.as_tensor(saved["auxiliary"]), counts)) if counts else []
        return State(
            torch.as_tensor(saved["theta"]), torch.as_tensor(saved["velocity"]), auxiliary, saved["t"], saved["step"],
            saved["done"], saved["steps"], saved["error"], outputs,
        )  # fmt: skip
