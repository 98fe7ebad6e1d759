"""K u = r for ∂x(a u_x) + ∂y(b u_y) + c u = f on elements of degree p (Patera 1984; Gauss–Lobatto–Legendre points).

Every cell of the problem's grid is an element: a coefficient given on the grid is a polynomial inside each, so that
the error falls as fast in p as for smooth coefficients. Quadrature on the nodes themselves makes the mass diagonal
and couples a node with those on its own two lines only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from scipy.sparse import coo_array

from sciml.equation import tree
from sciml.errors import UsageError
from sciml.problem import SIDES, Array, Problem

from ..chebyshev.splitting import evaluate
from ..multigrid.elliptic import Elliptic


def lobatto(degree: int) -> tuple[Array, Array, Array]:
    """Nodes (p+1) in [-1, 1], weights (p+1), and D[q, i], the derivative of the i-th cardinal function at node q."""
    last = legendre.Legendre.basis(degree)
    nodes = np.concatenate([[-1.0], np.sort(last.deriv().roots().real), [1.0]])
    values = last(nodes)
    weights = 2 / (degree * (degree + 1) * values**2)
    difference = nodes[:, None] - nodes
    np.fill_diagonal(difference, 1.0)
    derivative = values[:, None] / (values * difference)
    np.fill_diagonal(derivative, 0.0)
    derivative[0, 0], derivative[-1, -1] = -degree * (degree + 1) / 4, degree * (degree + 1) / 4
    return nodes, weights, derivative


@dataclass(frozen=True)
class Elements:
    """The system on the nodes of all elements, (nx·p + 1, ny·p + 1)."""

    problem: Problem
    form: Elliptic
    degree: int

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Coordinates of the nodes along each axis."""
        inner = (lobatto(self.degree)[0][:-1] + 1) / 2
        found = []
        for axis in self.problem.grid.axes:
            edges, h = axis.points(), axis.length / (axis.size - 1)
            found.append(np.append((edges[:-1, None] + h * inner).ravel(), axis.upper))
        return found[0], found[1]

    @cached_property
    def weights(self) -> tuple[Array, Array]:
        """Of the quadrature, along each axis; (nodes)."""
        found = []
        for axis in self.problem.grid.axes:
            cells, h, w = axis.size - 1, axis.length / (axis.size - 1), lobatto(self.degree)[1]
            total = np.zeros(cells * self.degree + 1)
            for i in range(self.degree + 1):
                total[i : i + (cells - 1) * self.degree + 1 : self.degree] += h / 2 * w[i]
            found.append(total)
        return found[0], found[1]

    def sampled(self, node: tree.Expr, x: Array, y: Array) -> Array:
        """A formula on the tensor grid of x and y."""
        grid = np.meshgrid(x, y, indexing="ij")
        found = evaluate(node, {}, self.problem.at(*grid), grid[0].shape)
        if not np.isfinite(found).all():
            raise UsageError(f"{self.problem.name}: a coefficient or the source is not finite at a node.")
        return found

    @cached_property
    def matrix(self) -> Any:
        """K, sparse and symmetric, on all nodes in C order."""
        (wx, wy), shape = self.weights, tuple(len(n) for n in self.nodes)
        numbers = np.arange(shape[0] * shape[1]).reshape(shape)
        parts = [self._along(0, self.sampled(self.form.a, *self.nodes), wy, numbers)]
        parts.append(self._along(1, self.sampled(self.form.b, *self.nodes), wx, numbers))
        rows, columns, entries = (np.concatenate([p[k] for p in parts]) for k in range(3))
        if self.form.c != tree.ZERO:
            diagonal = -self.sampled(self.form.c, *self.nodes) * np.outer(wx, wy)
            rows, columns = np.append(rows, numbers.ravel()), np.append(columns, numbers.ravel())
            entries = np.append(entries, diagonal.ravel())
        return coo_array((entries, (rows, columns)), shape=(numbers.size, numbers.size)).tocsr()

    def _along(self, axis: int, coefficient: Array, across: Array, numbers: Any) -> tuple[Any, Any, Any]:
        """Rows, columns and entries of ∫ coefficient ∂u ∂v along one axis. across: weights along the other."""
        p, cells = self.degree, self.problem.grid.axes[axis].size - 1
        _, w, d = lobatto(p)
        h = self.problem.grid.axes[axis].length / cells
        coefficient, numbers = coefficient.swapaxes(0, axis), numbers.swapaxes(0, axis)
        index = p * np.arange(cells)[:, None] + np.arange(p + 1)  # (cells, p+1): nodes of each element
        # (cells, p+1, p+1, other nodes): Σ_q w_q c_q D_qi D_qm
        local = np.einsum("q,eqj,qi,qm->eimj", w, coefficient[index], d, d, optimize=True) * (2 / h) * across
        places = numbers[index]  # (cells, p+1, other nodes)
        rows = np.broadcast_to(places[:, :, None], local.shape)
        columns = np.broadcast_to(places[:, None, :], local.shape)
        return rows.ravel(), columns.ravel(), local.ravel()

    def given(self) -> tuple[Array, Any, Array]:
        """Boundary values (nodes, 0 elsewhere), which nodes have one, and the right side: sources and fluxes."""
        shape = tuple(len(n) for n in self.nodes)
        values, fixed = np.zeros(shape), np.zeros(shape, dtype=bool)
        right = -self.sampled(self.form.f, *self.nodes) * np.outer(*self.weights)
        axes, name = self.problem.grid.axes, self.problem.equation.fields[0]
        for axis in (0, 1):
            along = self.nodes[1 - axis]
            for side, face in zip((0, 1), axes[axis].faces, strict=True):
                data = self.problem.boundary_values(name, axes[axis].name, SIDES[side], {axes[1 - axis].name: along})
                if face == "dirichlet":
                    values.swapaxes(0, axis)[-side] = data
                    fixed.swapaxes(0, axis)[-side] = True
                else:
                    end = np.array([self.nodes[axis][-side]])
                    x, y = (end, along) if axis == 0 else (along, end)
                    coefficient = self.sampled((self.form.a, self.form.b)[axis], x, y).ravel()
                    right.swapaxes(0, axis)[-side] += coefficient * data * self.weights[1 - axis]
        return values, fixed, right
