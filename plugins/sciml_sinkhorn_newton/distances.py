"""Wasserstein distances and the Sinkhorn divergence.

    W_p = (min <C, P>)^(1/p), C = |x - y|^p, here from the entropic plan: above the exact one by a term of order eps;
    S(a, b) = OT_eps(a, b) - OT_eps(a, a)/2 - OT_eps(b, b)/2, which is 0 for a = b and loses that term

(Genevay, Peyré & Cuturi, AISTATS 2018, eq. 5; Feydy et al., AISTATS 2019: it is positive and convex).
"""

from __future__ import annotations

from dataclasses import dataclass

from sciml.errors import UsageError
from sciml.numerics.transport.geometry import Array
from sciml.numerics.transport.result import Transported
from sciml.numerics.transport.rows import Rows
from sciml.numerics.transport.task import Task, between_points, made

from .gradients import gradients
from .solve import solve

COSTS = {1: "euclidean", 2: "squared euclidean"}


def wasserstein(r: Array, x: Array, c: Array, y: Array, p: int, eps: float, tolerance: float = 1e-9) -> float:
    """W_p of Σ r δ_x and Σ c δ_y, p = 1 or 2, from the entropic plan at eps (of the unit of |x - y|^p); masses of 1."""
    if p not in COSTS:
        raise UsageError(f"Wasserstein distances are of order 1 or 2 here, not {p}.")
    result = solve(between_points(r, x, c, y, COSTS[p]), eps, tolerance)
    return float((result.cost / result.task.mass) ** (1.0 / p))


@dataclass(frozen=True)
class Divergence:
    """value: S(a, b); by_r: (n,), by_x: (n, d) its gradients by the first measure (None without points);
    parts: the solutions for (a, b), (a, a), (b, b)."""

    value: float
    by_r: Array
    by_x: Array | None
    parts: tuple[Transported, Transported, Transported]

    @property
    def converged(self) -> bool:
        return all(part.converged for part in self.parts)


def divergence(task: Task, eps: float, tolerance: float = 1e-9) -> Divergence:
    """Of points; a matrix of costs says nothing on the costs within one measure."""
    parts = tuple(solve(t, eps, tolerance) for t in (task, *within(task)))
    across, first, second = parts
    value = across.value - 0.5 * first.value - 0.5 * second.value
    mine, own = gradients(across), gradients(first)
    # phi of (a, a) stands in both places, which makes up for the half; on both sides alike up to the error
    by_r = mine.r - 0.5 * (own.r + own.c)
    by_x = None if mine.x is None or own.x is None or own.y is None else mine.x - 0.5 * (own.x + own.y)
    return Divergence(value, by_r, by_x, (across, first, second))


def within(task: Task) -> tuple[Task, Task]:
    """The problems (a, a) and (b, b)."""
    geometry = task.geometry
    r, c = task.mass * task.r, task.mass * task.c
    if not isinstance(geometry, Rows) or geometry.matrix is not None:
        raise UsageError("the Sinkhorn divergence needs points, as it compares each measure with itself.")
    assert geometry.x is not None and geometry.y is not None
    settings = (geometry.cost, geometry.stored, geometry.threads, geometry.device)
    one, two = (Rows(None, points, points, *settings) for points in (geometry.x, geometry.y))
    return made(r, r, one), made(c, c, two)

