"""Whether a steady equation on a square is left as it is by the square's eight symmetries.

Then (Ta, Tu) solves it where (a, u) does, T any rotation or reflection, and training data may be turned. Decided from
the equation's tree, on the safe side: what is not recognised is taken for not symmetric.
"""

from __future__ import annotations

from sciml.equation import tree
from sciml.problem import Problem


def square_symmetric(problem: Problem) -> bool:
    """Whether all eight symmetries of a square leave equation and boundary conditions as they are."""
    if problem.kind != "steady" or len(problem.grid.axes) != 2 or len(problem.equation.fields) != 1:
        return False
    x, y = problem.grid.axes
    if (x.length, x.size, x.boundary) != (y.length, y.size, y.boundary) or len({*x.faces, *y.faces}) > 1:
        return False
    if any(text.strip() != "0" for by in problem.boundary_text.values() for s in by.values() for text in s.values()):
        return False
    (residual,) = problem.equation.numeric_rates().values()
    if any(isinstance(node, tree.Coordinate) for node in tree.walk(residual)):
        return False
    even = _parity(residual, x.name) == 1 and _parity(residual, y.name) == 1
    return even and _key(residual, {}) == _key(residual, {x.name: y.name, y.name: x.name})


def _parity(node: tree.Expr, axis: str) -> int | None:
    """The factor, 1 or -1, that a reflection of an axis gives an expression of scalar fields; None: neither."""
    signs = [_parity(child, axis) for child in node.children()]
    if None in signs:
        return None
    match node:
        case tree.Number() | tree.Parameter() | tree.Field() | tree.Given():
            return 1
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
