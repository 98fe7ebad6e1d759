"""One Gauss–Newton step for an equation that is not elliptic: dense least squares in the principal functions."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr, solve_triangular

from sciml.errors import RunFailed
from sciml.problem import Array

from .basis import gauss_legendre
from .tensor import Tensor

MOST_UNKNOWNS = 2500


class Squares:
    """min ‖J δ + F‖ over the inner functions, at twice as many points an axis as functions; columns pivoted."""

    def __init__(self, tensor: Tensor, c: Array) -> None:
        self.tensor = tensor
        if tensor.unknowns > MOST_UNKNOWNS:
            raise RunFailed(
                f"gp-hm: the equation is not elliptic with data on all faces, and its dense least squares would have"
                f" {tensor.unknowns} unknowns, more than {MOST_UNKNOWNS}."
            )
        bases = (tensor.x, tensor.y)
        grids = [gauss_legendre(b.features.axis, 2 * b.rank + 8) for b in bases]
        self.root = np.sqrt(np.outer(grids[0][1], grids[1][1]))
        self.at = dict(zip(tensor.names, (grids[0][0][:, None], grids[1][0][None, :]), strict=True))
        self.matrices = [
            tuple(b.matrix(g[0], n) for b, g, n in zip(bases, grids, orders, strict=True))
            for orders in tensor.equation.orders
        ]
        slopes = tensor.equation.slopes(self.derivatives(c), self.at)
        rows: Array | float = 0.0
        for (left, right), slope in zip(self.matrices, slopes, strict=True):
            pair = np.einsum("ia,jb->ijab", left[:, tensor.inner[0]], right[:, tensor.inner[1]])
            rows = rows + (self.root * slope)[:, :, None, None] * pair
        rows = np.asarray(rows).reshape(self.root.size, -1)
        self.q, r, self.pivots = qr(rows, mode="economic", pivoting=True, overwrite_a=True)
        diagonal = np.abs(np.diag(r))
        self.rank = int((diagonal > 1e-13 * diagonal[0]).sum())
        self.r = r[: self.rank, : self.rank]

    def derivatives(self, c: Array) -> list[Array]:
        return [left @ c @ right.T for left, right in self.matrices]

    def residual(self, c: Array) -> Array:
        return self.tensor.equation.residual(self.derivatives(c), self.at) * self.root

    def _coefficients(self, whitened: Array) -> Array:
        block = np.zeros(self.tensor.unknowns)
        block[self.pivots[: self.rank]] = solve_triangular(self.r, whitened)
        shape = (self.tensor.x.rank - len(self.tensor.x.faces), self.tensor.y.rank - len(self.tensor.y.faces))
        return self.tensor.inside(block.reshape(shape))

    def step(self, c: Array) -> Array:
        return self._coefficients(self.q[:, : self.rank].T @ -self.residual(c).ravel())

    def variance(self, px: Array, py: Array, generator: np.random.Generator) -> Array:
        """Variance of u for white noise of unit spectral density in the equation, by 64 samples."""
        left, right = self.tensor.x.matrix(px), self.tensor.y.matrix(py)
        total = np.zeros((len(px), len(py)))
        for _ in range(64):
            total += (left @ self._coefficients(generator.normal(size=self.rank)) @ right.T) ** 2
        return total / 64
