"""Ways to compute with a problem's costs: a stored matrix, separable products of a grid, costs made anew each pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from ..errors import UsageError
from ..kernels.transport import MOST_COSTS
from .problem import Transport

if TYPE_CHECKING:
    from ..numerics.transport.task import Task

Path = Literal["auto", "dense", "separable", "streaming"]
SEPARABLE = ("squared euclidean", "l1")


def separable(problem: Transport) -> bool:
    """Whether the cost is a sum over the two axes of two grids."""
    return problem.form == "grid" and problem.cost in SEPARABLE


def no_way(problem: Transport, path: Path) -> str:
    """Why a path cannot be taken; empty where it can."""
    n, m = problem.shape
    if path == "separable" and not separable(problem):
        return "path=separable needs both measures on grids and the cost squared euclidean or l1"
    if path == "streaming" and problem.matrix is not None:
        return "path=streaming makes costs from places, and here they are a matrix"
    if path == "dense" and n * m > MOST_COSTS:
        return f"path=dense would store {n} x {m} costs; take path=streaming"
    return ""


def task_of(problem: Transport, path: Path = "auto", threads: int = 1, device: str = "cpu") -> Task:
    """The form that algorithms take. auto: separable where it can be, else points, whose plans are stored up to 2^26
    entries and made anew in every pass above."""
    from ..numerics.transport.task import between_points, on_grids, with_matrix

    reason = no_way(problem, path)
    if reason:
        raise UsageError(f"{reason}.")
    (r, c), costs = problem.weights, problem.costs
    if costs is not None:
        return with_matrix(r, c, costs, threads, device)
    source, target = problem.source, problem.target
    if separable(problem) and path in ("auto", "separable"):
        assert source.axes is not None and target.axes is not None
        shapes = source.weights.shape, target.weights.shape
        return on_grids(r.reshape(shapes[0]), c.reshape(shapes[1]), source.axes, target.axes, problem.cost, device)
    x, y = source.places, target.places
    assert x is not None and y is not None
    stored = {"auto": None, "dense": True, "streaming": False, "separable": None}[path]
    return between_points(r, np.ascontiguousarray(x), c, np.ascontiguousarray(y), problem.cost, stored, threads, device)
