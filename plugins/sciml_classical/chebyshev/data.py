"""How many coefficients the given functions need: sources, coefficients, data on faces.

Newton's method starts only when they are resolved: a fast wave on too few points is read as a slow one, and its
double integral is then huge.
"""

from __future__ import annotations

import numpy as np

from sciml.errors import RunFailed
from sciml.problem import SIDES, Array, Problem

from . import basis
from .conditions import face_values
from .interval import Interval
from .splitting import Split, evaluate

FEWEST = 16


def starting_sizes(problem: Problem, split: Split, tail: float, most: int) -> tuple[int, ...]:
    """Coefficients per axis that the equation at u = 0, its derivatives by the atoms and the data on faces need."""
    sizes = [33] * len(problem.grid.axes)
    while True:
        sampled = _given_functions(problem, split, sizes)
        grown = list(sizes)
        for axis in range(len(sizes)):
            if not all(basis.settled(c, tail, k) for c, axes in sampled for k, a in enumerate(axes) if a == axis):
                grown[axis] = min(most, 2 * sizes[axis] - 1)
        if grown == sizes:
            break
        sizes = grown
    wanted = []
    for axis in range(len(sizes)):
        counts = [basis.needed(c, tail, k) for c, axes in sampled for k, a in enumerate(axes) if a == axis]
        wanted.append(min(most, max([FEWEST, *(count + count // 10 + 6 for count in counts)])))
    return tuple(wanted)


def _given_functions(problem: Problem, split: Split, sizes: list[int]) -> list[tuple[Array, tuple[int, ...]]]:
    """Coefficients of each given function, and the axes it lives on."""
    lines = [Interval(a, n, 0, ()) for a, n in zip(problem.grid.axes, sizes, strict=True)]
    at = dict(zip(split.axes, np.meshgrid(*(line.points for line in lines), indexing="ij"), strict=True))
    everywhere = tuple(range(len(sizes)))
    trees = [*split.rates, *(part for parts in (*split.linear, *split.nonlinear) for _, part in parts)]
    found: list[tuple[Array, tuple[int, ...]]] = []
    for node in trees:
        values = evaluate(node, {}, at, tuple(sizes))
        if not np.isfinite(values).all():
            raise RunFailed("chebyshev: the equation is not finite at u = 0, where Newton's method starts.")
        if np.ptp(values) > 0:
            for axis in everywhere:
                values = basis.to_coefficients(values, axis)
            found.append((values, everywhere))
    for axis in everywhere if len(sizes) == 2 else ():
        other = lines[1 - axis]
        for side, kind in zip(SIDES, problem.grid.axes[axis].faces, strict=True):
            if kind != "open":
                values = face_values(problem, 0, axis, (side, kind), {split.axes[1 - axis]: other.points})
                if np.ptp(values) > 0:
                    found.append((basis.to_coefficients(values), (1 - axis,)))
    return found
