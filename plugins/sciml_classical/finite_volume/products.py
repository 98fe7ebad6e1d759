"""Taking a rate apart: top-level terms, products of sums, fluxes of products such as u u_x."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from sciml.equation import tree as t
from sciml.equation.forms import as_functional
from sciml.equation.typeset import expression

Term = tuple[float, t.Orders, t.Expr]  # coefficient · ∂^orders expression
_INTEGRALS: dict[str, Callable[[t.Expr], t.Expr]] = {
    "sin": lambda u: t.multiply(t.Number(-1.0), t.Function("cos", u)),
    "cos": lambda u: t.Function("sin", u),
    "sinh": lambda u: t.Function("cosh", u),
    "cosh": lambda u: t.Function("sinh", u),
    "exp": lambda u: t.Function("exp", u),
}


def spoken(node: t.Expr) -> str:
    """The expression as it is printed for people."""
    return expression(node)


def split(node: t.Expr, scale: float = 1.0, orders: t.Orders = ()) -> list[Term]:
    """Σ scale · ∂^orders term, with sums, numbers and outer derivatives taken apart."""
    match node:
        case t.Sum(terms):
            return [piece for term in terms for piece in split(term, scale, orders)]
        case t.Derivative(of, inner):
            merged = t.derivative(t.Derivative(t.Field(""), inner), orders)
            assert isinstance(merged, t.Derivative)
            return split(of, scale, merged.orders)
        case t.Product(factors) if isinstance(factors[0], t.Number):
            return split(t.multiply(*factors[1:]), scale * factors[0].value, orders)
    return [] if node == t.ZERO else [(scale, orders, node)]


def pointwise(node: t.Expr) -> bool:
    return not any(isinstance(n, (t.Derivative, t.InverseLaplacian)) for n in t.walk(node))


def expanded(node: t.Expr) -> list[t.Expr]:
    """Products of sums multiplied out."""
    if isinstance(node, t.Sum):
        return [piece for term in node.terms for piece in expanded(term)]
    if not isinstance(node, t.Product):
        return [node]
    choices = [expanded(f) if isinstance(f, t.Sum) else [f] for f in node.factors]
    return [t.multiply(*chosen) for chosen in product(*choices)]


def antiderivative(node: t.Expr, field: str) -> t.Expr | None:
    """∫ node d(field) of c · field^n or c · function(field); None for anything else."""
    u = t.Field(field)
    degree, constants, functions = 0.0, list[t.Expr](), list[t.Function]()
    for factor in node.factors if isinstance(node, t.Product) else (node,):
        match factor:
            case t.Number():
                constants.append(factor)
            case t.Field():
                degree += 1
            case t.Power(base, exponent) if base == u:
                degree += exponent
            case t.Function(name, argument) if argument == u and name in _INTEGRALS:
                functions.append(factor)
            case _:
                return None
    if functions:
        return t.multiply(*constants, _INTEGRALS[functions[0].name](u)) if len(functions) == 1 and not degree else None
    if degree == -1:
        return t.multiply(*constants, t.Function("log", u))
    return t.multiply(*constants, t.Number(1 / (degree + 1)), t.power(u, degree + 1))


def functional(node: t.Expr) -> tuple[str, str, float] | None:
    """The node as c · ∂_axis Δ⁻¹ field, as (field, axis, c); None if it is not one."""
    found = as_functional(node)
    if found is None or len(found) != 1:
        return None
    ((name, monomial),) = found
    if monomial.inverse_laplacians != 1 or sum(n for _, n in monomial.orders) != 1:
        return None
    return name, monomial.orders[0][0], monomial.coefficient
