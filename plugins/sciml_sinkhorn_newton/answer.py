"""`sinkhorn-newton` as a solver: a run's steps and checkpoints, and the Sinkhorn divergence where it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sciml.numerics.transport.progress import reporting, series
from sciml.numerics.transport.result import Transported
from sciml.run import Run
from sciml.solution import Status
from sciml.transport import Transport, TransportSolution
from sciml.transport.routes import task_of

from .solve import solve

if TYPE_CHECKING:
    from .solver import SinkhornNewton


def answer(solver: SinkhornNewton, problem: Transport, run: Run) -> TransportSolution:
    found = _solved(solver, problem, run, resumable=not solver.divergence)
    parts, numbers = [found], {}
    if solver.divergence:
        parts += [_solved(solver, own, run, resumable=False) for own in problem.within()]
        numbers["Sinkhorn divergence"] = found.value - 0.5 * (parts[1].value + parts[2].value)
    ended = all(part.converged for part in parts)
    message = next((part.reason for part in parts if not part.converged), found.reason)
    return TransportSolution(
        found.phi, found.psi, problem.eps, Status.OK if ended else Status.INACCURATE, message=message,
        cost=found.counts, history=series(found.history), numbers=numbers,
    )  # fmt: skip


def _solved(solver: SinkhornNewton, problem: Transport, run: Run, resumable: bool) -> Transported:
    """Of three problems a checkpoint would not say which: they are only interrupted, not resumed."""
    task = task_of(problem, solver.path, solver.threads, run.device)
    run.took("transport", task.geometry.path)
    report = reporting(run, solver.tolerance)
    plain = report if resumable else lambda error, text, state: run.step(0.0, None, text)
    return solve(
        task, problem.eps, solver.tolerance, solver.limit, plain, run.restore() if resumable else None, solver.start,
        solver.anneal, solver.switch,
    )  # fmt: skip
