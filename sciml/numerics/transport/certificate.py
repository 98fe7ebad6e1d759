"""What potentials are worth, certified: bounds on the value from below and above, by products with the plan only.

Below: the dual value Σ r phi + Σ c psi - eps (Σ P - 1) of any potentials, P_ij = r_i c_j exp((phi_i+psi_j-C_ij)/eps).
Above: the objective of a feasible plan. P is rounded (Altschuler, Weed & Rigollet, NeurIPS 2017, algorithm 2) to
Q + u vᵀ/t, Q = diag(x) P diag(y), with u, v what Q's rows and columns lack and t = Σ u; as KL is convex, its objective
is at most that of Q/(1-t) and of u vᵀ/t², weighed with 1 - t and t, and both follow from sums of rows and columns.
The two bounds meet at the optimum: no reference is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .exact import costs
from .geometry import Array, Plan, weighted
from .task import Task

SAME = 1e-11  # factor by which a row may differ from its weight and count as exact


@dataclass(frozen=True)
class Certificate:
    """cost: <C, P>; lower, upper: of the optimal value; row_error, column_error: Σ|P1 - r|, Σ|Pᵀ1 - c|, of masses 1.
    All but the errors are for the masses given. plan: P at eps > 0, where its rows are exact."""

    cost: float
    lower: float
    upper: float
    row_error: float
    column_error: float
    plan: Plan | None = None

    @property
    def gap(self) -> float:
        """(upper - lower)/|upper|; infinite where nothing is known."""
        if not (np.isfinite(self.upper) and np.isfinite(self.lower)):
            return float("inf")
        return max(self.upper - self.lower, 0.0) / max(abs(self.upper), 1e-300)


def entropic(task: Task, phi: Array, psi: Array, eps: float) -> Certificate:
    """Of potentials relative to the measures, phi: (n,), psi: (m,), as `Transported` has them."""
    r, c, eta, geometry = task.r, task.c, 1.0 / eps, task.geometry
    plan = geometry.softmin(r, weighted(psi, c, eta), eta)
    with np.errstate(over="ignore"):
        factor = np.where(r > 0, np.exp(eta * (phi - plan.phi)), 1.0)
    rows = r * factor
    if not np.isfinite(rows).all():
        return Certificate(np.inf, -np.inf, np.inf, np.inf, np.inf)
    if np.abs(factor - 1.0).max() > SAME:
        plan = geometry.softmin(rows, plan.g, eta)
    lower = float(r @ phi + c @ psi - eps * (rows.sum() - 1.0))
    upper = rounded_objective(task, plan, rows, phi, psi, eps)
    return Certificate(
        task.mass * plan.cost(), task.mass * lower, task.mass * upper, float(np.abs(rows - r).sum()),
        float(np.abs(plan.columns - c).sum()), plan,
    )  # fmt: skip


def rounded_objective(task: Task, plan: Plan, rows: Array, phi: Array, psi: Array, eps: float) -> float:
    """The bound from above, for masses of 1."""
    r, c = task.r, task.c
    x = np.minimum(np.divide(r, rows, out=np.ones_like(r), where=rows > 0), 1.0)
    columns = plan.transposed(rows * x)
    y = np.minimum(np.divide(c, columns, out=np.ones_like(c), where=columns > 0), 1.0)
    q, k = rows * x * plan.forward(y), columns * y
    kept = float(q.sum())
    if not kept > 0:
        return float("inf")
    value = float(q @ phi + k @ psi - eps * kept * np.log(kept))
    value += eps * float(_inner(q, np.log(x)) + _inner(k, np.log(y, out=np.zeros_like(y), where=y > 0)))
    u, v = np.maximum(r - q, 0.0), np.maximum(c - k, 0.0)
    t, other = float(u.sum()), float(v.sum())
    if t > 0 and other > 0:
        u, v = u / t, v / other
        value += t * (task.geometry.product_cost(u, v) + eps * (divergence(u, r) + divergence(v, c)))
    return value


def linear(task: Task, plan: Any, phi: Array) -> Certificate:
    """Without entropy: plan: (n, m), a scipy matrix of the masses given; phi: (n,), whose c-transform is the dual."""
    matrix, shares = costs(task), plan.tocsr() / task.mass
    rows, columns = (np.asarray(shares.sum(axis)).ravel() for axis in (1, 0))
    x = np.minimum(np.divide(task.r, rows, out=np.ones_like(rows), where=rows > 0), 1.0)
    first = shares.multiply(x[:, None]).tocsr()
    after = np.asarray(first.sum(0)).ravel()
    y = np.minimum(np.divide(task.c, after, out=np.ones_like(after), where=after > 0), 1.0)
    second = first.multiply(y).tocoo()
    u, v = task.r - np.asarray(second.sum(1)).ravel(), task.c - np.asarray(second.sum(0)).ravel()
    u, v = np.maximum(u, 0.0), np.maximum(v, 0.0)
    upper = float(second.data @ matrix[second.row, second.col])
    if v.sum() > 0:
        upper += float(u @ (matrix @ (v / v.sum())))
    lower = float(task.r @ phi + task.c @ (matrix - phi[:, None]).min(0))
    cost = float(shares.tocoo().data @ matrix[shares.tocoo().row, shares.tocoo().col])
    return Certificate(
        task.mass * cost, task.mass * lower, task.mass * upper, float(np.abs(rows - task.r).sum()),
        float(np.abs(columns - task.c).sum()),
    )  # fmt: skip


def divergence(p: Array, q: Array) -> float:
    """KL(p | q) of measures of mass 1; infinite where p has mass and q none."""
    inside = p > 0
    with np.errstate(divide="ignore"):
        return float(p[inside] @ np.log(p[inside] / q[inside]))


def _inner(weights: Array, values: Array) -> float:
    """Σ over weights that are not 0."""
    inside = weights > 0
    return float(weights[inside] @ values[inside])
