"""How many modes a Fourier solution needs: watched by the decay of its spectrum, never by a reference."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from ..problem import Problem
from .fourier import FourierBasis
from .initial import fourier_basis, initial_coefficients, resolved_modes

GROW = 1.25  # modes that are not needed cost more than another change of basis
LIMIT = {1: 6144, 2: 384, 3: 96}
LEAST = {1: 32, 2: 16, 3: 8}
TAIL = {0: 1e-13, 1: 1e-13, 2: 1e-9, 3: 1e-9}  # defaults for `tail`: in 2-D and 3-D a digit of it costs dearly


@dataclass(frozen=True)
class Resolution:
    """Fixed modes per axis (0: adapted, up to `limit`).

    tail: relative size of the top tenth of the modes above which more are taken; fewer are taken when all
    that lies beyond 60 % of them is below tail/100.
    """

    fixed: int
    limit: int
    tail: float

    def start(self, problem: Problem, device: str) -> tuple[FourierBasis, Tensor]:
        """A basis that holds the initial data, and their coefficients (fields, *modes)."""
        dim = len(problem.grid.axes)
        modes: tuple[int, ...]
        if self.fixed or not dim:
            modes = (self.fixed,) * dim
        else:
            modes = resolved_modes(problem, self.tail, LEAST[dim], self.limit)
        basis = fourier_basis(problem, modes, device)
        return basis, initial_coefficients(problem, basis)

    def larger(self, basis: FourierBasis, state: Tensor) -> FourierBasis | None:
        """A basis with more modes if the tail asks for it and the limit allows it."""
        if self.fixed or not basis.dim:
            return None
        tails = basis.tail(state)
        modes = [
            min(self.limit, math.ceil(GROW * k)) if t > self.tail else k
            for k, t in zip(basis.modes, tails, strict=True)
        ]
        return basis.with_modes(modes) if tuple(modes) != basis.modes else None

    def smaller(self, basis: FourierBasis, state: Tensor) -> FourierBasis | None:
        """A basis with fewer modes if nothing but rounding would be lost."""
        if self.fixed or not basis.dim:
            return None
        spare = basis.tail(state, share=0.4)
        modes = [
            max(LEAST[basis.dim], (3 * k) // 4) if t < self.tail / 100 else k
            for k, t in zip(basis.modes, spare, strict=True)
        ]
        return basis.with_modes(modes) if tuple(modes) != basis.modes else None


def resolution(fixed: int, limit: int, problem: Problem, tail: float = 0.0) -> Resolution:
    """`limit` and `tail` 0 stand for what suits the dimension."""
    dim = len(problem.grid.axes)
    return Resolution(fixed, limit or LIMIT.get(dim, 0), tail or TAIL[dim])
