"""A strong form as linear terms with simple coefficients plus a remainder that is evaluated point by point.

rate_e = Σ_i c_i(x) atom_i + remainder_e(atoms, x), the sum over atoms in which the rate is affine with a coefficient
that depends on at most one coordinate: such terms become banded matrices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sciml.equation import tree
from sciml.problem import Array, Problem, numpy_function


def coordinates_in(node: tree.Expr) -> frozenset[str]:
    return frozenset(n.name for n in tree.walk(node) if isinstance(n, tree.Coordinate))


def evaluate(node: tree.Expr, atoms: Mapping[int, Any], at: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
    """A pointwise tree as an array of `shape`; atoms that are not given are zero."""

    def leaf(n: tree.Expr) -> Any:
        if isinstance(n, (tree.Coordinate, tree.Given)):
            return at[n.name]
        assert isinstance(n, tree.Atom)
        return atoms.get(n.index, 0.0)

    with np.errstate(all="ignore"):  # what is not finite is reported once, by whoever asked
        value = tree.evaluate(node, leaf, numpy_function)
    return np.broadcast_to(np.asarray(value, dtype=np.float64), shape)


@dataclass(frozen=True)
class Split:
    """atoms[i] = (field number, derivative order along each axis); rates by equation number.

    linear[e], nonlinear[e]: (atom, ∂rate_e/∂atom); the first have simple coefficients, free of atoms.
    """

    axes: tuple[str, ...]
    atoms: tuple[tuple[int, tuple[int, ...]], ...]
    rates: tuple[tree.Expr, ...]
    linear: tuple[tuple[tuple[int, tree.Expr], ...], ...]
    nonlinear: tuple[tuple[tuple[int, tree.Expr], ...], ...]

    @classmethod
    def of(cls, problem: Problem) -> Split:
        strong, axes = problem.equation.strong, problem.equation.axes
        atoms = []
        for name, orders in strong.derivatives:
            by_axis = dict(orders)
            atoms.append((strong.fields.index(name), tuple(by_axis.get(axis, 0) for axis in axes)))
        rates = tuple(strong.rates[name] for name in strong.fields)
        linear, nonlinear = [], []
        for rate in rates:
            parts = [(i, tree.partial(rate, tree.Atom(i))) for i in range(len(atoms))]
            parts = [(i, part) for i, part in parts if part != tree.ZERO]
            simple = {i for i, part in parts if _is_simple(part)}
            linear.append(tuple(p for p in parts if p[0] in simple))
            nonlinear.append(tuple(p for p in parts if p[0] not in simple))
        return cls(axes, tuple(atoms), rates, tuple(linear), tuple(nonlinear))

    @property
    def is_linear(self) -> bool:
        """Whether no derivative of a rate by an atom contains an atom."""
        return not any(isinstance(n, tree.Atom) for es in self.nonlinear for _, p in es for n in tree.walk(p))

    def order(self, axis: int) -> int:
        """Highest derivative along an axis."""
        return max((orders[axis] for _, orders in self.atoms), default=0)

    def pointwise(self) -> list[int]:
        """Atoms whose values some remainder needs."""
        return sorted({i for parts in self.nonlinear for i, _ in parts})

    def remainder(self, e: int, atoms: Mapping[int, Array], at: Mapping[str, Any], shape: tuple[int, ...]) -> Array:
        """rate_e without its linear terms: affine in their atoms, so those are zero here."""
        own = {i: atoms[i] for i, _ in self.nonlinear[e]}
        return evaluate(self.rates[e], own, at, shape)


def _is_simple(coefficient: tree.Expr) -> bool:
    if any(isinstance(n, tree.Atom) for n in tree.walk(coefficient)):
        return False
    return len(coordinates_in(coefficient)) <= 1
