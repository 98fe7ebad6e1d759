"""Values on a uniform grid at other points, by polynomials of degree five through the six nearest vertices."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from sciml.problem import Array

NEAREST = 6
SAME = 1e-9  # of a step: nearer than this a point is a vertex


def along(intervals: int, places: Array) -> Any:
    """(len(places), intervals + 1), sparse: from values at 0 … intervals to values at `places` in [0, intervals]."""
    count = min(NEAREST, intervals + 1)
    first = np.clip(np.floor(places).astype(int) - (count // 2 - 1), 0, intervals + 1 - count)
    offsets = places - first
    nearest = np.round(offsets)
    offsets = np.where(np.abs(offsets - nearest) < SAME, nearest, offsets)
    weights = np.ones((len(places), count))
    for k in range(count):
        for other in range(count):
            if other != k:
                weights[:, k] *= (offsets - other) / (k - other)
    columns = first[:, None] + np.arange(count)
    starts = np.arange(len(places) + 1) * count
    return csr_array((weights.ravel(), columns.ravel(), starts), shape=(len(places), intervals + 1))


@cache
def _regular(intervals: int, wanted: int) -> Any:
    return along(intervals, np.linspace(0.0, intervals, wanted))


def sampled(values: Array, shape: tuple[int, int]) -> Array:
    """(nx, ny) on the vertices of a rectangle -> (shape) on those of another grid of it; exact where they coincide."""
    first, second = (_regular(n - 1, wanted) for n, wanted in zip(values.shape, shape, strict=True))
    found: Array = (second @ (first @ values).T).T
    return np.ascontiguousarray(found)
