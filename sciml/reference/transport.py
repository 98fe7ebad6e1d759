"""References of transport problems: the value bounded from both sides, and what other routes find.

The solver sinkhorn-newton, to an error far below its default, gives potentials; their value is bounded from below by
the dual and from above by a feasible plan, so that the stated error is proved (up to rounding) whatever the solver did.
Beside it, as checks: the same potentials evaluated by plain numpy, and Sinkhorn's algorithm alone where that takes few
sweeps. The cost without entropy comes from a network simplex, bounded by its own dual.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import logsumexp

from .. import registry
from ..errors import RunFailed, UsageError
from ..kernels.transport import MOST_COSTS
from ..numerics.transport.exact import costs
from ..problem import Array
from ..run import Run
from ..solution import Status
from ..solving.transport import answered
from ..transport import Transport, TransportSolution, TransportSolver
from ..transport.reference import TransportReference
from ..transport.routes import task_of
from ..transport.scores import TransportScores

TOLERANCE = 1e-13
ENTRIES = 2**25  # of a plan that plain numpy goes through
SWEEPS = 20_000
ROUNDING = 1e-15  # of a value that is a sum of many terms, the largest about its size


def build_reference(
    problem: Transport, on_progress: Callable[[str], None] = lambda text: None
) -> TransportReference:  # fmt: skip
    """Raises RunFailed where sinkhorn-newton does not reach an error of 1e-9."""
    on_progress(f"sinkhorn-newton, tolerance {TOLERANCE:g}")
    solution, scores = run_solver(problem, "sinkhorn-newton", tolerance=TOLERANCE)
    if scores.marginal_error > 1e-9:
        raise RunFailed(f"reference: sinkhorn-newton ended with '{solution.message}'.")
    value, checks = scores.lower, {}
    if problem.shape[0] * problem.shape[1] <= ENTRIES:
        on_progress("the dual value in plain numpy")
        plain = plain_value(problem, solution.psi)
        checks["the dual value of these potentials in plain numpy"] = _relative(plain, value)
    on_progress(f"sinkhorn, at most {SWEEPS} sweeps")
    other, other_scores = run_solver(problem, "sinkhorn", tolerance=1e-11, sweeps=SWEEPS)
    if other.status is Status.OK:
        checks["Sinkhorn's algorithm alone, to 1e-11"] = _relative(other_scores.lower, value)
    exact = exact_error = None
    method = (
        f"sinkhorn-newton to marginal errors of {scores.marginal_error:.0e}; the error is the gap between the dual"
        " value and the objective of the plan rounded to a feasible one."
    )
    if problem.shape[0] * problem.shape[1] <= MOST_COSTS:
        on_progress("exact-transport")
        _, bounds = run_solver(problem, "exact-transport")
        exact, exact_error = bounds.cost, max(bounds.gap, ROUNDING)
        method += " Cost without entropy: network simplex, bounded by its dual."
    error = float(max(scores.gap, ROUNDING, *checks.values()))
    return TransportReference(value, scores.cost, error, method, exact, exact_error, checks)


def run_solver(problem: Transport, name: str, **options: object) -> tuple[TransportSolution, TransportScores]:
    """Solve with a named solver, nothing kept. Raises UsageError where it refuses."""
    solver = registry.get_solver(name).build(**options)
    registry.require_able(solver, problem)
    if not isinstance(solver, TransportSolver):
        raise UsageError(f"{name} does not solve transport problems.")
    return answered(solver, problem, Run())[:2]


def plain_value(problem: Transport, psi: Array) -> float:
    """Σ r phi + Σ c psi with phi the soft c-transform of psi, some rows at a time."""
    (r, c), matrix = problem.weights, costs(task_of(problem))
    mass = float(r.sum())
    r, c = r / mass, c / mass
    with np.errstate(divide="ignore"):
        terms = np.log(c) + psi / problem.eps
    step = max(1, 2**22 // len(c))
    phi = np.concatenate([
        -problem.eps * logsumexp(terms - matrix[i : i + step] / problem.eps, axis=1) for i in range(0, len(r), step)
    ])  # fmt: skip
    return mass * float(r @ phi + c @ psi)


def _relative(value: float, reference: float) -> float:
    return abs(value - reference) / abs(reference)
