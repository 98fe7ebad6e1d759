"""What a solution of an entropic transport problem holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .geometry import Array, Plan
from .task import Task

SMALL = 1e-12  # mass that a sparse plan leaves out, of 1


@dataclass(frozen=True)
class Transported:
    """phi: (n,), psi: (m,): potentials relative to the measures, of equal means: P_ij = r_i c_j exp((phi+psi-C)/eps).

    cost: <C, P>. value: <C, P> + eps KL(P | r⊗c), as the dual value, a lower bound that is exact at the optimum;
    the paper's <C, P> + eps Σ P log P is this plus eps (Σ r log r + Σ c log c). row_error, column_error: Σ|P1 - r|,
    Σ|Pᵀ1 - c|. All for the masses given, errors for masses of 1. converged, reason: whether, and why it stopped.
    counts: sweeps, newton, products (of conjugate gradients), plans (soft minima), work (all, in passes over a plan).
    history: error: after every part of the work, with that work.
    """

    phi: Array
    psi: Array
    cost: float
    value: float
    row_error: float
    column_error: float
    converged: bool
    reason: str
    counts: dict[str, float]
    plan: Plan
    task: Task
    history: list[tuple[float, float]] = field(default_factory=list)

    def times(self, w: Array) -> Array:
        """P w: (n,)."""
        return self.task.mass * self.task.r * self.plan.forward(w)

    def transposed(self, u: Array) -> Array:
        """Pᵀ u: (m,)."""
        return self.task.mass * self.plan.transposed(self.task.r * u)

    def sparse(self, share: float = SMALL) -> tuple[Any, float]:
        """P as a scipy CSR matrix without entries below `share` of the means of row and column; the mass left out."""
        from scipy.sparse import csr_matrix

        from .rows import Rows, RowsPlan

        plan, geometry = self.plan, self.task.geometry
        if not isinstance(plan, RowsPlan):
            rows = Rows(geometry.matrix())  # type: ignore[attr-defined]
            plan = rows.softmin(self.task.r, plan.g, plan.eta)
        n, m = geometry.shape
        kept = plan.entries(self.task.c, share, n * m)
        assert kept is not None
        matrix = csr_matrix((kept.value, kept.index, kept.start), shape=(n, m))
        return self.task.mass * matrix, self.task.mass * max(0.0, 1.0 - float(kept.value.sum()))


def finished(
    task: Task, plan: Plan, reason: str, converged: bool, counts: dict[str, float], history: list[tuple[float, float]]
) -> Transported:  # fmt: skip
    """From the last plan; its rows are exact by construction, and measured all the same."""
    r, c, eta = task.r, task.c, plan.eta
    inside = c > 0
    psi = np.zeros_like(c)
    psi[inside] = plan.g[inside] - np.log(c[inside]) / eta
    if not inside.all():
        psi[~inside] = task.geometry.potential(r, plan.phi, eta)[~inside]
    value = float(r @ plan.phi + c @ psi)
    shift = 0.5 * float(r @ plan.phi - c @ psi)
    rows = plan.forward(np.ones_like(c))
    return Transported(
        phi=plan.phi - shift, psi=psi + shift, cost=task.mass * plan.cost(), value=task.mass * value,
        row_error=float(np.abs(r * rows - r).sum()), column_error=float(np.abs(plan.columns - c).sum()),
        converged=converged, reason=reason, counts=counts, plan=plan, task=task, history=history,
    )  # fmt: skip
