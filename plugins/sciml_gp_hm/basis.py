"""Few orthonormal functions an axis that hold the process: its principal functions, sorted by what the faces see.

The columns of Φ Λ^½ (features times prior deviations) span, by their singular vectors at Gauss–Legendre nodes, the
eigenfunctions of the kernel (Karhunen–Loève); those below `cut` of the largest are dropped. The rest is rotated: the
first `faces` functions carry the boundary data, all others vanish there and diagonalise the second derivative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh, null_space, qr, svd

from sciml.problem import Array, Axis

from .faces import Faces
from .features import Features
from .kernel import Mixture

SMOOTH = Mixture(np.zeros(1), np.log([0.7]), np.zeros(1), np.inf)  # carries boundary data inwards
SMOOTH_SHARE = 1e-4  # of the variance, so that the faces are never seen by nearly equal functions only


@dataclass(frozen=True)
class Basis:
    """r functions: features times `transform` (p, r). eigenvalues (r - faces,): of the second derivative, Galerkin."""

    features: Features
    transform: Array
    faces: Array  # (number of faces, r), zero beyond the first columns
    eigenvalues: Array
    nodes: Array
    weights: Array

    @property
    def rank(self) -> int:
        return int(self.transform.shape[1])

    def matrix(self, points: Array, order: int = 0) -> Array:
        """(n, r)."""
        return self.features.matrix(points, order) @ self.transform


def gauss_legendre(axis: Axis, count: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return axis.lower + 0.5 * axis.length * (nodes + 1), 0.5 * axis.length * weights


def build(features: Features, mixture: Mixture, count: int, cut: float) -> Basis:
    """The basis of one axis on `count` nodes."""
    nodes, weights = gauss_legendre(features.axis, count)
    log_variance = mixture.log_variance(features.harmonics, features.period)[0]
    smooth = SMOOTH.log_variance(features.harmonics, features.period)[0]
    total = np.log(SMOOTH_SHARE) + np.logaddexp.reduce(mixture.log_weight)
    deviation = np.exp(0.5 * np.logaddexp(log_variance, smooth + total))[features.pairs()]
    root = np.sqrt(weights)[:, None]
    _, singular, right = svd(root * features.matrix(nodes) * deviation, full_matrices=False)
    keep = singular > cut * singular[0]
    transform = deviation[:, None] * right[keep].T / singular[keep]
    rows = Faces(features.axis).rows(features) @ transform
    inner, outer = np.eye(transform.shape[1]), np.zeros((transform.shape[1], 0))
    if len(rows):
        inner, (outer, _) = null_space(rows), qr(rows.T, mode="economic")
    values = root * (features.matrix(nodes) @ transform @ inner)
    curvature = root * (features.matrix(nodes, 2) @ transform @ inner)
    product = values.T @ curvature
    eigenvalues, rotation = eigh(0.5 * (product + product.T))  # symmetric up to the quadrature
    transform = transform @ np.hstack([outer, inner @ rotation])
    faces = np.hstack([rows @ outer, np.zeros((len(rows), len(eigenvalues)))])
    return Basis(features, transform, faces, eigenvalues, nodes, weights)
