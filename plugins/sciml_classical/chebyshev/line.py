"""Boundary-value problems on an interval: one sparse or dense matrix, solved directly."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from sciml.equation import tree
from sciml.problem import Array, Problem

from . import basis
from .conditions import Condition, face_values
from .direct import factorised
from .interval import Interval
from .newton import Corrector
from .splitting import Split, coordinates_in, evaluate


class Line:
    """Coefficients (fields, n); residuals (fields, free) in C^(order)."""

    def __init__(
        self, problem: Problem, split: Split, sizes: tuple[int, ...], conditions: list[tuple[Condition, ...]]
    ) -> None:
        (n,) = sizes
        self.problem, self.split, self.linear = problem, split, split.is_linear
        self.interval = Interval(problem.grid.axes[0], n, split.order(0), conditions[0])
        self.at = {split.axes[0]: self.interval.points}
        self.shape = (len(split.rates), n)
        self.blocks = [[self._empty() for _ in split.rates] for _ in split.rates]
        for e, parts in enumerate(split.linear):
            for i, coefficient in parts:
                field, (order,) = split.atoms[i]
                term = self.interval.operator(order, factor(coefficient, self.at, self.interval.n))
                self.blocks[e][field] = self.blocks[e][field] + term

    def _empty(self) -> Any:
        return sparse.csr_array((self.interval.free, self.interval.n))

    def conformed(self, x: Array) -> Array:
        """x changed in its lowest coefficients so that every condition holds."""
        data = np.array([
            [float(face_values(self.problem, f, 0, c, {})) for c in self.interval.conditions] for f in range(len(x))
        ]).reshape(len(x), -1)  # fmt: skip
        found: Array = x + (data - x @ self.interval.rows.T) @ self.interval.lifting.T
        return found

    def _atoms(self, x: Array) -> dict[int, Array]:
        found = {}
        for i in self.split.pointwise():
            field, (order,) = self.split.atoms[i]
            found[i] = basis.to_values(basis.differentiate(x[field], order, self.interval.scale))
        return found

    @cached_property
    def _given(self) -> Any:
        return self.interval.operator(0)

    def residual(self, x: Array) -> Array:
        atoms, rows = self._atoms(x), []
        for e, blocks in enumerate(self.blocks):
            values = self.split.remainder(e, atoms, self.at, x.shape[1:])
            linear = sum(block @ x[f] for f, block in enumerate(blocks))
            rows.append(linear + self._given @ basis.to_coefficients(values))
        return np.stack(rows)

    def corrector(self, x: Array) -> Corrector:
        blocks = [list(row) for row in self.blocks]
        atoms = self._atoms(x)
        for e, parts in enumerate(self.split.nonlinear):
            for i, partial in parts:
                field, (order,) = self.split.atoms[i]
                slope = basis.to_coefficients(evaluate(partial, atoms, self.at, x.shape[1:]))
                blocks[e][field] = blocks[e][field] + self.interval.operator(order, slope)
        recombined = self.interval.recombined
        matrix = sparse.block_array([[block @ recombined for block in row] for row in blocks], format="csc")
        solve = factorised(matrix)

        def correct(residual: Array) -> Array:
            y = solve(-residual.ravel()).reshape(len(residual), -1)
            return np.ascontiguousarray((recombined @ y.T).T)

        return correct

    def sizes(self) -> dict[str, int]:
        return {"unknowns": self.shape[0] * self.interval.free}

    def sampled(self, x: Array) -> Array:
        """(fields, *grid)."""
        return x @ self.interval.sampling(self.problem.grid.axes[0].points()).T


def factor(coefficient: tree.Expr, at: Mapping[str, Array], n: int) -> Array:
    """Chebyshev coefficients of a function of one coordinate; of a constant just one."""
    if not coordinates_in(coefficient):
        return np.array([float(evaluate(coefficient, {}, at, ()))])
    return basis.to_coefficients(evaluate(coefficient, {}, at, (n,)))
