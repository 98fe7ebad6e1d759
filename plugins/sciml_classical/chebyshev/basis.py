"""Chebyshev series on points -cos(πj/(n-1)): transforms, derivatives, evaluation, and how far they are resolved.

Coefficients c_k of Σ c_k T_k(ξ), ξ in [-1, 1], lie along one axis of an array; all transforms cost n log n.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import chebyshev as series
from scipy.fft import dct

from sciml.problem import Array


def nodes(n: int) -> Any:
    """Chebyshev points of the second kind, ascending, both ends included; exactly symmetric.

    In extended precision where the machine has it: a fast wave turns the rounding of a point into an error of a
    source, 1e4 times larger than the solution, that the inverse of a second derivative does not damp again.
    """
    right_angle = 2 * np.arctan(np.longdouble(1))
    return np.sin(right_angle * np.arange(1 - n, n, 2) / (n - 1))


def to_coefficients(values: Array, axis: int = -1) -> Array:
    """Samples on `nodes` -> coefficients, along one axis."""
    moved = np.moveaxis(values, axis, -1)
    found = dct(moved[..., ::-1], type=1, axis=-1) / (moved.shape[-1] - 1)
    found[..., [0, -1]] /= 2
    return np.moveaxis(found, -1, axis)


def to_values(coefficients: Array, axis: int = -1) -> Array:
    """Coefficients -> samples on `nodes`, along one axis."""
    halved = np.moveaxis(coefficients, axis, -1) / 2
    halved[..., [0, -1]] *= 2
    return np.moveaxis(dct(halved, type=1, axis=-1)[..., ::-1], -1, axis)


def differentiate(coefficients: Array, order: int, scale: float, axis: int = -1) -> Array:
    """d^order/dx^order with dξ/dx = scale; as many coefficients as before."""
    if not order:
        return coefficients
    found: Array = np.zeros_like(coefficients)
    kept = [slice(None)] * coefficients.ndim
    kept[axis] = slice(0, coefficients.shape[axis] - order)
    found[tuple(kept)] = series.chebder(coefficients, order, scl=scale, axis=axis)
    return found


def evaluation(n: int, points: Array) -> Array:
    """(len(points), n): T_k at points ξ in [-1, 1]."""
    angle = np.arccos(np.clip(points, -1.0, 1.0))
    found: Array = np.cos(np.outer(angle, np.arange(n)))
    return found


def resized(coefficients: Array, n: int, axis: int = -1) -> Array:
    """The same series with n coefficients: padded by zeros, or cut."""
    moved = np.moveaxis(coefficients, axis, -1)
    found = np.zeros((*moved.shape[:-1], n))
    kept = min(n, moved.shape[-1])
    found[..., :kept] = moved[..., :kept]
    return np.moveaxis(found, -1, axis)


def envelope(coefficients: Array, axis: int = -1, size: float = 0.0) -> Array:
    """Largest |c_j| with j >= k, over all other axes, relative to the largest of all or to `size` if that is larger;
    decreasing in k."""
    moved = np.abs(np.moveaxis(coefficients, axis, 0))
    sizes = moved.reshape(moved.shape[0], -1).max(1)
    from_behind = np.maximum.accumulate(sizes[::-1])[::-1]
    found: Array = from_behind / (max(from_behind[0], size) or 1.0)
    return found


def tail(coefficients: Array, axis: int = -1, size: float = 0.0) -> float:
    """Relative size of the last tenth (at least three) of the coefficients."""
    decay = envelope(coefficients, axis, size)
    return float(decay[-max(3, len(decay) // 10)])


PLATEAU = 1e-9  # above this, coefficients that do not fall are a function not yet resolved


def settled(coefficients: Array, wanted: float, axis: int = -1, size: float = 0.0) -> bool:
    """Whether the series has come down to `wanted`, or to rounding errors of its samples: a plateau."""
    decay = envelope(coefficients, axis, size)
    last = float(decay[-max(3, len(decay) // 10)])
    flat = last > 0.1 * float(decay[(3 * len(decay)) // 5])
    return last <= wanted or (flat and last < PLATEAU)


def needed(coefficients: Array, wanted: float, axis: int = -1) -> int:
    """Coefficients before the series falls below `wanted`, or below its plateau of rounding errors."""
    decay = envelope(coefficients, axis)
    level = max(wanted, 3.0 * float(decay[-max(3, len(decay) // 10)]))
    return int(np.count_nonzero(decay > level))
