"""One Gauss–Newton step for an elliptic equation: Galerkin in the principal functions.

For constant coefficients the matrix is diagonal in these functions, as for a Sylvester equation solved by
eigenvectors; for others that diagonal is the preconditioner of GMRES.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from sciml.problem import Array

from .pointwise import rms
from .tensor import Tensor

INNER = 1e-9  # relative tolerance of GMRES: Newton's iteration is its refinement


def elliptic(tensor: Tensor, slopes: list[Array]) -> bool:
    """Whether second derivatives are u_xx and u_yy, of one sign everywhere, and data are given on all faces."""
    by_order = dict(zip(tensor.equation.orders, slopes, strict=True))
    if (1, 1) in by_order or (2, 0) not in by_order or (0, 2) not in by_order:
        return False
    signs = {float(np.sign(v)) for key in ((2, 0), (0, 2)) for v in (by_order[key].min(), by_order[key].max())}
    return len(signs) == 1 and 0.0 not in signs and len(tensor.x.faces) == len(tensor.y.faces) == 2


class Galerkin:
    """The linearised operator at one iterate, on the inner functions."""

    def __init__(self, tensor: Tensor, slopes: list[Array]) -> None:
        self.tensor, self.slopes = tensor, slopes
        by_order = dict(zip(tensor.equation.orders, slopes, strict=True))
        mean = {key: float((tensor.weights * a).sum() / tensor.weights.sum()) for key, a in by_order.items()}
        kx, ky = tensor.x.eigenvalues[:, None], tensor.y.eigenvalues[None, :]
        symbol = mean[2, 0] * kx + mean[0, 2] * ky + mean.get((0, 0), 0.0)
        spread = rms(by_order[0, 0] - mean[0, 0]) if (0, 0) in by_order else 0.0
        least = max(spread, 1e-12 * float(np.abs(symbol).max()))
        self.diagonal = np.where(symbol < 0, -1.0, 1.0) * np.maximum(np.abs(symbol), least)
        self.shape = self.diagonal.shape
        self.iterations = 0

    def solve(self, right: Array) -> Array:
        """Projected data -> coefficients of inner functions."""

        def operator(vector: Array) -> Array:
            block = vector.reshape(self.shape) / self.diagonal
            self.iterations += 1
            return self.tensor.project(self.tensor.apply(self.slopes, self.tensor.inside(block))).ravel()

        size = right.size
        found, _ = gmres(  # whether it was enough is seen in the residual after the step
            LinearOperator((size, size), matvec=operator, dtype=np.float64),
            right.ravel(), rtol=INNER, atol=0.0, restart=40, maxiter=4,
        )  # fmt: skip
        return np.asarray(found.reshape(self.shape) / self.diagonal)

    def step(self, residual: Array) -> Array:
        """The correction of C, zero on the faces."""
        return self.tensor.inside(self.solve(-self.tensor.project(residual)))

    def merit(self, residual: Array) -> float:
        """Size of the residual in units of u (Deuflhard's natural monitor, with the preconditioner)."""
        return float(np.sqrt(((self.tensor.project(residual) / self.diagonal) ** 2).sum()))

    def variance(self, points: Sequence[Array], exact: bool, generator: np.random.Generator) -> Array:
        """Posterior variance of u at points for white noise of unit spectral density in the equation, (n, m).

        Exact for constant coefficients; else scaled to the mean variance of a few samples of the exact operator.
        """
        ax = self.tensor.x.matrix(points[0])[:, self.tensor.inner[0]] ** 2
        ay = self.tensor.y.matrix(points[1])[:, self.tensor.inner[1]] ** 2
        variance = ax @ self.diagonal**-2.0 @ ay.T
        if not exact:
            samples = [self.solve(generator.normal(size=self.shape)) for _ in range(8)]
            mean = sum(float((s**2).sum()) for s in samples) / len(samples)
            variance *= mean / float((self.diagonal**-2.0).sum())
        return np.asarray(variance)
