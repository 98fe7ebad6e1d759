"""March over windows: train one, check it off its collocation points, accept or halve, go on.

A window is accepted by its residual alone, on and between the collocation times; the causal weights only say
when training may stop. Lengths live on a ladder of factors √2, so that what depends on them is reused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.numerics.fourier import FourierBasis
from sciml.numerics.initial import fourier_basis
from sciml.numerics.resolution import Resolution
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .fit import Ansatz, Fit

GROW = math.sqrt(2.0)
PATIENCE = 8  # windows to wait, after a rejection, before trying longer ones again


@dataclass(frozen=True)
class Plan:
    """How long windows are and when they are good enough; times as shares of the whole span."""

    tolerance: float
    fixed: float  # a fixed window length in the problem's time unit; 0: adaptive
    first: float = 2e-4
    least: float = 1e-6
    dear: int = 40  # evaluations beyond which a longer window would not pay


class March:
    """State of one march; `build` makes the ansatz for a basis."""

    def __init__(
        self, problem: Problem, run: Run, plan: Plan, resolution: Resolution, build: Callable[[FourierBasis], Ansatz]
    ) -> None:
        self.problem, self.run, self.plan, self.resolution, self.build = problem, run, plan, resolution, build
        self.times = problem.grid.times
        self.end, self.span = float(self.times[-1]), problem.grid.duration
        self.outputs = np.full((len(problem.equation.fields), len(self.times), *problem.grid.shape), np.nan)
        self.outputs[:, 0] = problem.initial()
        self.message = ""
        saved = run.restore()
        if saved is None:
            self.basis, self.state = resolution.start(problem, run.device)
            self.t, self.exponent, self.window, self.filled = float(self.times[0]), 0, 0, 1
            self.patience = 0
            self.memory: Tensor | None = None
        else:
            self._restore(saved)
        self.ansatz = build(self.basis)

    def _restore(self, saved: dict[str, Any]) -> None:
        self.basis = fourier_basis(self.problem, [int(k) for k in saved["modes"]], self.run.device)
        self.state = torch.as_tensor(saved["state"])
        self.t, self.exponent = float(saved["t"]), int(saved["exponent"])
        self.window, self.filled = int(saved["window"]), int(saved["filled"])
        self.patience = int(saved["patience"])
        self.memory = torch.as_tensor(saved["memory"]) if saved["memory"].size else None
        self.outputs[:, : self.filled] = saved["outputs"]

    def _saved(self) -> dict[str, Any]:
        return {
            "modes": np.array(self.basis.modes), "state": self.state.numpy(), "t": self.t,
            "exponent": self.exponent, "patience": self.patience, "window": self.window, "filled": self.filled,
            "outputs": self.outputs[:, : self.filled],
            "memory": np.empty(0) if self.memory is None else self.memory.numpy(),
        }  # fmt: skip

    def run_to_end(self) -> Solution:
        while self.t < self.end:
            if not self._one_window():
                break
            self._step()
        reached = self.t if self.message else np.inf
        values = {name: self.outputs[i] for i, name in enumerate(self.problem.equation.fields)}
        return Solution(
            values=values, status=Status.PARTIAL if self.message else Status.OK, reached=reached,
            cost={"windows": self.window, "modes": max(self.basis.modes, default=0)}, message=self.message,
        )  # fmt: skip

    def _step(self) -> None:
        """Also inside a window, where what is kept is its start."""
        done = (self.t - float(self.times[0])) / self.span
        self.run.step(done, self._saved, f"t={self.t:.4g}, window {self._length():.2g}")

    def _length(self) -> float:
        return self.plan.fixed or self.plan.first * self.span * GROW**self.exponent

    def _one_window(self) -> bool:
        """Train windows of shrinking length until one is accepted; False if none is."""
        while True:
            length = min(self._length(), self.end - self.t)
            if self.end - self.t - length < 1e-9 * self.span:
                length = self.end - self.t
            self.ansatz.tick = self._step
            fit = self.ansatz.fit(self.state, self.t, length, self.memory)
            self.run.count(**fit.cost)
            accepted = fit.converged and fit.worst <= self.plan.tolerance
            larger = self._larger(fit, length) if accepted else None
            if larger is not None:
                self._change_basis(larger)
                continue
            self._note(fit, length, accepted)
            if accepted:
                self._accept(fit, length)
                return True
            if self.plan.fixed or length <= self.plan.least * self.span:
                self.message = (
                    f"window {self.window + 1} of length {length:.3g} from t={self.t:.4g} ended with residual"
                    f" {fit.worst:.1e}, tolerance {self.plan.tolerance:g}: reached t={self.t:.6g}"
                )
                return False
            self.exponent -= 2 if self.patience == PATIENCE else 1  # a second rejection in a row: halve
            self.patience = PATIENCE

    def _note(self, fit: Fit, length: float, accepted: bool) -> None:
        self.run.log(
            window_start=self.t, window_length=length, residual=fit.residual, held_out_residual=fit.held_out,
            least_causal_weight=float(fit.weights.min()), iterations=fit.iterations, accepted=float(accepted),
            modes=max(self.basis.modes, default=0),
        )  # fmt: skip
        if not math.isnan(fit.head):
            self.run.log(output_layer_residual=fit.head)

    def _probe(self, fit: Fit, length: float) -> Tensor:
        return fit.at(self.t + length * torch.tensor([0.5, 1.0], dtype=torch.float64))

    def _larger(self, fit: Fit, length: float) -> FourierBasis | None:
        return self.resolution.larger(self.basis, self._probe(fit, length))

    def _change_basis(self, basis: FourierBasis) -> None:
        self.state = self.basis.resize(self.state, basis)
        self.basis = basis
        self.ansatz = self.build(basis)

    def _accept(self, fit: Fit, length: float) -> None:
        """Write the outputs inside the window, take its end as the next start, choose the next length."""
        stop = self.t + length
        if self.end - stop < 1e-12 * self.span:
            stop = self.end
        upto = int(np.searchsorted(self.times, stop + 1e-13 * self.span, side="right"))
        if upto > self.filled:
            wanted = torch.as_tensor(self.times[self.filled : upto])
            grid = self.basis.sample(fit.at(wanted), self.problem.grid.shape)
            self.outputs[:, self.filled : upto] = np.moveaxis(grid.numpy(), 1, 0)
            self.filled = upto
        self.memory = fit.memory
        self.state = fit.at(torch.tensor([self.t + length], dtype=torch.float64))[0]
        self.t, self.window = stop, self.window + 1
        smaller = self.resolution.smaller(self.basis, self.state)
        if smaller is not None:
            self._change_basis(smaller)
        self.patience = max(0, self.patience - 1)
        dear = fit.cost.get("tangent_evaluations", 0) + fit.iterations >= self.plan.dear
        small = fit.worst < 0.1 * self.plan.tolerance or fit.stopped_at_goal
        if small and not self.patience and not dear:
            self.exponent += 2 if fit.worst < 1e-3 * self.plan.tolerance else 1
