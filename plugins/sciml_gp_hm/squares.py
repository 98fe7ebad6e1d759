"""One Gauss–Newton step for an equation that is not elliptic: dense least squares in the principal functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import qr, solve_triangular, svd

from sciml.errors import RunFailed
from sciml.problem import Array

from .tensor import Tensor

MOST_UNKNOWNS = 2500
RIDGE = 1e-13  # relative; directions that the equation does not see stay where they are
DEPENDENT = 1e-13  # relative singular value of what is already spanned


class TooManyUnknowns(RunFailed):
    """Raised before the matrix is built."""


class Squares:
    """min ‖J δ + F‖ over the inner functions, F seen by test functions that span these and their derivatives.

    For constant coefficients nothing of the residual is lost. The matrix is a sum of Kronecker products weighted by
    the coefficients at the nodes, contracted axis by axis.
    """

    def __init__(self, tensor: Tensor, c: Array) -> None:
        self.tensor = tensor
        if tensor.unknowns > MOST_UNKNOWNS:
            raise TooManyUnknowns(
                f"gp-hm: the equation is not elliptic with data on all faces, and its dense least squares would have"
                f" {tensor.unknowns} unknowns, more than {MOST_UNKNOWNS}."
            )
        self.left = _test_functions(list(tensor.ex.values()), tensor.x.weights)
        self.right = _test_functions(list(tensor.ey.values()), tensor.y.weights)
        slopes = tensor.equation.slopes(tensor.derivatives(c), tensor.at)
        p, q, m = self.left.shape[1], self.right.shape[1], tensor.unknowns
        rows = np.zeros((p * q + m, m))
        for (i, j), slope in zip(tensor.equation.orders, slopes, strict=True):
            ex, ey = tensor.ex[i][:, tensor.inner[0]], tensor.ey[j][:, tensor.inner[1]]
            across = (self.left[:, :, None] * ex[:, None, :]).reshape(len(ex), -1).T @ slope
            along = (self.right[:, :, None] * ey[:, None, :]).reshape(len(ey), -1)
            block = (across @ along).reshape(p, self.shape[0], q, self.shape[1])
            rows[: p * q] += block.transpose(0, 2, 1, 3).reshape(p * q, m)
        rows[p * q :].flat[:: m + 1] = RIDGE * float(np.sqrt((rows**2).sum(axis=0).max()))
        whole, self.r = qr(rows, mode="economic", overwrite_a=True, check_finite=False)
        self.q = whole[: p * q]

    @property
    def shape(self) -> tuple[int, int]:
        return self.tensor.x.rank - len(self.tensor.x.faces), self.tensor.y.rank - len(self.tensor.y.faces)

    def residual(self, c: Array) -> Array:
        """What the test functions see of F."""
        return self.left.T @ self.tensor.equation.residual(self.tensor.derivatives(c), self.tensor.at) @ self.right

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


def _test_functions(matrices: list[Array], weights: Array) -> Array:
    """Orthonormal functions that span the columns of all matrices, times the quadrature weights, (n, k)."""
    root = np.sqrt(weights)[:, None]
    stacked = np.hstack([root * matrix / np.linalg.norm(root * matrix) for matrix in matrices])
    left, singular, _ = svd(stacked, full_matrices=False)
    return np.asarray(left[:, singular > DEPENDENT * singular[0]] * root)
