"""Equations in many dimensions: a point x of R^d, entries x[i], and sums over i.

    sum(c[i]*sin(x[i] + cos(x[i+1])))      # i from 1 to the last index for which every entry exists: d - 1
    sum(x[i]**2)                           # |x|²

A sum is read like everything else, under the whitelist: subscripts are `name[i]` and `name[i+k]`, inside sum() only.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UsageError, did_you_mean
from ..files.bounds import spend
from . import tree as t

MAX_SHIFT = 1000


def subscript(node: ast.Subscript, known: tuple[str, ...]) -> t.Indexed:
    """`x[i+1]` -> Indexed("x", 1). Raises UsageError for any other subscript."""
    text = ast.unparse(node)
    match node:
        case ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id="i")):
            shift = 0
        case ast.Subscript(
            value=ast.Name(id=name),
            slice=ast.BinOp(left=ast.Name(id="i"), op=ast.Add(), right=ast.Constant(value=int(shift))),
        ) if not isinstance(shift, bool) and 0 <= shift <= MAX_SHIFT:
            pass
        case _:
            raise UsageError(f"equation: {text!r} is not allowed; subscripts are name[i] or name[i+k] with a number k.")
    if name not in known:
        raise UsageError(f"equation: {name!r} in {text!r} takes no subscript" + did_you_mean(name, known))
    return t.Indexed(name, shift)


def summed(of: t.Expr, axes: bool = False) -> t.IndexedSum:
    """The sum of an expression over i; it needs an entry to run over, and holds numbers, parameters and entries,
    and where there are axes (initial data of a family) their coordinates."""
    nodes = list(t.walk(of))
    if not any(isinstance(node, t.Indexed) for node in nodes):
        raise UsageError("equation: sum() needs a subscript to run over, as in sum(x[i]**2).")
    pointwise = (t.Number, t.Parameter, t.Indexed, t.Sum, t.Product, t.Power, t.Function)
    if not all(isinstance(node, (*pointwise, t.Coordinate) if axes else pointwise) for node in nodes):
        raise UsageError("equation: inside sum() stand only numbers, parameters, functions and names with subscripts.")
    return t.IndexedSum(of)


def check_subscripts(node: t.Expr) -> None:
    """Raise UsageError for an entry outside a sum."""
    if isinstance(node, t.IndexedSum):
        return
    if isinstance(node, t.Indexed):
        raise UsageError(f"equation: {node.name}[i] may stand only inside sum().")
    for child in node.children():
        check_subscripts(child)


def evaluate_sum(
    node: t.IndexedSum,
    vectors: Mapping[str, Any],
    parameter: Callable[[str], Any],
    function: Callable[[str, Any], Any],
    coordinates: Mapping[str, Any] | None = None,
) -> Any:
    """The sum's value. vectors: arrays or tensors (…, length) by name; the result is (…,). coordinates: arrays, of
    the result's shape."""
    entries = {n for n in t.walk(node.of) if isinstance(n, t.Indexed)}
    count = min(vectors[n.name].shape[-1] - n.shift for n in entries)
    if count < 1:
        raise UsageError("equation: a sum over i has no term in this dimension.")
    places = max((math.prod(c.shape) for c in (coordinates or {}).values()), default=1)
    spend(32 * count * places, "a sum over i")

    def leaf(n: t.Expr) -> Any:
        if isinstance(n, t.Indexed):
            return vectors[n.name][..., n.shift : n.shift + count]
        if isinstance(n, t.Coordinate) and coordinates is not None:
            return coordinates[n.name][..., None]
        assert isinstance(n, t.Parameter), "a sum was checked when it was read"
        return parameter(n.name)

    return t.evaluate(node.of, leaf, function).sum(-1)
