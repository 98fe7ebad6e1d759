"""One axis with ends: its operators, the conditions on its two faces, and series that obey them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from sciml.problem import SIDES, Array, Axis

from . import basis
from . import ultraspherical as us
from .ultraspherical import Matrix


@dataclass(frozen=True)
class Interval:
    """n Chebyshev coefficients on an axis, for an equation of order `order` in it.

    conditions: (side, kind) of the faces on which something is imposed, at most two.
    """

    axis: Axis
    n: int
    order: int
    conditions: tuple[tuple[str, str], ...]

    @property
    def free(self) -> int:
        """Unknowns left by the conditions."""
        return self.n - len(self.conditions)

    @property
    def scale(self) -> float:
        """dξ/dx."""
        return 2.0 / self.axis.length

    @cached_property
    def points(self) -> Any:
        """(n,), in extended precision (see `basis.nodes`)."""
        lower, upper = np.longdouble(self.axis.lower), np.longdouble(self.axis.upper)
        return lower + (upper - lower) * (1.0 + basis.nodes(self.n)) / 2

    def operator(self, order: int, factor: Array | None = None) -> Matrix:
        """(free, n): factor(x) d^order/dx^order from T into C^(self.order), without the rows conditions replace.

        factor: its Chebyshev coefficients; None: one.
        """
        found = self.scale**order * us.derivative(self.n, order)
        if factor is not None:
            found = us.multiplication(factor, self.n, order) @ found
        return sparse.csr_array((us.conversion(self.n, order, self.order) @ found)[: self.free])

    @cached_property
    def rows(self) -> Array:
        """(conditions, n): the value, or the outward normal derivative, on each face from the coefficients."""
        k = np.arange(self.n, dtype=np.float64)
        found = np.empty((len(self.conditions), self.n))
        for row, (side, kind) in zip(found, self.conditions, strict=True):
            value = np.ones(self.n) if side == SIDES[1] else (-1.0) ** k
            row[:] = value if kind == "dirichlet" else self.scale * k**2 * value
        return found

    @cached_property
    def recombined(self) -> Matrix:
        """(n, free): φ_j = T_j + a T_(j+1) (+ b T_(j+2)) with nothing on the faces: banded, unlike solving for
        the first coefficients (Shen, SIAM J. Sci. Comput. 16, 1995)."""
        count = len(self.conditions)
        diagonals = [np.ones(self.free), *np.empty((count, self.free))]
        for j in range(self.free if count else 0):
            block = self.rows[:, j + 1 : j + 1 + count]
            weights = np.linalg.solve(block, -self.rows[:, j])
            for diagonal, weight in zip(diagonals[1:], weights, strict=True):
                diagonal[j] = weight
        offsets = [-i for i in range(count + 1)]
        return sparse.diags_array(diagonals, offsets=offsets, shape=(self.n, self.free), format="csr")

    @cached_property
    def lifting(self) -> Array:
        """(n, conditions): the lowest series with one on one face's condition and nothing on the other's."""
        count = len(self.conditions)
        found = np.zeros((self.n, count))
        if count:
            found[: count + 1] = np.linalg.pinv(self.rows[:, : count + 1])
        return found

    def sampling(self, points: Array) -> Array:
        """(len(points), n): the series at points of the axis."""
        return basis.evaluation(self.n, self.scale * (points - self.axis.lower) - 1.0)
