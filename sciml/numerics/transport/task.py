"""One transport problem: two measures and a cost, checked, in the form the algorithms take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import UsageError
from .geometry import Array, Geometry
from .grid import Grid
from .rows import COSTS, Rows

EQUAL = 1e-9  # relative difference of two masses that counts as rounding


@dataclass(frozen=True)
class Task:
    """r: (n,), c: (m,), both of sum 1; mass: what they summed to; geometry: the cost between the two sets of points."""

    r: Array
    c: Array
    geometry: Geometry
    mass: float = 1.0


def between_points(
    r: Array, x: Array, c: Array, y: Array, cost: str = "squared euclidean", stored: bool | None = None,
    threads: int = 1, device: str = "cpu",
) -> Task:  # fmt: skip
    """x: (n, d), y: (m, d), or (n,), (m,) on a line. Costs come from coordinates, and plans too unless stored."""
    x, y = points(x, "x"), points(y, "y")
    if x.shape[1] != y.shape[1]:
        raise UsageError(f"points x have {x.shape[1]} coordinates, points y have {y.shape[1]}; they must have as many.")
    named(cost, COSTS)
    return made(r, c, Rows(None, x, y, cost, stored, threads, device))


def with_matrix(r: Array, c: Array, matrix: Array, threads: int = 1, device: str = "cpu") -> Task:
    """matrix: (n, m) of costs."""
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim != 2:
        raise UsageError(f"the matrix of costs must have two axes, not {matrix.ndim}.")
    if not np.isfinite(matrix).all():
        raise UsageError("the matrix of costs has entries that are not finite.")
    return made(r, c, Rows(matrix, threads=threads, device=device))


def on_grids(
    r: Array, c: Array, source: tuple[Array, Array], target: tuple[Array, Array], cost: str = "squared euclidean",
    device: str = "cpu",
) -> Task:  # fmt: skip
    """Densities on grids of two axes. r: (n1, n2), c: (m1, m2), source, target: coordinates along the two axes."""
    named(cost, ("squared euclidean", "l1"))
    parts = []
    for a, b in zip(source, target, strict=True):
        apart = np.abs(points(a, "the source grid") - points(b, "the target grid").T)
        parts.append(apart**2 if cost == "squared euclidean" else apart)
    shapes = (len(source[0]), len(source[1])), (len(target[0]), len(target[1]))
    for name, weights, shape in zip(("r", "c"), (r, c), shapes, strict=True):
        if np.shape(weights) != shape:
            raise UsageError(f"weights {name} have shape {np.shape(weights)}, its grid has {shape}.")
    return made(np.ravel(r), np.ravel(c), Grid(parts[0], parts[1], device))


def made(r: Array, c: Array, geometry: Geometry) -> Task:
    """With weights checked and of sum 1."""
    r, c = weights_of(r, "r", geometry.shape[0]), weights_of(c, "c", geometry.shape[1])
    mass, other = float(r.sum()), float(c.sum())
    if abs(mass - other) > EQUAL * max(mass, other):
        raise UsageError(f"the two measures have different masses, {mass:.9g} and {other:.9g}; rescale one of them.")
    return Task(r / mass, c / other, geometry, mass)


def weights_of(weights: Array, name: str, size: int) -> Array:
    weights = np.asarray(weights, dtype=np.float64)
    if weights.shape != (size,):
        raise UsageError(f"weights {name} have shape {weights.shape}, there are {size} points.")
    if not np.isfinite(weights).all():
        raise UsageError(f"weights {name} have entries that are not finite.")
    if (weights < 0).any():
        raise UsageError(f"weights {name} have negative entries.")
    if not weights.sum() > 0:
        raise UsageError(f"weights {name} are all zero.")
    return weights


def points(x: Array, name: str) -> Array:
    x = np.asarray(x, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or 0 in x.shape:
        raise UsageError(f"points {name} must be an array (points, coordinates), not of shape {x.shape}.")
    if not np.isfinite(x).all():
        raise UsageError(f"points {name} have coordinates that are not finite.")
    return x


def named(cost: str, known: tuple[str, ...]) -> None:
    if cost not in known:
        raise UsageError(f"there is no cost {cost!r} here; known: {', '.join(known)}.")


def rate_of(eps: float) -> float:
    """eta = 1/eps."""
    if not (np.isfinite(eps) and eps > 0):
        raise UsageError(f"eps must be a finite number above 0, not {eps}.")
    return 1.0 / float(eps)
