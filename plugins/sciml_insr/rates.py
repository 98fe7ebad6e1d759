"""The right-hand side and the sources of auxiliary fields, pointwise, with their derivatives in every atom."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from sciml.equation import StrongForm, tree

from .series import Index


class Pointwise:
    """Expressions in the atoms of a strong form. Atom i is derivative `atoms[i] = (field, multi-index)`."""

    def __init__(self, form: StrongForm, axes: tuple[str, ...], expressions: Mapping[str, tree.Expr]) -> None:
        self.axes, self.expressions = axes, dict(expressions)
        self.atoms: list[tuple[str, Index]] = [
            (name, tuple(dict(orders).get(axis, 0) for axis in axes)) for name, orders in form.derivatives
        ]

    def __call__(self, atoms: Tensor, points: Tensor, t: float) -> Tensor:
        """atoms (A, N), points (dim, N) -> (expressions, N)."""
        return torch.stack([self._evaluate(e, atoms, points, t) for e in self.expressions.values()])

    @cached_property
    def _partials(self) -> list[dict[int, tree.Expr]]:
        found = []
        for expression in self.expressions.values():
            slopes = {i: tree.partial(expression, tree.Atom(i)) for i in range(len(self.atoms))}
            found.append({i: slope for i, slope in slopes.items() if slope != tree.ZERO})
        return found

    def slopes(self, atoms: Tensor, points: Tensor, t: float) -> list[dict[int, Tensor]]:
        """Per expression: its derivative (N,) in every atom on which it depends."""
        return [
            {i: self._evaluate(slope, atoms, points, t) for i, slope in partials.items()} for partials in self._partials
        ]

    def _evaluate(self, expression: tree.Expr, atoms: Tensor, points: Tensor, t: float) -> Tensor:
        def leaf(node: tree.Expr) -> Any:
            match node:
                case tree.Atom(index):
                    return atoms[index]
                case tree.Coordinate(name):
                    return t if name == "t" else points[self.axes.index(name)]
            raise AssertionError(node)

        value = tree.evaluate(expression, leaf, _function)
        return torch.as_tensor(value, dtype=torch.float64).expand(points.shape[1])


def _function(name: str, value: Any) -> Tensor:
    found: Tensor = getattr(torch, name)(torch.as_tensor(value, dtype=torch.float64))
    return found
