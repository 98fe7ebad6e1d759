"""What a function of t and components computes, as trees: found by calling it with symbols instead of numbers.

A function that decides by values, or needs more of torch than pointwise arithmetic, cannot be read so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...equation import tree
from .state import Separate, State

SAME = 1e-9  # by how much the trees may differ from the function, relative to the largest rate: roundings do by 1e-15


class Unreadable(Exception):
    """Not pointwise arithmetic."""


class Symbol:
    """A number of every sample that is not known yet."""

    def __init__(self, node: tree.Expr) -> None:
        self.node = node

    def __add__(self, other: Any) -> Symbol:
        return Symbol(tree.add(self.node, node_of(other)))

    def __mul__(self, other: Any) -> Symbol:
        return Symbol(tree.multiply(self.node, node_of(other)))

    def __pow__(self, exponent: Any) -> Symbol:
        match node_of(exponent):
            case tree.Number(value):
                return Symbol(tree.power(self.node, value))
        raise Unreadable("a power that differs between samples")

    def __rpow__(self, base: Any) -> Symbol:
        raise Unreadable("a power that differs between samples")

    def __neg__(self) -> Symbol:
        return self * -1.0

    def __sub__(self, other: Any) -> Symbol:
        return self + Symbol(node_of(other)) * -1.0

    def __rsub__(self, other: Any) -> Symbol:
        return Symbol(node_of(other)) - self

    def __truediv__(self, other: Any) -> Symbol:
        return self * Symbol(node_of(other)).__pow__(-1)

    def __rtruediv__(self, other: Any) -> Symbol:
        return Symbol(node_of(other)) / self

    def __bool__(self) -> bool:
        raise Unreadable("a decision")

    def __getattr__(self, name: str) -> Callable[..., Symbol]:
        if name in tree.FUNCTIONS or name in ARITHMETIC:
            return lambda *others: _applied(name, self, *others)
        raise Unreadable(name)

    __radd__, __rmul__ = __add__, __mul__

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, given: Any = (), named: Any = None) -> Symbol:
        if named:
            raise Unreadable(f"{function.__name__} with options")
        return _applied(function.__name__, *given)


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b, "neg": lambda a: -a, "square": lambda a: a * a, "reciprocal": lambda a: a**-1,
    "rsub": lambda a, b: b - a, "multiply": lambda a, b: a * b, "true_divide": lambda a, b: a / b,
    "__radd__": lambda a, b: b + a, "__rmul__": lambda a, b: b * a, "__rsub__": lambda a, b: b - a,
    "__rtruediv__": lambda a, b: b / a, "__rpow__": lambda a, b: b**a,
}  # fmt: skip


def _applied(name: str, *given: Any) -> Symbol:
    symbols = [Symbol(node_of(value)) for value in given]
    if name in tree.FUNCTIONS and len(symbols) == 1:
        return Symbol(tree.Function(name, symbols[0].node))
    if name in ARITHMETIC:
        found: Symbol = ARITHMETIC[name](*symbols)
        return found
    raise Unreadable(name)


def node_of(value: Any) -> tree.Expr:
    match value:
        case Symbol():
            return value.node
        case bool():
            raise Unreadable("a truth value")
        case int() | float():
            return tree.Number(float(value))
        case Tensor() if value.dim() == 0 and value.dtype in (torch.float64, torch.int64):
            return tree.Number(float(value))
    raise Unreadable(type(value).__name__)


def traced(field: Separate, t: Tensor, y: State, rate: State) -> list[tree.Expr] | None:
    """The rates over atoms, which are the components; None where they cannot be read so, or are not what the function
    has said at times t and states y: one that rolls dice, or remembers, is no formula."""
    symbols: Any = tuple(Symbol(tree.Atom(i)) for i in range(len(y)))
    moment: Any = Symbol(tree.Coordinate("t"))
    try:
        rates = [node_of(found) for found in field.function(moment, symbols)]
    except Exception:  # of many kinds, and all mean that it cannot be read: on numbers it works, as `rate` shows
        return None
    return rates if len(rates) == len(y) and _same(rates, t, y, rate) else None


def _same(rates: Sequence[tree.Expr], t: Tensor, y: State, wanted: State) -> bool:
    def leaf(node: tree.Expr) -> Tensor:
        return y[node.index] if isinstance(node, tree.Atom) else t

    def number(value: Any) -> Tensor:
        return torch.as_tensor(value).to(t).expand_as(t)

    for rate, told in zip(rates, wanted, strict=True):
        found = number(tree.evaluate(rate, leaf, lambda name, value: getattr(torch, name)(number(value))))
        size = float(told.abs().nan_to_num(0.0, 0.0, 0.0).max())
        if not torch.allclose(found, told, rtol=SAME, atol=SAME * size, equal_nan=True):
            return False
    return True
