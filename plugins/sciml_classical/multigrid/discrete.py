"""Control volumes around the vertices of a uniform grid: A u = b, symmetric, of second order.

Across the edge between two volumes flows a(midpoint) · (difference / h) · length. On a Neumann face a volume is half as
wide and the flux through the face is given, which is the central difference over a ghost point; so the error has even
powers of h only, and two grids extrapolate to fourth order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sciml.equation import tree
from sciml.errors import UsageError
from sciml.problem import SIDES, Array, Problem

from ..chebyshev.splitting import evaluate
from .elliptic import Elliptic

FACES = tuple((axis, side) for axis in (0, 1) for side in (0, 1))


@dataclass
class Discrete:
    """The problem on a grid of `intervals` per axis; arrays at vertices are (nx, ny), one more than intervals each."""

    problem: Problem
    form: Elliptic
    intervals: tuple[int, int]

    def __post_init__(self) -> None:
        axes = self.problem.grid.axes
        self.points = [axis.points(n + 1) for axis, n in zip(axes, self.intervals, strict=True)]
        self.steps = [axis.length / n for axis, n in zip(axes, self.intervals, strict=True)]
        kinds = [kind for axis in axes for kind in axis.faces]
        x_low, x_high, y_low, y_high = (kind == "dirichlet" for kind in kinds)
        self.fixed = (x_low, x_high, y_low, y_high)
        self.widths = []  # of the control volumes along each axis
        for n, h, low, high in zip(self.points, self.steps, self.fixed[::2], self.fixed[1::2], strict=True):
            width = np.full(len(n), h)
            width[0] *= 1.0 if low else 0.5
            width[-1] *= 1.0 if high else 0.5
            self.widths.append(width)
        (x, y), (hx, hy), (wx, wy) = self.points, self.steps, self.widths
        self.ax = self._positive(self.form.a, x[:-1] + hx / 2, y) * wy / hx
        self.by = self._positive(self.form.b, x, y[:-1] + hy / 2) * wx[:, None] / hy
        self.volumes = np.outer(wx, wy)
        self.shift = None if self.form.c == tree.ZERO else -self._sampled(self.form.c, x, y) * self.volumes
        if self.shift is not None and not (self.shift >= 0).all():
            raise UsageError("multigrid: the coefficient of the solution is positive somewhere on the grid.")
        self.singular = not any(self.fixed) and (self.shift is None or not self.shift.any())

    def _sampled(self, node: tree.Expr, x: Array, y: Array) -> Array:
        grid = np.meshgrid(x, y, indexing="ij")
        found = evaluate(node, {}, self.problem.at(*grid), grid[0].shape)
        if not np.isfinite(found).all():
            raise UsageError("multigrid: a coefficient or the source is not finite on the grid.")
        return found

    def _positive(self, node: tree.Expr, x: Array, y: Array) -> Array:
        found = self._sampled(node, x, y)
        if not (found > 0).all():
            raise UsageError("multigrid: the coefficients of the second derivatives change sign on the grid.")
        return found

    def given(self, axis: int, side: int, along: Array | None = None) -> Array:
        """What is given on a face, at its vertices or at other points along it."""
        axes, name = self.problem.grid.axes, self.problem.equation.fields[0]
        at = {axes[1 - axis].name: self.points[1 - axis] if along is None else along}
        return self.problem.boundary_values(name, axes[axis].name, SIDES[side], at)

    @cached_property
    def right(self) -> Array:
        """b without what comes from Dirichlet faces: minus the source of each volume, plus what flows in."""
        b = -self._sampled(self.form.f, *self.points) * self.volumes
        for (axis, side), fixed in zip(FACES, self.fixed, strict=True):
            if not fixed:
                b.swapaxes(0, axis)[-side] += self.flux(axis, side) * self.widths[1 - axis]
        return b

    def flux(self, axis: int, side: int, along: Array | None = None) -> Array:
        """Coefficient times outward normal derivative on a Neumann face."""
        along = self.points[1 - axis] if along is None else along
        end = np.array([self.points[axis][-side]])
        node = (self.form.a, self.form.b)[axis]
        coefficient = self._sampled(node, end, along)[0] if axis == 0 else self._sampled(node, along, end)[:, 0]
        return coefficient * self.given(axis, side, along)

    @cached_property
    def lift(self) -> Array:
        """Transfinite interpolation (Gordon & Hall 1973): smooth, so that b - A lift is as small as a source."""
        found = np.zeros([len(p) for p in self.points])
        for axis in (1, 0):
            low, high = self.fixed[2 * axis : 2 * axis + 2]
            moved = found.swapaxes(0, axis)
            missing = [self.given(axis, side) - moved[-side] for side in (0, 1)]
            s = np.linspace(0.0, 1.0, len(self.points[axis]))[:, None]
            if low and high:
                moved += (1 - s) * missing[0] + s * missing[1]
            elif low or high:
                moved += missing[0] if low else missing[1]
        for (axis, side), fixed in zip(FACES, self.fixed, strict=True):
            if fixed:  # already so, but where faces disagree at a corner: there interpolation would spoil both
                found.swapaxes(0, axis)[-side] = self.given(axis, side)
        return found

    def applied(self, u: Array) -> Array:
        """A u, the unknowns' rows of it."""
        found = np.zeros_like(u) if self.shift is None else self.shift * u
        along = self.ax * np.diff(u, axis=0)
        found[:-1] -= along
        found[1:] += along
        along = self.by * np.diff(u, axis=1)
        found[:, :-1] -= along
        found[:, 1:] += along
        return found

    def balanced(self, b: Array) -> Array:
        """b without mean, where A is singular: what quadrature leaves of a compatible right side."""
        return b - self.volumes * (b.sum() / self.volumes.sum()) if self.singular else b

    def centred(self, u: Array) -> Array:
        """u without mean where it is determined up to a constant."""
        return u - (u * self.volumes).sum() / self.volumes.sum() if self.singular else u

    def corner_mismatch(self) -> float:
        """How far the data of two Dirichlet faces disagree at a common corner, relative to the data."""
        worst = size = 0.0
        for i in (0, 1):
            for j in (0, 1):
                if self.fixed[i] and self.fixed[2 + j]:
                    values = self.given(0, i)[-j], self.given(1, j)[-i]
                    worst = max(worst, float(abs(values[0] - values[1])))
                    size = max(size, float(np.abs(self.given(0, i)).max()), float(np.abs(self.given(1, j)).max()))
        return worst / size if size else 0.0


def imbalance(problem: Problem, form: Elliptic) -> float:
    """Of a problem with fluxes on all faces: what flows in through faces minus sources, relative to their size."""
    rules = []
    for axis in problem.grid.axes:
        nodes, weights = np.polynomial.legendre.leggauss(10)
        edges = np.linspace(axis.lower, axis.upper, max(8, axis.size // 5) + 1)
        half = np.diff(edges)[:, None] / 2
        rules.append(((edges[:-1, None] + half + half * nodes).ravel(), (half * weights).ravel()))
    grid = Discrete(problem, form, (4, 4))
    (x, wx), (y, wy) = rules
    parts = [-grid._sampled(form.f, x, y) * np.outer(wx, wy)]
    parts += [grid.flux(axis, side, rules[1 - axis][0]) * rules[1 - axis][1] for axis, side in FACES]
    size = sum(float(np.abs(part).sum()) for part in parts)
    return abs(sum(float(part.sum()) for part in parts)) / size if size else 0.0
