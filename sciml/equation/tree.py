"""The tree an equation is parsed into, and the little algebra that every reading of it shares.

A node is a frozen record. Nothing here is executed text: a tree is *interpreted*, with whatever
numbers the caller supplies for its leaves (floats, numpy or torch arrays, mpmath numbers, series).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import UsageError

Orders = tuple[tuple[str, int], ...]  # (("x", 2), ("y", 1)), sorted by axis, no zeros
MAX_NODES, MAX_DEPTH = 10_000, 120  # of one tree, a part that stands in it twice counted twice
MAX_TOTAL = 10 * MAX_NODES  # of all trees of an equation


@dataclass(frozen=True)
class Expr:
    """Base of all nodes. A short text may ask for a tree of any size (definitions that double, a product rule on a
    product rule): the node that would be too large is refused when it is made."""

    size: int = field(init=False, repr=False, compare=False)
    depth: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        size, depth = 1, 0
        for child in self.children():
            size += child.size
            depth = max(depth, child.depth)
        _refuse(size, depth)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "depth", depth + 1)

    def children(self) -> tuple[Expr, ...]:
        return ()


def _refuse(size: int, depth: int = 0) -> None:
    if size > MAX_NODES or depth >= MAX_DEPTH:
        how = f"longer than {MAX_NODES} terms" if size > MAX_NODES else f"nested more than {MAX_DEPTH} deep"
        raise UsageError(f"equation: an expression, its definitions and derivatives written out, is {how}.")


@dataclass(frozen=True)
class Number(Expr):
    value: float


@dataclass(frozen=True)
class Parameter(Expr):
    name: str


@dataclass(frozen=True)
class Coordinate(Expr):
    """A spatial axis, or the time `t`."""

    name: str


@dataclass(frozen=True)
class Field(Expr):
    name: str


@dataclass(frozen=True)
class Given(Expr):
    """A coefficient known by its values on the grid, such as a permeability; linear in between."""

    name: str


@dataclass(frozen=True)
class Atom(Expr):
    """Place-holder for the i-th linear functional of the state (see `forms`)."""

    index: int


@dataclass(frozen=True)
class Sum(Expr):
    terms: tuple[Expr, ...]

    def children(self) -> tuple[Expr, ...]:
        return self.terms


@dataclass(frozen=True)
class Product(Expr):
    factors: tuple[Expr, ...]

    def children(self) -> tuple[Expr, ...]:
        return self.factors


@dataclass(frozen=True)
class Power(Expr):
    base: Expr
    exponent: float

    def children(self) -> tuple[Expr, ...]:
        return (self.base,)


@dataclass(frozen=True)
class Function(Expr):
    name: str
    argument: Expr

    def children(self) -> tuple[Expr, ...]:
        return (self.argument,)


@dataclass(frozen=True)
class Derivative(Expr):
    of: Expr
    orders: Orders

    def children(self) -> tuple[Expr, ...]:
        return (self.of,)


@dataclass(frozen=True)
class InverseLaplacian(Expr):
    """The solution of Δφ = f with zero mean on a periodic domain."""

    of: Expr

    def children(self) -> tuple[Expr, ...]:
        return (self.of,)


@dataclass(frozen=True)
class Laplacian(Expr):
    """Sum of second derivatives over all coordinates x[1] … x[d] of a point; of a field only."""

    of: Expr

    def children(self) -> tuple[Expr, ...]:
        return (self.of,)


@dataclass(frozen=True)
class Indexed(Expr):
    """Entry i + shift of a vector (the point x, or coefficients), inside an IndexedSum."""

    name: str
    shift: int = 0


@dataclass(frozen=True)
class IndexedSum(Expr):
    """Σ_i `of`, with i from 1 to the last index for which every entry exists."""

    of: Expr

    def children(self) -> tuple[Expr, ...]:
        return (self.of,)


class Total:
    """Counts the nodes of an equation's trees. Raises UsageError for more than an equation may have."""

    def __init__(self) -> None:
        self.nodes = 0

    def take(self, node: Expr) -> Expr:
        self.nodes += node.size
        if self.nodes > MAX_TOTAL:
            raise UsageError(f"equation: with definitions and derivatives written out it has over {MAX_TOTAL} terms.")
        return node


FUNCTIONS = ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt")
ZERO, ONE = Number(0.0), Number(1.0)


def walk(node: Expr) -> Iterator[Expr]:
    """Every node of the tree, parents first."""
    yield node
    for child in node.children():
        yield from walk(child)


def add(*terms: Expr) -> Expr:
    """Sum with nested sums flattened and numbers collected."""
    flat: list[Expr] = []
    constant = 0.0
    for term in terms:
        _refuse(len(flat))
        for piece in term.terms if isinstance(term, Sum) else (term,):
            if isinstance(piece, Number):
                constant += piece.value
            else:
                flat.append(piece)
    if constant != 0.0:
        flat.append(Number(constant))
    return ZERO if not flat else flat[0] if len(flat) == 1 else Sum(tuple(flat))


