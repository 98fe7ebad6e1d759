"""A problem without axes as functions on numpy arrays: the rates of its fields, and their Jacobian.

    f = rates(problem)      # f(t, y) -> dy/dt, y and dy/dt (fields,) or (fields, …)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..equation import tree
from ..problem import Array, Problem, numpy_function


def rates(problem: Problem) -> Callable[[float, Array], Array]:
    """f(t, y) -> dy/dt; fields come first, in the equation's order, and further axes are computed at once."""
    terms = [problem.equation.numeric_rates()[name] for name in problem.equation.fields]
    position = {name: i for i, name in enumerate(problem.equation.fields)}

    def function(t: float, y: Array) -> Array:
        def leaf(node: tree.Expr) -> Any:
            return y[position[node.name]] if isinstance(node, tree.Field) else t

        found = np.empty_like(y)
        for i, term in enumerate(terms):
            found[i] = tree.evaluate(term, leaf, numpy_function)
        return found

    return function


def jacobian(problem: Problem) -> Callable[[float, Array], Array]:
    """J(t, y)[i, j] = ∂(rate of field i)/∂(field j), from the equation's tree."""
    fields, terms = problem.equation.fields, problem.equation.numeric_rates()
    position = {name: i for i, name in enumerate(fields)}
    entries = [
        (i, j, slope)
        for i, row in enumerate(fields)
        for j, column in enumerate(fields)
        if (slope := tree.partial(terms[row], tree.Field(column))) != tree.ZERO
    ]

    def function(t: float, y: Array) -> Array:
        def leaf(node: tree.Expr) -> Any:
            return y[position[node.name]] if isinstance(node, tree.Field) else t

        found = np.zeros((len(fields), len(fields)))
        for i, j, slope in entries:
            found[i, j] = tree.evaluate(slope, leaf, numpy_function)
        return found

    return function
