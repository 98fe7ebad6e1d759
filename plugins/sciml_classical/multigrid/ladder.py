"""Which grids are solved one after the other, each with half the steps of the last."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sciml.errors import UsageError
from sciml.problem import Problem

from ..chebyshev.splitting import evaluate
from .elliptic import Elliptic

if TYPE_CHECKING:
    from ..solver import Multigrid

COARSEST = 16  # intervals, at least, of the first grid
ODD = 32  # intervals, at most, of the grid that cannot be halved any more: it is solved directly
STRETCH = 16.0  # largest ratio of intervals along the two axes
MOST = 2049  # points along the axis with fewer, unless max_points says otherwise


def grids(options: Multigrid, problem: Problem, form: Elliptic) -> Iterator[tuple[int, int]]:
    """Intervals along each axis, grid after grid; the last is the one asked for, or the finest allowed."""
    if options.points:
        last = options.points - 1
        halvings = 0
        while last % 2 ** (halvings + 1) == 0 and last // 2 ** (halvings + 1) >= 4:
            halvings += 1
        if last >> halvings > ODD:
            raise UsageError(
                f"multigrid: points = {options.points} is not m·2^k + 1 with m of at most {ODD}; near are"
                f" {_near(last, math.floor) + 1} and {_near(last, math.ceil) + 1}."
            )
    else:
        last, halvings = _near((options.max_points or MOST) - 1, math.floor), 0
        while last % 2 ** (halvings + 1) == 0 and last // 2 ** (halvings + 1) >= 4:
            halvings += 1
    fewest = last >> halvings
    stretch = min(max(_stretch(problem, form), 1 / STRETCH), STRETCH)
    base = (round(fewest * stretch), fewest) if stretch >= 1 else (fewest, round(fewest / stretch))
    for doubling in range(halvings + 1):
        if fewest << doubling >= COARSEST or doubling == halvings:
            yield base[0] << doubling, base[1] << doubling


def _near(intervals: int, rounding: object) -> int:
    """The nearest m·2^k with m of at most 16, below or above."""
    k = max(0, math.floor(math.log2(max(intervals, 1))) - 3)
    return int(rounding(intervals / 2**k)) << k  # type: ignore[operator]


def _stretch(problem: Problem, form: Elliptic) -> float:
    """Intervals along x for one along y that make both directions couple equally: a/hx² = b/hy² in the mean."""
    x, y = problem.grid.axes
    at = problem.at(*np.meshgrid(x.points(33), y.points(33), indexing="ij"))
    a, b = (float(np.log(evaluate(node, {}, at, (33, 33))).mean()) for node in (form.a, form.b))
    return x.length / y.length * math.exp((b - a) / 2)
