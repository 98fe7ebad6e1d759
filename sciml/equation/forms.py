"""Two normal forms of an evolution equation, from which every solver starts.

`semilinear(equation)`: u_t = L u + Σ_j D_j g_j(atoms, x, t), where L and D_j are linear operators with
constant coefficients, g_j are pointwise, and every atom is a linear operator applied to the state.
Exponential integrators, Galerkin and pseudo-spectral methods read this one.

`strong(equation)`: u_t = F(u, u_x, u_xx, …, x, t), pointwise in the derivatives of the fields.
Collocation methods (networks, kernels) read this one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..errors import UsageError
from . import tree as t


@dataclass(frozen=True)
class Monomial:
    """coefficient · ∂^orders · Δ^(-inverse_laplacians)."""

    coefficient: float
    orders: t.Orders = ()
    inverse_laplacians: int = 0


Operator = tuple[Monomial, ...]
Functional = tuple[tuple[str, Monomial], ...]  # Σ monomial · field


@dataclass(frozen=True)
class SemilinearForm:
    """u_t = linear·u + Σ_(operator, j) operator g_j(atoms); parameters are already numbers."""

    fields: tuple[str, ...]
    linear: dict[str, Functional]
    atoms: tuple[Functional, ...]
    products: tuple[t.Expr, ...]  # pointwise in t.Atom(i), coordinates and time
    outer: dict[str, tuple[tuple[Operator, int], ...]]

    @property
    def degree(self) -> int | None:
        """Polynomial degree of the products in the state, None if not polynomial."""
        degrees = [polynomial_degree(product) for product in self.products]
        return None if None in degrees else max((d for d in degrees if d is not None), default=1)


@dataclass(frozen=True)
class StrongForm:
    """u_t = rates(atoms); atom i is the derivative `derivatives[i]` of a field.

    `sources` (see `localised`): auxiliary fields φ by name, in an order in which each depends on earlier ones
    only; each is the zero-mean solution of Δφ = source(atoms), and may occur in the atoms as fields do.
    """

    fields: tuple[str, ...]
    derivatives: tuple[tuple[str, t.Orders], ...]
    rates: dict[str, t.Expr]
    sources: dict[str, t.Expr] = dataclasses.field(default_factory=dict)


def polynomial_degree(node: t.Expr) -> int | None:
    """Degree in the state; a given function of x and t counts as one factor."""
    if not any(isinstance(n, t.Atom) for n in t.walk(node)):
        return int(any(isinstance(n, (t.Coordinate, t.Given, t.IndexedSum)) for n in t.walk(node)))
    match node:
        case t.Atom():
            return 1
        case t.Sum(terms):
            degrees = [polynomial_degree(term) for term in terms]
            return None if None in degrees else max(d for d in degrees if d is not None)
        case t.Product(factors):
            degrees = [polynomial_degree(factor) for factor in factors]
            return None if None in degrees else sum(d for d in degrees if d is not None)
        case t.Power(base, exponent) if exponent > 0 and exponent == int(exponent):
            degree = polynomial_degree(base)
            return None if degree is None else degree * int(exponent)
    return None


def as_atoms(node: t.Expr) -> t.Expr:
    """Every field, and every Laplacian of one, as an atom: enough to find the degree in them."""
    if isinstance(node, (t.Field, t.Laplacian)):
        return t.Atom(0)
    return t.rebuild(node, as_atoms)


def _is_constant(node: t.Expr) -> bool:
    return all(not isinstance(n, (t.Field, t.Coordinate, t.Given, t.Atom)) for n in t.walk(node))


def _number(node: t.Expr) -> float:
    """The value of a constant tree."""
    import math

    def leaf(n: t.Expr) -> float:
        raise UsageError(f"equation: {n!r} is not a constant.")

    def function(name: str, value: float) -> float:
        return float(getattr(math, name)(value))

    try:
        return float(t.evaluate(node, leaf, function))
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):  # the last: a root of a negative number
        raise UsageError("equation: a constant part is not a finite number.") from None


def _compose(outer: Monomial, inner: Monomial) -> Monomial:
    total = dict(outer.orders)
    for axis, order in inner.orders:
        total[axis] = total.get(axis, 0) + order
    return Monomial(
        outer.coefficient * inner.coefficient,
        tuple(sorted(total.items())),
        outer.inverse_laplacians + inner.inverse_laplacians,
    )


def as_functional(node: t.Expr) -> Functional | None:
    """The node as a constant-coefficient linear functional of the fields, or None."""
    match node:
        case t.Field(name):
            return ((name, Monomial(1.0)),)
        case t.Sum(terms):
            parts = [as_functional(term) for term in terms]
            if any(part is None for part in parts):
                return None
            return tuple(item for part in parts if part is not None for item in part)
        case t.Product(factors):
            variable = [factor for factor in factors if not _is_constant(factor)]
            inner = as_functional(variable[0]) if len(variable) == 1 else None
            if inner is None:
                return None
            scale = Monomial(_number(t.multiply(*(f for f in factors if _is_constant(f)))))
            return tuple((name, _compose(scale, m)) for name, m in inner)
        case t.Derivative(of, orders):
            inner = as_functional(of)
            return None if inner is None else tuple((n, _compose(Monomial(1.0, orders), m)) for n, m in inner)
        case t.InverseLaplacian(of):
            inner = as_functional(of)
            return None if inner is None else tuple((n, _compose(Monomial(1.0, (), 1), m)) for n, m in inner)
    return None


def _top_terms(node: t.Expr, operator: Monomial) -> list[tuple[Monomial, t.Expr]]:
    """Σ operator·term with sums, constant factors and linear operators taken apart."""
    if isinstance(node, t.Sum):
        return [piece for term in node.terms for piece in _top_terms(term, operator)]
    if isinstance(node, t.Product):
        constant = [factor for factor in node.factors if _is_constant(factor)]
        variable = [factor for factor in node.factors if not _is_constant(factor)]
        if constant and variable:
            scale = Monomial(_number(t.multiply(*constant)))
            return _top_terms(t.multiply(*variable), _compose(operator, scale))
    if isinstance(node, t.Derivative):
        return _top_terms(node.of, _compose(operator, Monomial(1.0, node.orders)))
    if isinstance(node, t.InverseLaplacian):
        return _top_terms(node.of, _compose(operator, Monomial(1.0, (), 1)))
    return [(operator, node)]


def _transport_as_flux(node: t.Expr) -> tuple[Monomial, t.Expr] | None:
    """a·a_x = ∂_x(a²/2): one transform fewer, and exactly equal when de-aliased."""
    if isinstance(node, t.Product) and len(node.factors) == 2:
        for a, b in (node.factors, node.factors[::-1]):
            if isinstance(b, t.Derivative) and b.of == a and sum(n for _, n in b.orders) == 1:
                return Monomial(0.5, b.orders), t.power(a, 2)
    return None


def _pull_derivatives(node: t.Expr) -> t.Expr:
    """Derivatives of nonlinear expressions inside a product, by the chain rule, down to the fields."""
    node = t.rebuild(node, _pull_derivatives)
    if isinstance(node, t.InverseLaplacian) and as_functional(node) is None:
        raise UsageError("equation: inverse_laplacian of a nonlinear term may not be a factor of a product.")
    if not isinstance(node, t.Derivative) or as_functional(node) is not None or of_given(node):
        return node
    inner = node.of
    for axis, order in node.orders:
        for _ in range(order):
            inner = _first_derivative(inner, axis)
    return inner


def _first_derivative(node: t.Expr, axis: str) -> t.Expr:
    def rule(n: t.Expr) -> t.Expr | None:
        if isinstance(n, t.Coordinate):
            return t.ONE if n.name == axis else t.ZERO
        if isinstance(n, (t.Field, t.Given, t.Derivative, t.InverseLaplacian)):
            return t.derivative(n, ((axis, 1),))
        return None

    return t.differentiate(node, rule)


def of_given(node: t.Expr) -> bool:
    """Whether the node is a derivative of a given coefficient: a function of the coordinates like any other."""
    return isinstance(node, t.Derivative) and isinstance(node.of, t.Given)


class _Atoms:
    """Numbers the linear functionals that a pointwise tree needs."""

    def __init__(self) -> None:
        self.known: dict[Functional, int] = {}

    def replace(self, node: t.Expr) -> t.Expr:
        if of_given(node):
            return node
        if isinstance(node, (t.Field, t.Derivative, t.InverseLaplacian)):
            functional = as_functional(node)
            assert functional is not None, "derivatives were pulled down to the fields before"
            return t.Atom(self.known.setdefault(functional, len(self.known)))
        return t.rebuild(node, self.replace)


def semilinear(fields: tuple[str, ...], rates: dict[str, t.Expr]) -> SemilinearForm:
    """Split each rate. Raises UsageError for what has no such form."""
    total = t.Total()
    atoms, products = _Atoms(), dict[t.Expr, int]()
    linear: dict[str, Functional] = {}
    outer: dict[str, tuple[tuple[Operator, int], ...]] = {}
    for field in fields:
        functional: list[tuple[str, Monomial]] = []
        nonlinear: dict[t.Expr, list[Monomial]] = {}
        for operator, term in _top_terms(rates[field], Monomial(1.0)):
            part = as_functional(term)
            if part is not None:
                functional += [(name, _compose(operator, m)) for name, m in part]
                continue
            flux = _transport_as_flux(term)
            if flux is not None:
                operator, term = _compose(operator, flux[0]), flux[1]
            if operator.orders or operator.inverse_laplacians:
                term = atoms.replace(total.take(_pull_derivatives(term)))
            else:  # fold the coefficient in, so that all plain terms share one transform
                scaled = t.multiply(t.Number(operator.coefficient), term)
                operator, term = Monomial(1.0), atoms.replace(total.take(_pull_derivatives(scaled)))
            nonlinear.setdefault(term, []).append(operator)
        grouped: dict[Operator, list[t.Expr]] = {}
        for term, operators in nonlinear.items():
            grouped.setdefault(tuple(operators), []).append(term)
        linear[field] = tuple(functional)
        outer[field] = tuple(
            (operators, products.setdefault(t.add(*terms), len(products))) for operators, terms in grouped.items()
        )
    return SemilinearForm(fields, linear, tuple(atoms.known), tuple(products), outer)


def strong(fields: tuple[str, ...], rates: dict[str, t.Expr]) -> StrongForm:
    """Every operator pushed down to derivatives of fields. Raises UsageError for nonlocal terms."""
    if any(isinstance(n, t.InverseLaplacian) for rate in rates.values() for n in t.walk(rate)):
        raise UsageError("equation: a nonlocal term (inverse_laplacian) has no pointwise form.")
    return localised(fields, rates)


def localised(fields: tuple[str, ...], rates: dict[str, t.Expr]) -> StrongForm:
    """The strong form with every inverse_laplacian(f) replaced by an auxiliary field φ with Δφ = f."""
    known: dict[tuple[str, t.Orders], int] = {}
    sources: dict[t.Expr, tuple[str, t.Expr]] = {}
    total = t.Total()

    def auxiliary(node: t.InverseLaplacian) -> t.Field:
        if node not in sources:
            source = expand(node.of)  # names what is nested inside first
            sources[node] = (f"inverse_laplacian.{len(sources)}", source)
        return t.Field(sources[node][0])

    def localise(node: t.Expr) -> t.Expr:
        return auxiliary(node) if isinstance(node, t.InverseLaplacian) else t.rebuild(node, localise)

    def expand(node: t.Expr) -> t.Expr:
        if isinstance(node, t.InverseLaplacian):
            return expand(auxiliary(node))
        if isinstance(node, t.Field):
            return t.Atom(known.setdefault((node.name, ()), len(known)))
        if of_given(node):
            return node
        if isinstance(node, t.Derivative):
            inner = localise(node.of)
            if isinstance(inner, t.Field):
                return t.Atom(known.setdefault((inner.name, node.orders), len(known)))
            for axis, order in node.orders:
                for _ in range(order):
                    inner = total.take(_first_derivative(inner, axis))
            return expand(inner)
        return t.rebuild(node, expand)

    expanded = {field: expand(rates[field]) for field in fields}
    return StrongForm(fields, tuple(known), expanded, dict(sources.values()))
