"""sciml's tree of an equation -> the text that py-pde parses."""

from __future__ import annotations

from sciml import Problem
from sciml.equation import tree


def untranslatable(problem: Problem) -> list[str]:
    """Reasons, for people; empty where `rate_text` has a text for every term."""
    for rate in problem.equation.numeric_rates().values():
        try:
            text_of(rate)
        except NotImplementedError as reason:
            return [str(reason)]
    return []


def rate_text(problem: Problem) -> str:
    """Of a problem with one field: what py-pde's `PDE` takes, parameters as numbers."""
    (rate,) = problem.equation.numeric_rates().values()
    return text_of(rate)


def text_of(node: tree.Expr) -> str:
    """Raises NotImplementedError for what py-pde has no word for."""
    match node:
        case tree.Number(value):
            return repr(float(value))
        case tree.Field(name) | tree.Coordinate(name):
            return name
        case tree.Sum(terms):
            return "(" + " + ".join(map(text_of, terms)) + ")"
        case tree.Product(factors):
            return "*".join(map(text_of, factors))
        case tree.Power(base, exponent):
            return f"({text_of(base)})**({exponent!r})"
        case tree.Function(name, argument):
            return f"{name}({text_of(argument)})"
        case tree.Derivative(of, orders):
            text = text_of(of)
            for axis, order in orders:
                for _ in range(order // 2):
                    text = f"d2_d{axis}2({text})"
                if order % 2:
                    text = f"d_d{axis}({text})"
            return text
    raise NotImplementedError(f"py-pde has no operator for {type(node).__name__}")
