"""Which faces carry a condition, and what is given there.

An axis along which the equation is of first order takes one condition. Where data stand on both faces, the one the
equation enters by is used, and the other is compared with the solution afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sciml.errors import UsageError
from sciml.problem import SIDES, Array, Problem

from . import basis
from .interval import Interval
from .splitting import Split, evaluate

Condition = tuple[str, str]  # (side, kind)
DISAGREEMENT = 1e-8  # relative, of data that say the same thing twice, beyond which the answer is not trusted


def imposed(problem: Problem, split: Split) -> tuple[list[tuple[Condition, ...]], list[tuple[int, Condition]]]:
    """Conditions by axis, and (axis, condition) of the faces that are not needed. Raises UsageError."""
    kept: list[tuple[Condition, ...]] = []
    unused: list[tuple[int, Condition]] = []
    for index, axis in enumerate(problem.grid.axes):
        given = [(side, kind) for side, kind in zip(SIDES, axis.faces, strict=True) if kind != "open"]
        for f, name in enumerate(problem.equation.fields):
            order = max((orders[index] for g, orders in split.atoms if g == f), default=0)
            if order > 2:
                raise UsageError(
                    f"chebyshev: along {axis.name} the equation has order {order} in {name}; with one condition on each"
                    " face at most two are possible."
                )
            inflow = order == 1 and len(given) == 2 and problem.equation.steady and len(split.rates) == 1
            if len(given) > order and not inflow:
                raise UsageError(
                    f"chebyshev: along {axis.name} the equation has order {order} in {name}, but {len(given)} faces"
                    " carry conditions; declare those that need none as open."
                )
            if inflow:
                side = SIDES[0] if _enters_below(problem, split, index) else SIDES[1]
                unused += [(index, c) for c in given if c[0] != side]
                given = [c for c in given if c[0] == side]
        kept.append(tuple(given))
    free = not any(kind == "dirichlet" for conditions in kept for _, kind in conditions)
    values_occur = any(not any(orders) for _, orders in split.atoms)
    if problem.equation.steady and free and not values_occur:
        raise UsageError(
            "chebyshev: neither the equation nor a face contains the value of the solution, which is therefore"
            " determined up to a constant only."
        )
    return kept, unused


def _enters_below(problem: Problem, split: Split, index: int) -> bool:
    """Whether a first-order axis is entered at its lower end: the direction in which solutions do not grow.

    With a the coefficient of the first derivative, c that of the value and d those of second derivatives along other
    axes, a u' = -c u - d u'' decays forwards where c/a > 0, and diffuses forwards where d/a < 0.
    """
    points = [np.linspace(a.lower, a.upper, 9) for a in problem.grid.axes]
    grid = np.meshgrid(*points, indexing="ij")
    at = dict(zip(split.axes, grid, strict=True))
    value, second, first = 0.0, 0.0, np.zeros(())
    for i, coefficient in split.linear[0]:
        found = evaluate(coefficient, {}, at, grid[0].shape)
        _, orders = split.atoms[i]
        if orders[index] == 1 and sum(orders) == 1:
            first = found
        elif not any(orders):
            value = float(found.mean())
        elif sum(orders) == max(orders) == 2:
            second += float(found.mean())
    if not (first > 0).all() and not (first < 0).all():
        raise UsageError(
            f"chebyshev: along {split.axes[index]} the equation is of first order with data on both faces, and the"
            " coefficient of the derivative has no fixed sign; declare the face that needs none as open."
        )
    forwards = bool(first.mean() > 0)
    slope = value if not second else -second
    return forwards if slope >= 0 else not forwards


def face_values(problem: Problem, field: int, axis: int, condition: Condition, at: Mapping[str, Array]) -> Array:
    """What is given on a face, at points of the other axes (and "t")."""
    name = problem.equation.fields[field]
    return problem.boundary_values(name, problem.grid.axes[axis].name, condition[0], at)


def unused_mismatch(problem: Problem, sizes: tuple[int, ...], unused: list[tuple[int, Condition]], x: Array) -> float:
    """Largest difference between the solution, coefficients (1, *sizes), and data that were not imposed, relative."""
    worst = 0.0
    for axis, condition in unused:
        line = Interval(problem.grid.axes[axis], sizes[axis], 1, (condition,))
        if x.ndim == 2:
            difference = line.rows @ x[0] - face_values(problem, 0, axis, condition, {})
        else:
            name = problem.equation.axes[1 - axis]
            other = Interval(problem.grid.axes[1 - axis], sizes[1 - axis], 0, ())
            given = face_values(problem, 0, axis, condition, {name: other.points})
            found = line.rows @ (x[0] if axis == 0 else x[0].T)
            difference = basis.to_values(found)[0] - given
        worst = max(worst, float(np.abs(difference).max()))
    scale = float(np.abs(basis.to_values(x) if x.ndim == 2 else basis.to_values(basis.to_values(x, 1), 2)).max())
    return worst / (scale or 1.0)
