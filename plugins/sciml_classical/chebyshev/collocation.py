"""An evolution equation between two ends as an ODE for its values at points.

The unknowns are values at the Chebyshev points, except those faces on which something is imposed: series and conditions
together determine the rest, so the conditions hold exactly at all times and no algebraic equation is left.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from sciml.errors import RunFailed
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

    def data(self, t: float) -> Array:
        """(fields, conditions): what is given on the faces at a time."""
        return np.array([
            [float(face_values(self.problem, f, 0, c, {"t": np.asarray(t)})) for c in self.interval.conditions]
            for f in range(self.fields)
        ]).reshape(self.fields, -1)  # fmt: skip

    def coefficients(self, t: float, y: Array) -> Array:
        """(fields, n)."""
        return np.hstack([y.reshape(self.fields, -1), self.data(t)]) @ self.inverse.T

    def state(self, coefficients: Array) -> Array:
        """Values of a series at the points; what it says of the faces is dropped."""
        sampled = basis.evaluation(coefficients.shape[1], self.nodes)
        return np.ravel(coefficients @ sampled.T)

    def _atoms(self, t: float, y: Array) -> dict[int, Array]:
        both = np.hstack([y.reshape(self.fields, -1), self.data(t)])
        return {i: self.derivatives[orders[0]] @ both[f] for i, (f, orders) in enumerate(self.split.atoms)}

    def _at(self, t: float) -> dict[str, Any]:
        return {self.split.axes[0]: self.points, "t": np.float64(t)}

    def rate(self, t: float, y: Array) -> Array:
        """dy/dt."""
        atoms, at = self._atoms(t, y), self._at(t)
        found = np.concatenate([evaluate(rate, atoms, at, (self.free,)) for rate in self.split.rates])
        if not np.isfinite(found).all():
            raise RunFailed(f"chebyshev: the solution is not finite at t={t:g}; it may blow up there.")
        return found

    @cached_property
    def _slopes(self) -> list[tuple[int, int, Any]]:
        """(equation, atom, ∂rate/∂atom), all of them."""
        both = zip(self.split.linear, self.split.nonlinear, strict=True)
        return [(e, i, part) for e, parts in enumerate(both) for i, part in (*parts[0], *parts[1])]

    def jacobian(self, t: float, y: Array) -> Array:
        """∂rate/∂y."""
        atoms, at, m = self._atoms(t, y), self._at(t), self.free
        found = np.zeros((self.fields * m, self.fields * m))
        for e, i, part in self._slopes:
            f, (order,) = self.split.atoms[i]
            factor = evaluate(part, atoms, at, (m,))
            found[e * m : (e + 1) * m, f * m : (f + 1) * m] += factor[:, None] * self.derivatives[order][:, :m]
        return found
