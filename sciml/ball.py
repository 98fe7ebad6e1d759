"""A ball of R^d with d large: no grid holds it, so values are wanted at given points.

    Ball(100, 1.0, points, {"c": coefficients})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError

Array = NDArray[np.float64]
MAX_DIMENSION, MAX_NUMBERS = 100_000, 2**28


@dataclass(frozen=True)
class Ball:
    """{x in R^d: |x| <= radius}, u = 0 on its sphere.

    points: (n, d), where values are wanted. coefficients: vectors (length,) that sums of the equation run over.
    """

    dimension: int
    radius: float
    points: Array
    coefficients: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        d = self.dimension
        if isinstance(d, bool) or not isinstance(d, int) or not 1 <= d <= MAX_DIMENSION:
            raise UsageError(f"ball: the dimension must be a whole number from 1 to {MAX_DIMENSION}, not {d!r}.")
        if not (np.isfinite(self.radius) and self.radius > 0):
            raise UsageError(f"ball: the radius must be a positive number, not {self.radius!r}.")
        points = self.points
        if points.dtype != np.float64 or points.ndim != 2 or points.shape[1] != d or not len(points):
            raise UsageError(f"ball: the points are {points.dtype}{points.shape}; expected float64(n, {d}).")
        if points.size > MAX_NUMBERS:
            raise UsageError(f"ball: more than {MAX_NUMBERS} coordinates of points.")
        if not (np.linalg.norm(points, axis=1) <= self.radius * (1 + 1e-12)).all():  # false for NaN too
            raise UsageError("ball: a point lies outside the ball, or is not finite.")
        for name, vector in self.coefficients.items():
            if vector.dtype != np.float64 or vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
                raise UsageError(f"ball: the coefficients {name!r} must be a vector of finite float64 numbers.")

    @property
    def hat(self) -> Array:
        """1 - |x|²/R² at the points, (n,): the one function that the comparison in every score is fitted with."""
        hat: Array = 1 - (self.points**2).sum(1) / self.radius**2
        return hat


def draw_points(rng: np.random.Generator, count: int, dimension: int, radius: float = 1.0) -> Array:
    """(count, dimension): directions uniform on the sphere, distances uniform in [0, radius].

    Not uniform in the ball: in many dimensions such points would all lie next to the sphere, where u is 0.
    """
    directions = rng.standard_normal((count, dimension))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points: Array = directions * (radius * rng.random((count, 1)))
    return points
