"""The equation as a function of u and its derivatives at points: residual, and its slopes for Gauss–Newton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from sciml.equation import tree
from sciml.errors import RunFailed
from sciml.problem import Array, Problem, numpy_function


class Pointwise:
    """F(u, u_x, …, x) = left - right; `orders[i]` is the derivative in each axis that atom i stands for."""

    def __init__(self, problem: Problem) -> None:
        form = problem.equation.strong
        (field,) = form.fields
        self.axes = problem.equation.axes
        self.expression = form.rates[field]
        self.orders = tuple(tuple(dict(orders).get(a, 0) for a in self.axes) for _, orders in form.derivatives)
        self.partials = tuple(tree.partial(self.expression, tree.Atom(i)) for i in range(len(self.orders)))

    @cached_property
    def linear(self) -> bool:
        return not any(isinstance(n, tree.Atom) for p in self.partials for n in tree.walk(p))

    @cached_property
    def constant(self) -> bool:
        """Linear with constant coefficients."""
        return self.linear and not any(isinstance(n, tree.Coordinate) for p in self.partials for n in tree.walk(p))

    def _evaluate(self, expression: tree.Expr, values: Sequence[Array], at: Mapping[str, Array]) -> Array:
        def leaf(node: tree.Expr) -> Array:
            match node:
                case tree.Atom(index):
                    return values[index]
                case tree.Coordinate(name):
                    return at[name]
            raise AssertionError(f"{node!r} is no leaf of a strong form")

        with np.errstate(all="ignore"):
            found = tree.evaluate(expression, leaf, numpy_function)
        shape = np.broadcast_shapes(*(np.shape(v) for v in (*values, *at.values())))
        result = np.broadcast_to(np.asarray(found, dtype=np.float64), shape)
        if not np.isfinite(result).all():
            raise RunFailed("gp-hm: the equation is not finite at the current iterate; it has no value there.")
        return result

    def residual(self, values: Sequence[Array], at: Mapping[str, Array]) -> Array:
        """F at points: values[i] holds derivative i, `at` the coordinates; all of one (broadcast) shape."""
        return self._evaluate(self.expression, values, at)

    def slopes(self, values: Sequence[Array], at: Mapping[str, Array]) -> list[Array]:
        """∂F/∂atom_i at the same points."""
        return [self._evaluate(p, values, at) for p in self.partials]


def size_of_terms(slopes: Sequence[Array], values: Sequence[Array], source: Array) -> float:
    """What a residual is measured against: the largest rms among the linearised terms and the source."""
    return max(rms(source), *(rms(a * v) for a, v in zip(slopes, values, strict=True)))


def rms(values: Array) -> float:
    """Root mean square; zero of nothing."""
    return float(np.sqrt(np.mean(np.square(values)))) if np.size(values) else 0.0
