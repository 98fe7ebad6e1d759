"""ETDRK4 from output to output: step doubling on a ladder of steps Δ/m, m = 1, 2, 3, 4, 6, 8, 12, 16, …, modes
adapted on the way.

Two half steps and one whole step are compared; the difference/15 estimates the error of the half steps and is
then removed from them (local extrapolation, Hairer, Nørsett & Wanner, II.4). A fixed step uses neither.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import RunFailed
from sciml.kernels.native.compile import must_compile
from sciml.kernels.spectral import LIBRARIES
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.resolution import Resolution, resolution
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .solver import Etdrk4 as Options
from .stepper import Stepper, low_part, resized, tensor

TOLERANCE = {1: 1e-11, 2: 1e-8, 3: 1e-8}
UNITS = 3 << 40  # the interval between outputs in whole numbers, which every step of the ladder divides
MOST_PARTS = 1 << 38
BLOCK = 32  # fixed steps between two looks at the spectrum
SAFETY = 1.5  # how far below the tolerance a longer step's error is to be expected


def fewer(parts: int) -> int:
    """The next longer step of the ladder."""
    if parts % 3 == 0:
        return 2 * (parts // 3)
    return 3 * (parts // 4) if parts >= 4 else 1


def solve(options: Options, problem: Problem, run: Run) -> Solution:
    """The entry point: march, keep the outputs, report."""
    return _March(options, problem, run).run_to_end()


class _March:
    def __init__(self, options: Options, problem: Problem, run: Run) -> None:
        self.options, self.problem, self.run = options, problem, run
        self.times = problem.grid.times
        self.rule: Resolution = resolution(options.modes, options.max_modes, problem, options.tail)
        self.tolerance = options.tolerance or TOLERANCE[len(problem.grid.axes)]
        self.outputs = np.empty((len(problem.equation.fields), len(self.times), *problem.grid.shape))
        self.worst_tail = 0.0
        self.index, self.parts, self.steps, self.rejected = 0, 16, 0, 0
        saved = run.restore()
        if saved is None:
            basis, start = self.rule.start(problem, run.device)
            self.outputs[:, 0] = problem.initial()
        else:
            basis, start = self._restored(saved)
        extended = options.precision == "extended"
        library = LIBRARIES.get(basis.dim)
        if library is not None and run.device == "cpu" and not extended and must_compile(library):
            run.step(0.0, None, "compiling the kernel, once per machine")
        self.stepper = Stepper(problem, basis, extended)
        self.state = self.stepper.working(start)
        if saved is not None and extended:
            self.state = self.state + self.stepper.working(torch.as_tensor(saved["state_low"]))
        self.most_modes = max(basis.modes) if saved is None else int(saved["most_modes"])
        if saved is not None:
            self.stepper.evaluations = int(saved["evaluations"])

    def _restored(self, saved: dict[str, object]) -> tuple[FourierBasis, Tensor]:
        from sciml.numerics.initial import fourier_basis

        modes = [int(k) for k in np.asarray(saved["modes"])]
        self.index, self.parts = int(saved["index"]), int(saved["parts"])  # type: ignore[call-overload]
        self.steps, self.rejected = int(saved["steps"]), int(saved["rejected"])  # type: ignore[call-overload]
        self.worst_tail = float(saved["worst_tail"])  # type: ignore[arg-type]
        outputs = np.asarray(saved["outputs"])
        self.outputs[:, : outputs.shape[1]] = outputs
        state = torch.as_tensor(np.asarray(saved["state"]), device=self.run.device)
        return fourier_basis(self.problem, modes, self.run.device), state

    def _saved(self) -> dict[str, object]:
        return {
            "index": self.index, "parts": self.parts, "steps": self.steps, "rejected": self.rejected,
            "worst_tail": self.worst_tail, "modes": np.array(self.stepper.basis.modes), "most_modes": self.most_modes,
            "state": tensor(self.state).cpu().numpy(), "state_low": low_part(self.state),
            "outputs": self.outputs[:, : self.index + 1], "evaluations": self.stepper.evaluations,
        }  # fmt: skip

    def run_to_end(self) -> Solution:
        self.run.took("exponential step", self.stepper.path)
        if self.stepper.fused is None:
            return self._marched()
        from sciml.kernels.dispatch import recording

        with recording(self.run.took):  # what each kernel took, refusals with their reasons
            return self._marched()

    def _marched(self) -> Solution:
        last = len(self.times) - 1
        while self.index < last:
            self._advance_to(self.index + 1)
            self.index += 1
            basis = self.stepper.basis
            self.worst_tail = max(self.worst_tail, *basis.tail(tensor(self.state)))
            self.outputs[:, self.index] = basis.sample(tensor(self.state), self.problem.grid.shape).cpu().numpy()
            smaller = self.rule.smaller(basis, tensor(self.state))
            if smaller is not None:
                self._change_basis(smaller)
            self.run.step(self.index / last, self._saved, f"t={self.times[self.index]:.4g}")
        return self._solution()

    def _change_basis(self, basis: FourierBasis) -> None:
        self.state = resized(self.state, self.stepper.basis, basis)
        self.stepper = Stepper(self.problem, basis, self.stepper.extended, self.stepper.evaluations)
        self.state = self.stepper.working(self.state)
        self.most_modes = max(self.most_modes, *basis.modes)

    def _advance_to(self, index: int) -> None:
        """From one output time to the next. Positions are whole numbers of Δ/UNITS."""
        start, span = float(self.times[index - 1]), float(self.times[index] - self.times[index - 1])
        if self.options.step:
            self._fixed(start, span, max(1, round(span / self.options.step)))
            return
        position = 0
        n_u: Any = None
        while position < UNITS:
            unit = UNITS // self.parts
            h, t = span / self.parts, start + span * (position / UNITS)
            if n_u is None:
                n_u = self.stepper.nonlinear(self.state, t)
            candidate, error = self._doubled(h, t, n_u)
            allowed = self.tolerance
            if not error <= allowed:
                self.rejected += 1
                self.parts *= 2 if math.isfinite(error) and error < 64 * allowed else 4
                if self.parts > MOST_PARTS:
                    raise RunFailed(f"etdrk4: the step became too small at t={t:g}; the solution may blow up there.")
                continue
            larger = None
            if not self.stepper.resolved(candidate, self.rule.tail):
                larger = self.rule.larger(self.stepper.basis, tensor(candidate))
            if larger is not None:  # repeat the step with more modes: nothing unresolved gets in
                self._change_basis(larger)
                n_u = None
                continue
            self.state, n_u, position = candidate, None, position + unit
            self.steps += 1
            longer = fewer(self.parts)
            if SAFETY * error * (self.parts / longer) ** 5 < allowed and position % (UNITS // longer) == 0:
                self.parts = longer

    def _doubled(self, h: float, t: float, n_u: Any) -> tuple[Any, float]:
        """Two half steps, extrapolated, and the estimated error relative to the state."""
        stepper = self.stepper
        half = stepper.table(h / 2)
        one, middle = stepper.advance(stepper.doubling(h), self.state, t, n_u)
        two = stepper.advance(half, middle, t + h / 2)
        difference = (two - one) / 15
        size = stepper.size(two)
        return two + difference, stepper.size(difference) / max(size, 1e-300)

    def _fixed(self, start: float, span: float, count: int) -> None:
        h, done = span / count, 0
        while done < count:
            block, before = min(BLOCK, count - done), self.state
            table = self.stepper.table(h)
            for i in range(done, done + block):
                self.state = self.stepper.advance(table, self.state, start + i * h)
            if not math.isfinite(self.stepper.size(self.state)):
                raise RunFailed(f"etdrk4: the solution is not finite at t={start + span:g}; take a smaller step.")
            self.steps += block
            larger = self.rule.larger(self.stepper.basis, tensor(self.state))
            if larger is not None:  # repeat the block with more modes: nothing unresolved gets in
                self.state = before
                self._change_basis(larger)
                continue
            done += block

    def _solution(self) -> Solution:
        fields = self.problem.equation.fields
        resolved = self.worst_tail <= 1e3 * self.rule.tail
        return Solution(
            values={name: self.outputs[i] for i, name in enumerate(fields)},
            status=Status.OK if resolved else Status.INACCURATE,
            cost={
                "steps": self.steps, "rejected_steps": self.rejected,
                "rhs_evaluations": self.stepper.evaluations, "modes": self.most_modes,
                "spectral_tail": self.worst_tail,
            },
            message="" if resolved else f"the top modes still hold {self.worst_tail:.1e} of the largest one",
        )  # fmt: skip