def multiply(*factors: Expr) -> Expr:
    """Product with nested products flattened and numbers collected."""
    flat: list[Expr] = []
    constant = 1.0
    for factor in factors:
        _refuse(len(flat))
        for piece in factor.factors if isinstance(factor, Product) else (factor,):
            if isinstance(piece, Number):
                constant *= piece.value
            else:
                flat.append(piece)
    if constant == 0.0:
        return ZERO
    if constant != 1.0 or not flat:
        flat.insert(0, Number(constant))
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def power(base: Expr, exponent: float) -> Expr:
    if exponent == 0:
        return ONE
    if exponent == 1:
        return base
    if isinstance(base, Number):
        return Number(float(base.value**exponent))
    return Power(base, exponent)


def derivative(of: Expr, orders: Orders) -> Expr:
    """Derivative with nested derivatives merged; a constant's derivative is zero."""
    if not orders:
        return of
    if isinstance(of, (Number, Parameter)):
        return ZERO
    if isinstance(of, Derivative):
        total = dict(of.orders)
        for axis, order in orders:
            total[axis] = total.get(axis, 0) + order
        return Derivative(of.of, tuple(sorted(total.items())))
    return Derivative(of, tuple(sorted(orders)))


def rebuild(node: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """The same node with `change` applied to its children, simplified."""
    match node:
        case Sum(terms):
            return add(*map(change, terms))
        case Product(factors):
            return multiply(*map(change, factors))
        case Power(base, exponent):
            return power(change(base), exponent)
        case Function(name, argument):
            return Function(name, change(argument))
        case Derivative(of, orders):
            return derivative(change(of), orders)
        case InverseLaplacian(of):
            return InverseLaplacian(change(of))
        case Laplacian(of):
            return Laplacian(change(of))
        case IndexedSum(of):
            return IndexedSum(change(of))
    return node


def substitute(node: Expr, values: dict[Expr, Expr]) -> Expr:
    """Replace whole sub-trees."""
    if node in values:
        return values[node]
    return rebuild(node, lambda child: substitute(child, values))


_CHAIN: dict[str, Callable[[Expr], Expr]] = {
    "sin": lambda a: Function("cos", a),
    "cos": lambda a: multiply(Number(-1.0), Function("sin", a)),
    "tan": lambda a: add(ONE, power(Function("tan", a), 2)),
    "sinh": lambda a: Function("cosh", a),
    "cosh": lambda a: Function("sinh", a),
    "tanh": lambda a: add(ONE, multiply(Number(-1.0), power(Function("tanh", a), 2))),
    "exp": lambda a: Function("exp", a),
    "log": lambda a: power(a, -1),
    "sqrt": lambda a: multiply(Number(0.5), power(Function("sqrt", a), -1)),
}


def differentiate(node: Expr, leaf_rule: Callable[[Expr], Expr | None]) -> Expr:
    """Chain and product rules; `leaf_rule` gives the derivative of a node it knows, else None."""
    known = leaf_rule(node)
    if known is not None:
        return known
    match node:
        case Sum(terms):
            return add(*(differentiate(term, leaf_rule) for term in terms))
        case Product(factors):
            return add(*(
                multiply(*factors[:i], differentiate(factor, leaf_rule), *factors[i + 1 :])
                for i, factor in enumerate(factors)
            ))
        case Power(base, n):
            return multiply(Number(n), power(base, n - 1), differentiate(base, leaf_rule))
        case Function(name, argument):
            return multiply(_CHAIN[name](argument), differentiate(argument, leaf_rule))
    return ZERO


def partial(node: Expr, leaf: Expr) -> Expr:
    """∂node/∂leaf for a pointwise expression."""
    return differentiate(node, lambda n: ONE if n == leaf else None)


def evaluate(node: Expr, leaf: Callable[[Expr], Any], function: Callable[[str, Any], Any]) -> Any:
    """Interpret a pointwise tree.

    `leaf` supplies the value of every leaf and of every operator node (Derivative,
    InverseLaplacian, Laplacian, IndexedSum); `function(name, value)` applies an elementary function. Numbers
    stay floats.
    """
    match node:
        case Number(value):
            return value
        case Sum(terms):
            total = evaluate(terms[0], leaf, function)
            for term in terms[1:]:
                total = total + evaluate(term, leaf, function)
            return total
        case Product(factors):
            result = evaluate(factors[0], leaf, function)
            for factor in factors[1:]:
                result = result * evaluate(factor, leaf, function)
            return result
        case Power(base, exponent):
            value = evaluate(base, leaf, function)
            if exponent == 2:
                return value * value
            if exponent == 3:
                return value * value * value
            return value ** (int(exponent) if exponent == int(exponent) else exponent)
        case Function(name, argument):
            return function(name, evaluate(argument, leaf, function))
    return leaf(node)
