"""Scores of a transport solution, measured by the core from its potentials and plan, never taken from the solver.

The value is bounded from both sides (`numerics/transport/certificate.py`), so that the gap is known without a
reference; with one, the value's error is its distance from that.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from ..errors import RunFailed
from ..numerics.transport.certificate import Certificate, entropic, linear
from ..numerics.transport.geometry import Plan
from ..numerics.transport.task import Task
from .problem import Transport
from .reference import TransportReference
from .scores import TransportScores
from .solution import SparsePlan, TransportSolution

DISTANCES = {"euclidean": ("W1", 1), "squared euclidean": ("W2", 2)}
SHARE, MOST_ENTRIES, MOST_PAIRS = 1e-9, 100_000, 2**24  # of plans that are stored in full


def measured(problem: Transport, solution: TransportSolution, task: Task) -> tuple[TransportScores, Plan | None]:
    """All scores that need no reference; the plan at eps > 0. Raises RunFailed where nothing can be measured."""
    if solution.eps == 0.0:
        from scipy.sparse import csr_matrix

        assert solution.plan is not None
        parts = solution.plan.value, solution.plan.index, solution.plan.start
        found: Certificate = linear(task, csr_matrix(parts, shape=problem.shape), solution.phi)
    else:
        found = entropic(task, solution.phi, solution.psi, solution.eps)
    if found.cost == float("inf"):
        raise RunFailed("the solver's potentials are so far off that their plan is not finite.")
    name, power = DISTANCES.get(problem.cost, ("", 1))
    distance = {name: sqrt(found.cost / task.mass) if power == 2 else found.cost / task.mass} if name else {}
    return TransportScores(
        solution.eps, found.cost, found.lower, found.upper, found.gap, found.row_error, found.column_error,
        found.row_error + found.column_error, distance=distance,
        independent=task.mass * task.geometry.product_cost(task.r, task.c),
    ), found.plan  # fmt: skip


def against(scores: TransportScores, reference: TransportReference | None) -> TransportScores:
    """The same scores with what a reference adds."""
    if reference is None:
        return scores
    above = None if reference.exact is None else scores.cost / reference.exact - 1.0
    if scores.eps > 0:
        error, floor = abs(scores.lower - reference.value) / abs(reference.value), reference.error
        beside = _independent_error(scores, reference.value)
        return replace(scores, value_error=error, floor=floor, above_exact=above, independent_error=beside)
    if reference.exact is None or reference.exact_error is None:
        return scores
    error = abs(scores.cost - reference.exact) / abs(reference.exact)
    beside = _independent_error(scores, reference.exact)
    return replace(
        scores, value_error=error, floor=reference.exact_error, above_exact=above, independent_error=beside
    )


def _independent_error(scores: TransportScores, value: float) -> float | None:
    return None if scores.independent is None else abs(scores.independent - value) / abs(value)


def explicit(task: Task, plan: Plan) -> SparsePlan | None:
    """P without entries below SHARE of the means of row and column, if few are left; else potentials say it."""
    from ..numerics.transport.rows import Rows, RowsPlan

    n, m = task.geometry.shape
    if n * m > MOST_PAIRS:
        return None
    if not isinstance(plan, RowsPlan):
        plan = Rows(task.geometry.matrix()).softmin(plan.r, plan.g, plan.eta)  # type: ignore[attr-defined]
    kept = plan.entries(task.c, SHARE, MOST_ENTRIES)
    if kept is None:
        return None
    mass = float(plan.columns.sum())
    left = task.mass * max(0.0, mass - float(kept.value.sum()))
    return SparsePlan(kept.start, kept.index, task.mass * kept.value, left)
