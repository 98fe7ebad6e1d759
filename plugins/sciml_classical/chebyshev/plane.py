"""Boundary-value problems on a rectangle: separable operators directly, all others by GMRES around one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import lu_factor, lu_solve

from sciml.errors import RunFailed
from sciml.problem import Array, Problem

from . import basis
from .conditions import Condition, face_values
from .interval import Interval
from .krylov import gmres
from .line import factor
from .newton import Corrector
from .separable import Separable
from .splitting import Split, coordinates_in, evaluate

INNER = 1e-8  # relative residual of a linear solve; Newton's iteration repeats it
ENOUGH, POOR = 1e-6, 1e-3  # above these, a dense solve is better, or nothing can be done
VECTORS = 80
SMALL = 4096  # unknowns up to which a dense Jacobian is affordable when GMRES fails


class Plane:
    """Coefficients (1, nx, ny); residuals (1, free_x, free_y) in C^(order_x) ⊗ C^(order_y)."""

    def __init__(
        self, problem: Problem, split: Split, sizes: tuple[int, ...], conditions: list[tuple[Condition, ...]]
    ) -> None:
        self.problem, self.split, self.linear = problem, split, split.is_linear
        self.x, self.y = (
            Interval(axis, n, split.order(k), conditions[k])
            for k, (axis, n) in enumerate(zip(problem.grid.axes, sizes, strict=True))
        )
        self.shape = (1, *sizes)
        points = np.meshgrid(*(np.float64(line.points) for line in (self.x, self.y)), indexing="ij")
        self.at = dict(zip(split.axes, points, strict=True))
        self.lines = dict(zip(split.axes, (self.x.points, self.y.points), strict=True))
        self.terms = [self._term(i, coefficient) for i, coefficient in split.linear[0]]
        self.counts = {"gmres_iterations": 0}

    def _term(self, i: int, coefficient: Any) -> tuple[Any, Any]:
        """c · ∂x^p ∂y^q as a pair of matrices; c depends on one coordinate at most. A constant goes with ∂x^p, or
        with ∂y^q where p = 0: there `_separable` looks for it."""
        _, (p, q) = self.split.atoms[i]
        within = coordinates_in(coefficient)
        along_y = within == {self.split.axes[1]} or (not within and not p)
        line = self.y if along_y else self.x
        scale = factor(coefficient, self.lines, line.n)
        return self.x.operator(p, None if along_y else scale), self.y.operator(q, scale if along_y else None)

    # -- the conditions ---------------------------------------------------------------------------
    @cached_property
    def faces(self) -> tuple[Array, Array]:
        """Data on the faces across x, (conditions, ny), and across y, (conditions, nx), as coefficients."""
        names, found = self.split.axes, []
        for k, (line, other) in enumerate(((self.x, self.y), (self.y, self.x))):
            at = {names[1 - k]: other.points}
            rows = [face_values(self.problem, 0, k, c, at) for c in line.conditions]
            found.append(basis.to_coefficients(np.array(rows).reshape(len(rows), other.n)))
        return found[0], found[1]

    def corner_mismatch(self) -> float:
        """How far the data of two faces disagree on their common corner, relative to the data."""
        on_x, on_y = self.faces
        a, b = on_x @ self.y.rows.T, (on_y @ self.x.rows.T).T
        size = max(np.abs(on_x).max(initial=0.0), np.abs(on_y).max(initial=0.0))
        return float(np.abs(a - b).max(initial=0.0) / size) if size else 0.0

    def conformed(self, x: Array) -> Array:
        """x changed in its lowest coefficients so that every condition holds."""
        on_x, on_y = self.faces
        u = x[0] + self.x.lifting @ (on_x - self.x.rows @ x[0])
        return np.asarray(u + ((on_y.T - u @ self.y.rows.T) @ self.y.lifting.T))[None]

    # -- the equation -----------------------------------------------------------------------------
    def _values(self, i: int, u: Array) -> Array:
        _, (p, q) = self.split.atoms[i]
        slope = basis.differentiate(basis.differentiate(u, p, self.x.scale, 0), q, self.y.scale, 1)
        return basis.to_values(basis.to_values(slope, 0), 1)

    def _collected(self, values: Array) -> Array:
        """Samples -> rows of the residual."""
        c = basis.to_coefficients(basis.to_coefficients(values, 0), 1)
        return np.asarray(self._given[0] @ c @ self._given[1].T)

    @cached_property
    def _given(self) -> tuple[Any, Any]:
        return self.x.operator(0), self.y.operator(0)

    def residual(self, x: Array) -> Array:
        atoms = {i: self._values(i, x[0]) for i in self.split.pointwise()}
        total = self._collected(self.split.remainder(0, atoms, self.at, x.shape[1:]))
        for left, right in self.terms:
            total = total + (left @ x[0]) @ right.T
        return total[None]

    def corrector(self, x: Array) -> Corrector:
        atoms = {i: self._values(i, x[0]) for i in self.split.pointwise()}
        slopes = [(i, evaluate(part, atoms, self.at, x.shape[1:])) for i, part in self.split.nonlinear[0]]
        nearby, exact = self._separable(slopes)
        p_x, p_y = self.x.recombined, self.y.recombined

        def apply(y: Array) -> Array:
            u = (p_x @ y) @ p_y.T
            total = sum((left @ u) @ right.T for left, right in self.terms)
            for i, slope in slopes:
                total = total + self._collected(slope * self._values(i, u))
            return np.asarray(total)

        dense: list[Any] = []

        def correct(residual: Array) -> Array:
            b = -residual[0]
            if dense:
                y = lu_solve(dense[0], b.ravel()).reshape(b.shape)
            elif exact:
                y = nearby.solve(b)
            else:
                y, left, count = gmres(apply, nearby.solve, b, INNER, VECTORS)
                self.counts["gmres_iterations"] += count
                if left > (ENOUGH if b.size <= SMALL else POOR):
                    dense.append(self._dense(apply, b.shape))
                    return correct(residual)
            return np.asarray((p_x @ y) @ p_y.T)[None]

        return correct

    def _dense(self, apply: Callable[[Array], Array], shape: tuple[int, ...]) -> Any:
        size = int(np.prod(shape))
        if size > SMALL:
            raise RunFailed(
                "chebyshev: GMRES does not converge for this equation, and it has too many unknowns for a dense solve."
            )
        self.counts["dense_factorisations"] = self.counts.get("dense_factorisations", 0) + 1
        return lu_factor(np.stack([apply(e.reshape(shape)).ravel() for e in np.eye(size)], axis=1))

    def _separable(self, slopes: list[tuple[int, Array]]) -> tuple[Separable, bool]:
        """A ⊗ S + S ⊗ B from the terms that fit; of the others the mean. And whether all terms fit."""
        (s_x, s_y), exact = self._given, not slopes
        a, b = 0.0 * s_x, 0.0 * s_y
        strength = 0.0  # of the second derivative along x
        shape = self.shape[1:]
        for k, (i, coefficient) in enumerate(self.split.linear[0]):
            _, (p, q) = self.split.atoms[i]
            left, right = self.terms[k]
            within = coordinates_in(coefficient)
            mean = float(evaluate(coefficient, {}, self.at, shape).mean())
            if p and q:
                exact = False
            elif p:
                fits = within <= {self.split.axes[0]}
                a, exact = a + (left if fits else mean * self.x.operator(p)), exact and fits
                strength += mean if p == 2 else 0.0
            else:
                fits = within <= {self.split.axes[1]}
                b, exact = b + (right if fits else mean * self.y.operator(q)), exact and fits
        for i, slope in slopes:
            _, (p, q) = self.split.atoms[i]
            if p and not q:
                a = a + float(slope.mean()) * self.x.operator(p)
                strength += float(slope.mean()) if p == 2 else 0.0
            elif not p:
                b = b + float(slope.mean()) * self.y.operator(q)
        shift = -strength * (np.pi / self.x.axis.length) ** 2  # no eigenvalue of a then lies near zero
        shift = 1.0 if not a.count_nonzero() else shift
        p_x, p_y = self.x.recombined, self.y.recombined
        return Separable(a @ p_x, s_x @ p_x, b @ p_y, s_y @ p_y, shift), exact

    def sizes(self) -> dict[str, int]:
        return {"unknowns": self.x.free * self.y.free, **self.counts}

    def sampled(self, x: Array) -> Array:
        """(1, *grid)."""
        first, second = self.problem.grid.axes
        return np.asarray(self.x.sampling(first.points()) @ x[0] @ self.y.sampling(second.points()).T)[None]
