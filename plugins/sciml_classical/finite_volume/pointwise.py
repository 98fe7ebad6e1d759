"""Pointwise trees on tensors, several at once: what they share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sciml.equation import tree as t


class Pointwise:
    """Values of trees in fields, coordinates and t. Nodes are numbered, children first."""

    def __init__(self, trees: Sequence[t.Expr]) -> None:
        self.numbers: dict[t.Expr, int] = {}
        self.results = [self._number(tree) for tree in trees]
        children = [[self.numbers[child] for child in node.children()] for node in self.numbers]
        self.nodes = list(zip(self.numbers, children, strict=True))

    def _number(self, node: t.Expr) -> int:
        if node not in self.numbers:
            for child in node.children():
                self._number(child)
            self.numbers[node] = len(self.numbers)
        return self.numbers[node]

    def __call__(self, fields: Mapping[str, Tensor], coordinates: Mapping[str, Any], like: Tensor) -> list[Tensor]:
        """One tensor of the shape of `like` for every tree."""
        values: list[Any] = []

        def function(name: str, value: Any) -> Tensor:
            value = value if isinstance(value, Tensor) else torch.as_tensor(value, dtype=like.dtype, device=like.device)
            result: Tensor = getattr(torch, name)(value)
            return result

        for node, children in self.nodes:
            if isinstance(node, t.Field):
                values.append(fields[node.name])
            elif isinstance(node, t.Coordinate):
                values.append(coordinates[node.name])
            else:
                values.append(_applied(node, [values[k] for k in children], function))
        found = [values[k] for k in self.results]
        return [v.expand(like.shape) if isinstance(v, Tensor) else torch.full_like(like, v) for v in found]


def _applied(node: t.Expr, values: list[Any], function: Callable[[str, Any], Tensor]) -> Any:
    """The node from its children's values."""
    match node:
        case t.Number(value):
            return value
        case t.Sum():
            total = values[0]
            for value in values[1:]:
                total = total + value
            return total
        case t.Product():
            result = values[0]
            for value in values[1:]:
                result = result * value
            return result
        case t.Power(_, exponent):
            if exponent in (2, 3):
                return values[0] * values[0] if exponent == 2 else values[0] * values[0] * values[0]
            return values[0] ** (int(exponent) if exponent == int(exponent) else exponent)
        case t.Function(name, _):
            return function(name, values[0])
    raise AssertionError("a balance law holds no operators, and its parameters are numbers")
