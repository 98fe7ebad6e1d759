"""A measure: weights, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..errors import UsageError
from ..problem import Array

MOST_COORDINATES = 64


@dataclass(frozen=True)
class Measure:
    """weights: (n,) at points: (n, d); or (n1, n2) on a grid with coordinates axes: (n1,), (n2,); or (n,) at places
    that a matrix of costs knows. Raises UsageError for weights that are negative, not finite, or all 0."""

    weights: Array
    points: Array | None = None
    axes: tuple[Array, Array] | None = None

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights, dtype=np.float64)
        object.__setattr__(self, "weights", weights)
        if weights.ndim != (1 if self.axes is None else 2) or not weights.size:
            wanted = "(points,)" if self.axes is None else "(n1, n2) on a grid"
            raise UsageError(f"weights must be an array {wanted}, not of shape {weights.shape}.")
        if not np.isfinite(weights).all():
            raise UsageError("weights have entries that are not finite.")
        if (weights < 0).any():
            raise UsageError("weights have negative entries; a measure has none.")
        if not weights.sum() > 0:
            raise UsageError("weights are all zero.")
        if self.points is not None:
            self._check_points(np.asarray(self.points, dtype=np.float64))
        if self.axes is not None:
            self._check_axes(tuple(np.asarray(axis, dtype=np.float64) for axis in self.axes))

    def _check_points(self, points: Array) -> None:
        points = points[:, None] if points.ndim == 1 else points
        object.__setattr__(self, "points", points)
        if points.ndim != 2 or not 1 <= points.shape[1] <= MOST_COORDINATES:
            raise UsageError(f"points must be (points, coordinates), at most {MOST_COORDINATES}, not {points.shape}.")
        if len(points) != len(self.weights):
            raise UsageError(f"there are {len(points)} points and {len(self.weights)} weights.")
        if not np.isfinite(points).all():
            raise UsageError("points have coordinates that are not finite.")

    def _check_axes(self, axes: tuple[Array, ...]) -> None:
        object.__setattr__(self, "axes", axes)
        if self.points is not None or len(axes) != 2:
            raise UsageError("a measure stands on points or on a grid of two axes, not on both or another number.")
        if tuple(axis.shape for axis in axes) != tuple((n,) for n in self.weights.shape):
            raise UsageError(f"the axes have {[len(a) for a in axes]} points, the weights {self.weights.shape}.")
        if not all(np.isfinite(axis).all() for axis in axes):
            raise UsageError("axes have coordinates that are not finite.")

    @property
    def size(self) -> int:
        return self.weights.size

    @property
    def mass(self) -> float:
        return float(self.weights.sum())

    @property
    def dimension(self) -> int | None:
        """Coordinates of a place; None where there are none."""
        return 2 if self.axes is not None else None if self.points is None else self.points.shape[1]

    @property
    def form(self) -> str:
        return "grid" if self.axes is not None else "points" if self.points is not None else "weights"

    @cached_property
    def places(self) -> Array | None:
        """(n, d): the points, of a grid those of its nodes, the second axis running fastest."""
        if self.axes is None:
            return self.points
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), -1).reshape(-1, 2)

    def text(self) -> str:
        if self.axes is not None:
            (a, b), (n1, n2) = self.axes, self.weights.shape
            return f"{n1} x {n2} grid, [{a[0]:.6g}, {a[-1]:.6g}] x [{b[0]:.6g}, {b[-1]:.6g}]"
        dimension = "" if self.points is None else f" in {self.points.shape[1]}-D"
        equal = ", equal weights" if np.ptp(self.weights) == 0 else ""
        return f"{self.size} {'places' if self.points is None else 'points'}{dimension}{equal}"
