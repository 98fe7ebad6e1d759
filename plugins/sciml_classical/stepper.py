"""The right-hand side and the steps of one equation on one Fourier basis, by whatever computes them fastest here."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciml.kernels import spectral
from sciml.kernels.native.compile import notice
from sciml.numerics.compiled import compiled, tables
from sciml.numerics.exponential import Etdrk4
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.host import HostNonlinear, suits
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.problem import Problem

if TYPE_CHECKING:
    from sciml.numerics.fused import Fused


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
        return math.sqrt(max(2 * _squares(one) - _squares(one[..., 0]) for one in u))


def on_card(system: PseudoSpectral) -> Fused | None:
    """Steps by Triton's kernels, for a device that runs them. Imported here: on a CPU nobody waits for triton."""
    if system.basis.device == "cpu" and os.environ.get("TRITON_INTERPRET") != "1":
        return None
    from sciml.numerics import fused

    return fused.Fused(system) if fused.suits(system) else None


def _squares(u: Any) -> Any:
    """Σ |û|². (`vdot` would wake BLAS threads, which then spin beside ours.)"""
    parts = np.ascontiguousarray(u).reshape(-1).view(u.real.dtype)
    return np.einsum("i,i->", parts, parts)


def tensor(u: Any) -> Tensor:
    """Coefficients as a double-precision tensor, for resolution checks and output."""
    return u if isinstance(u, Tensor) else torch.from_numpy(u.astype(np.complex128))


def low_part(u: Any) -> np.ndarray:
    """What double precision leaves of an extended state, so that resuming loses nothing."""
    if isinstance(u, Tensor):
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
