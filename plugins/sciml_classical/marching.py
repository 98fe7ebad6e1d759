"""ETDRK4 from output to output: step doubling on a ladder of steps Δ/m, m = 1, 2, 3, 4, 6, 8, 12, 16, …, modes
adapted on the way.

Two half steps and one whole step are compared; the difference/15 estimates the error of the half steps and is
then removed from them (local extrapolation, Hairer, Nørsett & Wanner, II.4). A fixed step uses neither.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciml.errors import RunFailed
from sciml.kernels import spectral
from sciml.kernels.native.compile import notice
from sciml.numerics.compiled import compiled, tables
from sciml.numerics.exponential import Etdrk4
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.host import HostNonlinear, suits
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.numerics.resolution import Resolution, resolution
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .solver import Etdrk4 as Options

if TYPE_CHECKING:
    from sciml.numerics.fused import Fused

TOLERANCE = {1: 1e-11, 2: 1e-8, 3: 1e-8}
UNITS = 3 << 40  # the interval between outputs in whole numbers, which every step of the ladder divides
MOST_PARTS = 1 << 38
SAFETY = 1.5  # how far below the tolerance a longer step's error is to be expected


def fewer(parts: int) -> int:
    """The next longer step of the ladder."""
    if parts % 3 == 0:
        return 2 * (parts // 3)
    return 3 * (parts // 4) if parts >= 4 else 1


@dataclass
class Stepper:
    """Right-hand side and steps for one basis: by the compiled kernel in 1-D and 2-D where there is one, by Triton on a
    card (`path` tells). States are numpy arrays with the first and on the host path, tensors otherwise."""

    problem: Problem
    basis: FourierBasis
    extended: bool = False
    evaluations: int = 0

    def __post_init__(self) -> None:
        self.system = PseudoSpectral(self.problem.equation, self.basis)
        self.tables: dict[float, Any] = {}
        self.pairs: dict[float, Any] = {}
        self.host: HostNonlinear | None = None
        self.kernel: spectral.Spectral | None = None
        if not self.extended and self.basis.device == "cpu" and spectral.available(self.basis.dim):
            self.kernel = compiled(self.system, torch.get_num_threads())
        self.fused = None if self.kernel is not None or self.extended else on_card(self.system)
        if self.fused is None and (self.extended or suits(self.system)):
            self.host = HostNonlinear(self.system, self.extended)
        self.diagonal: Any = self.system.diagonal if self.host is None else self.host.diagonal
        if self.kernel is not None:
            self.diagonal = np.asarray(self.diagonal)

    def nonlinear(self, u: Any, t: Any) -> Any:
        """N(û, t), with the linear coupling between fields, which the exponential does not cover; also of two
        states at two times."""
        self.evaluations += 1 if u.ndim == self.basis.dim + 1 else len(u)
        if self.kernel is not None:
            return self.kernel.nonlinear(u, t)
        if self.fused is not None:
            return self.fused.nonlinear(u, t)
        if self.host is not None:
            return self.host(u, t)
        value = self.system.nonlinear(u, t)
        if not self.system.uncoupled:
            equation = "gf...,f...->g..." if u.ndim == self.basis.dim + 1 else "gf...,bf...->bg..."
            value = value + torch.einsum(equation, self.system.coupling, u)
        return value

    def working(self, u: Any) -> Any:
        """Coefficients in the kind of array that this path computes with."""
        if self.kernel is None and self.host is None:
            return tensor(u).to(self.basis.device)
        kind = np.clongdouble if self.extended else np.complex128
        return u.cpu().numpy().astype(kind) if isinstance(u, Tensor) else u

    @property
    def path(self) -> str:
        """What computes, for the record."""
        if self.kernel is not None:
            return "compiled"
        if self.fused is not None:
            return "triton"
        path = "torch" if self.host is None else "numpy"
        library = spectral.LIBRARIES.get(self.basis.dim)
        return path if self.extended or library is None or self.basis.device != "cpu" else f"{path}: {notice(library)}"

    def table(self, h: float) -> Any:
        """Coefficients of a step, for `advance`."""
        key = float(f"{h:.12e}")  # output intervals that differ by rounding share their tables
        if key not in self.tables:
            if len(self.tables) > 12:
                self.tables.pop(next(iter(self.tables)))
            coefficients = Etdrk4.build(self.diagonal, key)
            if self.fused is not None:
                self.tables[key] = self.fused.table(coefficients)
            else:
                self.tables[key] = coefficients if self.kernel is None else tables(coefficients)
        return self.tables[key]

    def doubling(self, h: float) -> Any:
        """Tables for a step and its half side by side."""
        if h not in self.pairs:
            if len(self.pairs) > 6:
                self.pairs.pop(next(iter(self.pairs)))
            self.pairs[h] = self.table(h).beside(self.table(h / 2))
        return self.pairs[h]

    def advance(self, table: Any, u: Any, t: float, rate: Any = None) -> Any:
        """One step from u, or with tables side by side a batch of two; rate: N(u, t), where it is known."""
        if self.kernel is not None:
            self.evaluations += 3 * len(table.steps) + (rate is None)
            return self.kernel.advance(u, t, table, rate)
        if self.fused is not None:
            self.evaluations += 3 * len(table.steps) + (rate is None)
            return self.fused.advance(table, u, t, rate)
        return table.advance(u, t, self.nonlinear, self.nonlinear(u, t) if rate is None else rate)

    def resolved(self, u: Any, tail: float) -> bool:
        """Whether the top tenth of the modes is small enough: `FourierBasis.tail` at a fraction of its cost, for
        the host path, where it is asked after every step. Others answer no, and are looked at in full."""
        if isinstance(u, Tensor) or self.basis.dim > 1:
            return False
        size = np.abs(u)
        start = max(1, math.ceil(0.9 * self.basis.modes[0]))
        return bool(size[:, start:].max() <= tail * size[:, 1:].max())

    def size(self, u: Any) -> float:
        """Root mean square over space of the largest field."""
        if isinstance(u, Tensor):
            square = self.basis.weights * (u.real**2 + u.imag**2)
            return math.sqrt(float(square.reshape(len(u), -1).sum(1).max()))
        sums = [2 * np.vdot(one, one).real - np.vdot(one[..., 0], one[..., 0]).real for one in u]
        return math.sqrt(max(sums))


def on_card(system: PseudoSpectral) -> Fused | None:
    """Steps by Triton's kernels, for a device that runs them. Imported here: on a CPU nobody waits for triton."""
    if system.basis.device == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        return None
    from sciml.numerics import fused

    return fused.Fused(system) if fused.suits(system) else None


