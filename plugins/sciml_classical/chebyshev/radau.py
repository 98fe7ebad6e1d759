"""Radau IIA with many stages, implicit and L-stable (Hairer & Wanner, Solving ODEs II, sections IV.5 and IV.8).

One step of length h is a polynomial of degree s in time that obeys the equation at s Radau points. Its last Legendre
coefficients, relative to the state, are taken for the error of the step: they bound it between the points too, where
outputs lie. With s = 12 a smooth solution takes some hundred times fewer steps at 1e-12 than with three stages.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from scipy.linalg import lu_factor, lu_solve

from sciml.errors import RunFailed
from sciml.problem import Array

STAGES = 12
ITERATIONS = 15
KEEP = 1.3  # a wanted change of step smaller than this factor is not worth a factorisation
SETTLED = 1e-9  # relative size below which corrections that no longer halve are rounding errors


@cache
def scheme(s: int) -> tuple[Array, Array, Any, Any, Array]:
    """Nodes c in (0, 1], A⁻¹, its eigenvalues, its eigenvectors, and values at (0, c) -> Legendre coefficients."""
    roots = legendre.legroots([*[0.0] * (s - 1), -1.0, 1.0])  # of P_s - P_(s-1)
    nodes = np.sort(np.real(roots))
    for _ in range(2):
        p = [legendre.legval(nodes, [*[0.0] * k, 1.0]) for k in (s - 1, s)]
        slope = [legendre.legval(nodes, legendre.legder([*[0.0] * k, 1.0])) for k in (s - 1, s)]
        nodes = nodes - (p[1] - p[0]) / (slope[1] - slope[0])
    values = legendre.legvander(nodes, s - 1)
    integrals = legendre.legvander(nodes, s) @ legendre.legint(np.eye(s), lbnd=-1) / 2
    inverse = np.linalg.inv(integrals @ np.linalg.inv(values))
    eigenvalues, vectors = np.linalg.eig(inverse)
    to_series = np.linalg.inv(legendre.legvander(np.append(-1.0, nodes), s))
    return (1 + nodes) / 2, inverse, eigenvalues, vectors, to_series


class Radau:
    """y' = rates(t, y) from t towards `end`; `h` is the next step to try. `rates` takes times and states in rows.

    Errors are relative to `size`, the largest value of any state so far.
    """

    def __init__(
        self, rates: Callable[[Array, Array], Array], jacobian: Callable[[float, Array], Array],
        t: float, y: Array, end: float, h: float, tolerance: float, size: float = 0.0,
    ) -> None:  # fmt: skip
        self.rates, self.jacobian = rates, jacobian
        self.t, self.y, self.end, self.h, self.tolerance = t, y, end, h, tolerance
        self.size = max(size, float(np.abs(y).max()))
        self.evaluations = self.factorisations = 0
        self._factored: tuple[float, Array, list[Any]] | None = None
        self._before, self._series = t, y[None]

    def step(self) -> None:
        """One step whose error is below the tolerance. Raises RunFailed if none is short enough."""
        jacobian = self.jacobian(self.t, self.y)
        while True:
            last = self.t + self.h >= self.end * (1 - 1e-14) or self.end - self.t <= self.h * (1 + 1e-12)
            h = self.end - self.t if last else self.h
            if not h > 1e-13 * max(abs(self.t), abs(self.end - self.t), 1e-3):
                raise RunFailed(
                    f"chebyshev: the time step became too small at t={self.t:g}; the solution may blow up there."
                )
            found = self._stages(h, jacobian)
            if found is None:
                self.h = h / 3
                continue
            stages, noise = found
            series = scheme(STAGES)[4] @ np.vstack([self.y, stages])
            size = max(self.size, float(np.abs(stages).max())) or 1.0
            error = max(float(np.abs(series[-2:]).max()) / size - 3 * noise, 1e-30)
            change = 0.9 * (self.tolerance / error) ** (1 / STAGES)
            if error > self.tolerance:
                self.h = h * min(0.9, max(0.2, change))
                continue
            self.size, self._before, self._series = size, self.t, series
            self.t, self.y = (self.end if last else self.t + h), stages[-1]
            if change > KEEP or change < 1.0:
                self.h = h * min(3.0, max(0.5, change))
            return

    def _stages(self, h: float, jacobian: Array) -> tuple[Array, float] | None:
        """(values at the nodes, relative size of the last correction), or None if Newton does not converge.

        The simplified Newton matrices h⁻¹ A⁻¹ ⊗ I - I ⊗ J are diagonal in the eigenvectors of A⁻¹, which come in
        conjugate pairs. The residual itself is formed without them: their condition does not limit the accuracy.
        """
        nodes, inverse, eigenvalues, vectors, _ = scheme(STAGES)
        upper = np.nonzero(eigenvalues.imag >= 0)[0]
        if self._factored is None or self._factored[0] != h or not np.array_equal(self._factored[1], jacobian):
            one = np.eye(len(self.y))
            self._factored = (h, jacobian, [lu_factor(eigenvalues[k] / h * one - jacobian) for k in upper])
            self.factorisations += len(upper)
        back = np.linalg.inv(vectors)
        z, before = np.zeros((STAGES, len(self.y))), np.inf
        for _ in range(ITERATIONS):
            residual = self.rates(self.t + nodes * h, self.y + z) - inverse @ z / h
            self.evaluations += STAGES
            projected = back @ residual
            if not np.isfinite(projected).all():
                return None
            change = np.zeros_like(z)
            for k, factors in zip(upper, self._factored[2], strict=True):
                part = vectors[:, k, None] * lu_solve(factors, projected[k])[None]
                change += part.real * (2.0 if eigenvalues[k].imag > 0 else 1.0)
            z = z + change
            now = float(np.abs(change).max()) / (max(self.size, float(np.abs(self.y + z).max())) or 1.0)
            if now > 2 * before > SETTLED:
                return None
            if now <= 0.01 * self.tolerance or (now < SETTLED and now > 0.5 * before):
                return self.y + z, now
            before = now
        return None

    def at(self, time: float) -> Array:
        """The state inside the last step."""
        xi = 2 * (time - self._before) / (self.t - self._before) - 1
        found: Array = legendre.legvander(np.array([xi]), STAGES)[0] @ self._series
        return found
