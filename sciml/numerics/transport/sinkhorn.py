"""Sinkhorn's algorithm, stabilised by absorption (Schmitzer, SIAM J. Sci. Comput. 41, 2019, algorithm 2), by products.

A sweep at fixed S: u = r/(S v), then v = c/(Sᵀ u): one pass over S. Scalings are moved into the potentials ("absorbed")
before they leave the range of double precision. The error is Σ_j |columns_j - c_j|; rows are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .geometry import Array, Geometry, Plan
from .result import Transported, finished
from .task import Task, rate_of

RANGE = 200.0  # of |log v|: what S has lost to underflow is then below exp(RANGE - 708) of a row


@dataclass
class Sweeps:
    """What sweeps led to. errors: before each sweep; plan: at the potentials reached, with its error last in errors."""

    plan: Plan
    errors: list[float] = field(default_factory=list)
    plans: int = 0  # soft minima computed

    @property
    def error(self) -> float:
        return self.errors[-1]


def error_of(plan: Plan, c: Array) -> float:
    """Σ_j |columns_j - c_j|."""
    return float(np.abs(plan.columns - c).sum())


def ratio(c: Array, columns: Array) -> Array:
    """c/columns; 1 where there is no mass."""
    with np.errstate(divide="ignore"):  # a column that underflowed: infinite, and the caller's business
        return np.divide(c, columns, out=np.ones_like(c), where=c > 0)


def start(geometry: Geometry, r: Array, c: Array, eta: float) -> Plan:
    """Half a sweep in the logarithmic domain from phi = 0, then the plan."""
    with np.errstate(divide="ignore"):
        masses, other = np.log(r) / eta, np.log(c) / eta
    g = geometry.flipped().softmin(c, masses, eta).phi + other
    return geometry.softmin(r, g, eta)


def sweeps(
    geometry: Geometry, plan: Plan, c: Array, tolerance: float, most: int,
    enough: Callable[[list[float]], bool] = lambda errors: False,
) -> Sweeps:  # fmt: skip
    """Up to `most` sweeps, until the error is below the tolerance or `enough` of the errors so far."""
    done = Sweeps(plan)
    v, columns = np.ones_like(c), plan.columns
    while True:
        done.errors.append(float(np.abs(v * columns - c).sum()))
        if done.errors[-1] <= tolerance or len(done.errors) > most or enough(done.errors):
            break
        v = ratio(c, columns)
        if np.abs(np.log(v)).max() > RANGE:
            done.plan = absorbed(geometry, done.plan, v)
            done.plans += 1
            v, columns = np.ones_like(c), done.plan.columns
        else:
            columns = done.plan.sweep(v)[1]
    if (v != 1).any():
        done.plan = absorbed(geometry, done.plan, v)
        done.plans += 1
        done.errors[-1] = error_of(done.plan, c)
    return done


def absorbed(geometry: Geometry, plan: Plan, v: Array) -> Plan:
    """The plan at g + log(v)/eta."""
    return geometry.softmin(plan.r, plan.g + np.log(v) / plan.eta, plan.eta)


State = Callable[[], dict[str, Any]]
Report = Callable[[float, str, State], None]


def solve(task: Task, eps: float, tolerance: float = 1e-9, most: int = 100_000, each: int = 500,
          report: Report = lambda error, text, state: None,
          begin: Mapping[str, Any] | None = None) -> Transported:  # fmt: skip
    """Sinkhorn's algorithm alone, at one eps. report(error, text, state): called once a sweep, and may raise; state()
    is what another call takes as `begin`, to go on from the last whole block of `each` sweeps."""
    eta = rate_of(eps)
    if begin is None:
        plan, done, plans = start(task.geometry, task.r, task.c, eta), 0, 2
    else:
        g, done, plans = np.asarray(begin["g"], dtype=np.float64), int(begin["sweeps"]), int(begin["plans"])
        plan = task.geometry.softmin(task.r, g, eta)
    history: list[tuple[float, float]] = []

    def state() -> dict[str, Any]:
        return {"g": plan.g, "sweeps": done, "plans": plans}

    def watched(errors: list[float]) -> bool:
        report(errors[-1], f"Sinkhorn, sweep {done + len(errors) - 1}", state)
        return False

    while True:
        block = sweeps(task.geometry, plan, task.c, tolerance, min(each, most - done), watched)
        plan, done, plans = block.plan, done + len(block.errors) - 1, plans + block.plans
        history.append((plans * task.geometry.work + done, block.error))
        if block.error <= tolerance or done >= most:
            break
    counts = {"sweeps": float(done), "newton": 0.0, "products": 0.0, "plans": float(plans)}
    counts["work"] = plans * task.geometry.work + done
    converged = block.error <= tolerance
    reason = f"the error is below {tolerance:g}" if converged else (
        f"the limit of {most} sweeps is reached, the error is {block.error:.1e}"
    )
    return finished(task, plan, reason, converged, counts, history)