def tensor(u: Any) -> Tensor:
    """Coefficients as a double-precision tensor, for resolution checks and output."""
    return u if isinstance(u, Tensor) else torch.from_numpy(u.astype(np.complex128))


def low_part(u: Any) -> np.ndarray:
    """What double precision leaves of an extended state, so that resuming loses nothing."""
    if isinstance(u, Tensor) or u.dtype == np.complex128:
        return np.zeros(0)
    low: np.ndarray = (u - u.astype(np.complex128)).astype(np.complex128)
    return low


def resized(u: Any, old: FourierBasis, new: FourierBasis) -> Any:
    """`FourierBasis.resize` for either kind of array, without loss of precision."""
    if old.dim > 1:
        return old.resize(tensor(u), new)
    result = np.zeros((len(u), new.modes[0] + 1), dtype=u.dtype)
    kept = min(u.shape[1], result.shape[1])
    result[:, :kept] = u[:, :kept]
    return result


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
        h = span / count
        table = self.stepper.table(h)
        for i in range(count):
            self.state = self.stepper.advance(table, self.state, start + i * h)
        if not math.isfinite(self.stepper.size(self.state)):
            raise RunFailed(f"etdrk4: the solution is not finite at t={start + span:g}; take a smaller step.")
        self.steps += count
        larger = self.rule.larger(self.stepper.basis, tensor(self.state))
        if larger is not None:
            self._change_basis(larger)

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
