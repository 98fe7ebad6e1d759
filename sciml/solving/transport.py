"""One transport problem and one solver: run, measured, scored, kept. As `problem`, for problems of kind transport."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import registry
from ..provenance import provenance
from ..run import Run
from ..solver import Solver
from ..transport import Transport, TransportSolution, TransportSolver, result
from ..transport.file import read
from ..transport.reference import read_reference
from ..transport.result import TransportResult
from ..transport.routes import task_of
from ..transport.scores import TransportScores, restored
from ..transport.scoring import against, explicit, measured
from .problem import DEFAULT_STORE, digest_of, guarded, kept_by, only_one, require_device


def solve_transport(
    problem: Transport | str | Path,
    solver: Solver | str,
    *,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "cpu",
    budget: float | None = None,
    store: str | Path = DEFAULT_STORE,
    fresh: bool = False,
    wait: bool = True,
    on_progress: Callable[[float, str], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> tuple[TransportResult, Path]:
    """Solve a transport problem (a file, or a Transport without a reference); the scored, stored result and its place.

    `solver` is a name with `options`, or a Solver. Raises UsageError, RunFailed and Stopped as `solve` does.
    """
    path = None if isinstance(problem, Transport) else Path(problem)
    task = problem if isinstance(problem, Transport) else read(Path(problem))
    chosen = registry.get_solver(solver).build(**(options or {})) if isinstance(solver, str) else solver
    registry.require_able(chosen, task)
    assert isinstance(chosen, TransportSolver)
    require_device(chosen, device)
    key = {
        "transport": task.content_hash, "solver": f"{registry.plugin_of(type(chosen)).name}/{chosen.name}",
        "version": chosen.version, "options": chosen.options(), "seed": seed, "device": device,
    }  # fmt: skip
    cell, store = digest_of(key), Path(store)
    target, folder = store / task.name / f"{chosen.name}-{cell}.h5", store / ".partial" / cell
    run = Run(seed=seed, device=device, budget=budget, folder=folder, on_progress=on_progress)
    with only_one(folder, on_notice, wait=wait):
        if target.exists() and not fresh:
            return rescored(result.read(target), path), target
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        solution, scores, ledger = answered(chosen, task, run)
        found = TransportResult(
            problem=task, solution=solution, solver=chosen.name, plugin=registry.plugin_of(type(chosen)).name,
            solver_version=chosen.version, options=chosen.options(), seed=seed, device=device,
            provenance=provenance(device, run.paths), ledger=ledger, scores=scores.as_dict(), cell=cell,
        )  # fmt: skip
        found = rescored(found, path)
        result.write(target, found)
        shutil.rmtree(folder, ignore_errors=True)
    return found, target


def answered(
    solver: TransportSolver, problem: Transport, run: Run
) -> tuple[TransportSolution, TransportScores, dict[str, float]]:
    """Call the solver, guarded, and measure what it returns; the time that takes is not on the ledger."""
    with guarded(solver, run):
        solution = solver.transport(problem, run)
        solution.check(problem)
    ledger, (history, cost) = run.ledger(), kept_by(run)
    task = task_of(problem, device=run.device)
    scores, plan = measured(problem, solution, task)
    kept = solution.plan if plan is None else explicit(task, plan)
    history, cost = history | dict(solution.history), cost | dict(solution.cost)
    return replace(solution, plan=kept, history=history, cost=cost), scores, ledger


def rescored(found: TransportResult, path: Path | None) -> TransportResult:
    """The result with scores against the reference in the problem file, if there is one."""
    reference = None if path is None else read_reference(path)
    if reference is None:
        return found
    return replace(found, scores=against(restored(found.scores), reference).as_dict())
