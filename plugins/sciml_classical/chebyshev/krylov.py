"""GMRES with right preconditioning (Saad & Schultz, SIAM J. Sci. Stat. Comput. 7, 1986)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import solve_triangular

from sciml.problem import Array

Linear = Callable[[Array], Array]


def gmres(apply: Linear, precondition: Linear, b: Array, tolerance: float, most: int) -> tuple[Array, float, int]:
    """(x, relative residual, iterations) of apply(x) = b with x = precondition(z); arrays of b's shape.

    Without restarts: `most` vectors are kept.
    """
    size = float(np.linalg.norm(b))
    if size == 0.0:
        return np.zeros_like(b), 0.0, 0
    vectors = [b / size]
    images: list[Array] = []
    triangle = np.zeros((most + 1, most))
    rotated = np.zeros(most + 1)
    rotated[0] = size
    rotations: list[tuple[float, float]] = []
    count = 0
    for k in range(most):
        images.append(precondition(vectors[k]))
        new = apply(images[k])
        column = np.zeros(k + 2)
        for _ in range(2):  # the second sweep keeps the vectors orthogonal to rounding
            for j, vector in enumerate(vectors):
                share = float(np.vdot(vector, new))
                column[j] += share
                new = new - share * vector
        column[k + 1] = float(np.linalg.norm(new))
        last = column[k + 1]
        for j, (c, s) in enumerate(rotations):
            column[j], column[j + 1] = c * column[j] + s * column[j + 1], c * column[j + 1] - s * column[j]
        length = float(np.hypot(column[k], column[k + 1]))
        if not length > 0.0:
            break
        c, s = column[k] / length, column[k + 1] / length
        rotations.append((c, s))
        column[k], column[k + 1] = length, 0.0
        triangle[: k + 1, k] = column[: k + 1]
        rotated[k], rotated[k + 1] = c * rotated[k], -s * rotated[k]
        count = k + 1
        if abs(rotated[count]) <= tolerance * size or last <= 1e-15 * length:
            break
        vectors.append(new / last)
    weights = solve_triangular(triangle[:count, :count], rotated[:count])
    x = sum((w * image for w, image in zip(weights, images, strict=False)), np.zeros_like(b))
    return x, abs(float(rotated[count])) / size, count
