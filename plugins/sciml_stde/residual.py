"""A problem's equation on tensors: F(u, Δu, x) = 0 in the ball, for u = h N with h = 1 - |x|²/R² and N given.

With g = x·∇N and l = ΔN,   Δu = h l - 4 g/R² - 2 d N/R².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.ball import draw_points
from sciml.equation import tree
from sciml.equation.indexed import evaluate_sum
from sciml.problem import Problem


def _function(name: str, value: Any) -> Tensor:
    result: Tensor = getattr(torch, name)(torch.as_tensor(value, dtype=torch.float64))
    return result


@dataclass(frozen=True)
class Samples:
    """Points (n, d), the equation's sums over i there, and h (n,)."""

    x: Tensor
    sums: dict[tree.Expr, Tensor]
    h: Tensor


class BallEquation:
    """The residual, and its derivatives with respect to u and Δu, of a one-field problem."""

    def __init__(self, problem: Problem) -> None:
        assert problem.ball is not None
        self.ball, self.dimension, self.radius = problem.ball, problem.ball.dimension, problem.ball.radius
        (self.field,) = problem.equation.fields
        self._point = problem.equation.indexed[0]
        self._vectors = {name: torch.from_numpy(c) for name, c in problem.ball.coefficients.items()}
        self._rate = problem.equation.numeric_rates()[self.field]
        u = tree.Field(self.field)
        self._by_u, self._by_laplacian = (tree.partial(self._rate, leaf) for leaf in (u, tree.Laplacian(u)))
        self._sums = {node for node in tree.walk(self._rate) if isinstance(node, tree.IndexedSum)}

    @property
    def span(self) -> int:
        """How many neighbouring coordinates stand together in a sum of the equation."""
        found = 1
        for node in self._sums:
            shifts = {n.shift for n in tree.walk(node) if isinstance(n, tree.Indexed) and n.name == self._point}
            found = max(found, max(shifts, default=0) - min(shifts, default=0) + 1)
        return found

    def at(self, points: np.ndarray | Tensor) -> Samples:
        x = torch.as_tensor(points)
        vectors = {self._point: x, **self._vectors}
        sums: dict[tree.Expr, Tensor] = {s: evaluate_sum(s, vectors, self._no_parameter, _function) for s in self._sums}
        return Samples(x, sums, 1 - (x**2).sum(1) / self.radius**2)

    def draw(self, rng: np.random.Generator, count: int) -> Samples:
        """Random points, distances from the centre uniform."""
        return self.at(draw_points(rng, count, self.dimension, self.radius))

    def laplacian(self, at: Samples, value: Tensor, radial: Tensor, laplacian: Tensor) -> Tensor:
        """Δu from N, x·∇N and ΔN, (n,)."""
        return at.h * laplacian - (4 * radial + 2 * self.dimension * value) / self.radius**2

    def residual(self, at: Samples, u: Tensor, laplacian: Tensor) -> Tensor:
        """(n,)."""
        return self._evaluate(self._rate, at, u, laplacian)

    def slopes(self, at: Samples, u: Tensor, laplacian: Tensor) -> tuple[Tensor, Tensor]:
        """∂F/∂u and ∂F/∂Δu, (n,) each."""
        return self._evaluate(self._by_u, at, u, laplacian), self._evaluate(self._by_laplacian, at, u, laplacian)

    def source_size(self, at: Samples) -> float:
        """Root mean square of F(0, 0, x): what residuals are relative to; 1 where it is 0."""
        zero = torch.zeros_like(at.h)
        return float(self.residual(at, zero, zero).square().mean().sqrt()) or 1.0

    def _evaluate(self, node: tree.Expr, at: Samples, u: Tensor, laplacian: Tensor) -> Tensor:
        def leaf(n: tree.Expr) -> Tensor:
            match n:
                case tree.Field():
                    return u
                case tree.Laplacian():
                    return laplacian
            return at.sums[n]

        return torch.as_tensor(tree.evaluate(node, leaf, _function), dtype=torch.float64).expand_as(at.h)

    @staticmethod
    def _no_parameter(name: str) -> float:
        raise AssertionError(f"the parameter {name} was replaced by its number")
