"""An evolution equation between two ends as an ODE for its values at points.

The unknowns are values at the Chebyshev points, except those faces on which something is imposed: series and conditions
together determine the rest, so the conditions hold exactly at all times and no algebraic equation is left.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from sciml.problem import SIDES, Array, Problem

from . import basis
from .conditions import Condition, face_values
from .interval import Interval
from .splitting import Split, evaluate


class Collocation:
    """State: (fields · free,), values at `points` field after field."""

    def __init__(self, problem: Problem, split: Split, n: int, conditions: tuple[Condition, ...]) -> None:
        self.problem, self.split = problem, split
        self.interval = Interval(problem.grid.axes[0], n, split.order(0), conditions)
        imposed = {side for side, _ in conditions}
        kept = slice(int(SIDES[0] in imposed), n - int(SIDES[1] in imposed))
        self.nodes: Array = basis.nodes(n)[kept].astype(np.float64)
        inner = basis.evaluation(n, self.nodes)
        everything = np.vstack([inner, self.interval.rows])
        self.inverse = np.linalg.inv(everything)  # (values, data on faces) -> coefficients
        self.points: Array = self.interval.points[kept].astype(np.float64)
        self.free, self.fields = self.interval.free, len(split.rates)
        self.derivatives = {}
        for order in sorted({orders[0] for _, orders in split.atoms}):
            slopes = basis.differentiate(self.inverse, order, self.interval.scale, 0)
            self.derivatives[order] = inner @ slopes

    def data(self, times: Array) -> Array:
        """(fields, conditions, times): what is given on the faces."""
        found = np.empty((self.fields, len(self.interval.conditions), len(times)))
        for f, rows in enumerate(found):
            for row, condition in zip(rows, self.interval.conditions, strict=True):
                row[:] = face_values(self.problem, f, 0, condition, {"t": times})
        return found

    def _complete(self, times: Array, states: Array) -> Array:
        """(fields, n, times): values at the points, then data on the faces."""
        inner = states.T.reshape(self.fields, self.free, len(times))
        return np.concatenate([inner, self.data(times)], axis=1)

    def coefficients(self, t: float, y: Array) -> Array:
        """(fields, n)."""
        return np.asarray((self.inverse @ self._complete(np.array([t]), y[None]))[..., 0])

    def state(self, coefficients: Array) -> Array:
        """Values of a series at the points; what it says of the faces is dropped."""
        sampled = basis.evaluation(coefficients.shape[1], self.nodes)
        return np.ravel(coefficients @ sampled.T)

    def _atoms(self, times: Array, states: Array) -> dict[int, Array]:
        """Atom -> (free, times)."""
        complete = self._complete(times, states)
        return {i: self.derivatives[orders[0]] @ complete[f] for i, (f, orders) in enumerate(self.split.atoms)}

    def _at(self, times: Array) -> dict[str, Any]:
        return {self.split.axes[0]: self.points[:, None], "t": times}

    def rates(self, times: Array, states: Array) -> Array:
        """dy/dt of each row of `states`, (times, fields · free)."""
        atoms, at = self._atoms(times, states), self._at(times)
        found = np.concatenate([evaluate(rate, atoms, at, (self.free, len(times))) for rate in self.split.rates]).T
        return found

    @cached_property
    def _slopes(self) -> list[tuple[int, int, Any]]:
        """(equation, atom, ∂rate/∂atom), all of them."""
        both = zip(self.split.linear, self.split.nonlinear, strict=True)
        return [(e, i, part) for e, parts in enumerate(both) for i, part in (*parts[0], *parts[1])]

    def jacobian(self, t: float, y: Array) -> Array:
        """∂rate/∂y."""
        times, m = np.array([t]), self.free
        atoms, at = self._atoms(times, y[None]), self._at(times)
        found = np.zeros((self.fields * m, self.fields * m))
        for e, i, part in self._slopes:
            f, (order,) = self.split.atoms[i]
            factor = evaluate(part, atoms, at, (m, 1))
            found[e * m : (e + 1) * m, f * m : (f + 1) * m] += factor * self.derivatives[order][:, :m]
        return found
