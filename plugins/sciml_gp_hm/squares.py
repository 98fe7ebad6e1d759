"""One Gauss–Newton step for an equation that is not elliptic: dense least squares in the principal functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import qr, solve_triangular

from sciml.errors import RunFailed
from sciml.problem import Array

from .basis import gauss_legendre
from .tensor import Tensor

MOST_UNKNOWNS = 2500
RIDGE = 1e-13  # relative; directions that the equation does not see stay where they are


class TooManyUnknowns(RunFailed):
    """Raised before the matrix is built."""


class Squares:
    """min ‖J δ + F‖ over the inner functions, at 3/2 as many Gauss–Legendre points an axis as functions."""

    def __init__(self, tensor: Tensor, c: Array) -> None:
        self.tensor = tensor
        if tensor.unknowns > MOST_UNKNOWNS:
            raise TooManyUnknowns(
                f"gp-hm: the equation is not elliptic with data on all faces, and its dense least squares would have"
                f" {tensor.unknowns} unknowns, more than {MOST_UNKNOWNS}."
            )
        bases = (tensor.x, tensor.y)
        grids = [gauss_legendre(b.features.axis, 3 * b.rank // 2 + 8) for b in bases]
        self.root = np.sqrt(np.outer(grids[0][1], grids[1][1]))
        self.at = dict(zip(tensor.names, (grids[0][0][:, None], grids[1][0][None, :]), strict=True))
        self.matrices = [
            tuple(b.matrix(g[0], n) for b, g, n in zip(bases, grids, orders, strict=True))
            for orders in tensor.equation.orders
        ]
        slopes = tensor.equation.slopes(self.derivatives(c), self.at)
        n, m = self.root.size, tensor.unknowns
        rows = np.zeros((n + m, m))
        shaped = rows[:n].reshape(*self.root.shape, *self.shape)
        for (left, right), slope in zip(self.matrices, slopes, strict=True):
            scaled = (self.root * slope)[:, :, None, None] * left[:, tensor.inner[0]][:, None, :, None]
            shaped += scaled * right[:, tensor.inner[1]][None, :, None, :]
        rows[n:].flat[:: m + 1] = RIDGE * float(np.sqrt((rows**2).sum(axis=0).max()))
        self.q, self.r = qr(rows, mode="economic", overwrite_a=True, check_finite=False)
        self.q = self.q[:n]

    @property
    def shape(self) -> tuple[int, int]:
        return self.tensor.x.rank - len(self.tensor.x.faces), self.tensor.y.rank - len(self.tensor.y.faces)

    def derivatives(self, c: Array) -> list[Array]:
        return [left @ c @ right.T for left, right in self.matrices]

    def residual(self, c: Array) -> Array:
        return self.tensor.equation.residual(self.derivatives(c), self.at) * self.root

    def _coefficients(self, whitened: Array) -> Array:
        return self.tensor.inside(solve_triangular(self.r, whitened).reshape(self.shape))

    def step(self, c: Array) -> Array:
        return self._coefficients(self.q.T @ -self.residual(c).ravel())

    def variance(self, points: Sequence[Array], generator: np.random.Generator) -> Array:
        """Variance of u for white noise of unit spectral density in the equation, by 64 samples, (n, m)."""
        left, right = self.tensor.x.matrix(points[0]), self.tensor.y.matrix(points[1])
        total = np.zeros((len(left), len(right)))
        for _ in range(64):
            total += (left @ self._coefficients(generator.normal(size=self.tensor.unknowns)) @ right.T) ** 2
        return total / 64
