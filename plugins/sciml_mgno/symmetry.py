"""Which symmetries of a rectangle leave a steady problem as it is: mirrors of its axes, and of a square their exchange.

Then (Ta, Tu) solves it where (a, u) does, T such a symmetry, and training data may be turned. Decided from the
equation's tree, on the safe side: what is not recognised is taken for not symmetric.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sciml.equation import tree
from sciml.grid import Axis
from sciml.problem import Problem

# what `turned` does, by number: whether the axes are exchanged, and whether the first and the second are mirrored
TURNS = {
    0: (False, False, False), 2: (False, True, True), 4: (False, False, True), 6: (False, True, False),
    1: (True, False, True), 3: (True, True, False), 5: (True, True, True), 7: (True, False, False),
}  # fmt: skip
ALL, MIRRORS = (0, 1, 2, 3, 4, 5, 6, 7), (0, 2, 4, 6)


def turned(fields: Tensor, which: int) -> Tensor:
    """One of the eight symmetries of a square, of fields (…, n, n); those that exchange nothing, of (…, n, m) too."""
    fields = torch.rot90(fields, which % 4, (-2, -1))
    return fields.flip(-1) if which >= 4 else fields


def symmetries(problem: Problem) -> tuple[int, ...]:
    """Numbers of the turns that leave equation and boundary conditions as they are; 0, which does nothing, is one."""
    if problem.kind != "steady" or len(problem.grid.axes) != 2 or len(problem.equation.fields) != 1:
        return (0,)
    first, second = problem.grid.axes
    (residual,) = problem.equation.numeric_rates().values()
    seen = {node.name for node in tree.walk(residual) if isinstance(node, tree.Coordinate)}
    mirrors = [a.name not in seen and _parity(residual, a.name) == 1 and _mirrored(problem, a) for a in (first, second)]
    alike = (first.length, first.size, first.boundary) == (second.length, second.size, second.boundary)
    exchange = (
        alike and not seen and len({*first.faces, *second.faces}) == 1 and not any(_data(problem).values())
        and _key(residual, {}) == _key(residual, {first.name: second.name, second.name: first.name})
    )  # fmt: skip
    return tuple(
        which for which, (exchanged, *mirrored) in sorted(TURNS.items())
        if (exchange or not exchanged) and all(mirrors[axis] for axis in (0, 1) if mirrored[axis])
    )  # fmt: skip


def _data(problem: Problem) -> dict[tuple[str, str], str]:
    """Formulas on the faces (axis, side) of the one field, those that are 0 left out."""
    (field,) = problem.equation.fields
    by_axis = problem.boundary_text.get(field, {})
    return {(a, side): text for a, sides in by_axis.items() for side, text in sides.items() if text.strip() != "0"}


def _mirrored(problem: Problem, axis: Axis) -> bool:
    """Whether the conditions are the same after a mirror of the axis: nothing but numbers on the other axis's faces."""
    data = _data(problem)
    across = [text for (name, _), text in data.items() if name == axis.name]
    return len(set(axis.faces)) == 1 and not across and all(_is_number(text) for text in data.values())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _parity(node: tree.Expr, axis: str) -> int | None:
    """The factor, 1 or -1, that a reflection of an axis gives an expression of scalar fields; None: neither."""
    signs = [_parity(child, axis) for child in node.children()]
    if None in signs:
        return None
    match node:
        case tree.Number() | tree.Parameter() | tree.Field() | tree.Given():
            return 1
        case tree.Coordinate(name):
            return None if name == axis else 1
        case tree.Sum():
            return signs[0] if len(set(signs)) == 1 else None
        case tree.Product():
            return -1 if signs.count(-1) % 2 else 1
        case tree.Derivative(_, orders):
            sign = signs[0]
            assert sign is not None
            return -sign if dict(orders).get(axis, 0) % 2 else sign
        case tree.Power(_, exponent):
            return 1 if signs[0] == 1 or exponent % 2 == 0 else -1 if exponent % 2 == 1 else None
        case tree.InverseLaplacian():
            return signs[0]
        case tree.Function():
            return 1 if signs[0] == 1 else None
    return None


def _key(node: tree.Expr, names: dict[str, str]) -> str:
    """Text of an expression with axes renamed, the same whatever the order of terms and factors."""
    parts = [_key(child, names) for child in node.children()]
    match node:
        case tree.Sum() | tree.Product():
            return f"{type(node).__name__}({', '.join(sorted(parts))})"
        case tree.Derivative(_, orders):
            renamed = sorted((names.get(axis, axis), order) for axis, order in orders)
            return f"Derivative({parts[0]}, {renamed})"
        case tree.Power(_, exponent):
            return f"Power({parts[0]}, {exponent})"
        case tree.Function(name, _):
            return f"{name}({parts[0]})"
    return f"{type(node).__name__}({', '.join(parts)})" if parts else repr(node)
