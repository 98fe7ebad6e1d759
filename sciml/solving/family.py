"""A family's scored members, all solved by one solver, scored against the data of their split, kept as one result."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import registry
from ..dataset import Dataset, make
from ..errors import UsageError
from ..family import Family
from ..files import ensemble
from ..files.ensemble import EnsembleResult, gathered
from ..learning import LearnedSolver, Model
from ..learning.models import choose
from ..provenance import provenance
from ..run import Run
from ..scoring.family import curves_family, score_family
from ..solution import Solution, raw_std
from ..solver import Solver
from .problem import DEFAULT_STORE, digest_of, executed, only_one, require_device
from .training import DEFAULT_DATA

SPLIT = "test"


def solve_family(
    family: Family,
    solver: Solver,
    *,
    model: Path | None = None,
    members: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    budget: float | None = None,
    store: str | Path = DEFAULT_STORE,
    data: str | Path = DEFAULT_DATA,
    fresh: bool = False,
    wait: bool = True,
    on_progress: Callable[[float, str], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> tuple[EnsembleResult, Path]:
    """Solve the test members (default: as many as the family says), making their data where they are missing.

    The solver sees the members as problems, never their solutions. A learned one uses `model`, or the one among the
    trained and shipped ones that fits. Raises UsageError, RunFailed and Stopped as `solve` does.
    """
    store, count = Path(store), family.split(SPLIT).count if members is None else members
    trained: Model | None = None
    if isinstance(solver, LearnedSolver):
        trained, solver = choose(solver, family, store, model)
    elif model is not None:
        raise UsageError(f"{solver.name} is not a learned solver; leave --model out.")
    registry.require_able(solver, family.draw(SPLIT, 0))
    require_device(solver, device)
    key = {
        "family": family.content_hash, "data": family.data_hash(SPLIT), "count": count, "seed": seed,
        "solver": f"{registry.plugin_of(type(solver)).name}/{solver.name}", "version": solver.version,
        "options": solver.options(), "device": device, "model": trained.hash if trained else None,
    }  # fmt: skip
    cell = digest_of(key)
    target, folder = store / family.name / f"{solver.name}-{cell}.h5", store / ".partial" / cell
    with only_one(folder, on_notice, wait=wait):
        if target.exists() and not fresh:
            return ensemble.read(target), target
        making = Run(budget=budget, on_progress=on_progress)
        with making:
            truth = make(family, SPLIT, data, count=count, run=making)
        left = None if budget is None else max(making.remaining, 1e-3)
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        run = Run(seed=seed, device=device, budget=left, folder=folder, on_progress=on_progress)
        run.model = trained
        solutions: list[Solution] = executed(solver, truth.problems, run)
        result = _result(family, truth, solver, solutions, run, cell, trained)
        ensemble.write(target, result, truth.problems)
        shutil.rmtree(folder, ignore_errors=True)
    return result, target


def _result(
    family: Family, truth: Dataset, solver: Solver, solutions: list[Solution], run: Run, cell: str,
    trained: Model | None,
) -> EnsembleResult:  # fmt: skip
    about: dict[str, Any] | None = None
    if trained is not None:
        card = trained.card
        about = {
            "path": trained.path, "hash": trained.hash, "iterations": card.iterations, "seconds": card.seconds,
            "parameters": card.parameters, "members": card.members, "metrics": card.metrics, "command": card.command,
        }  # fmt: skip
    ledger = run.ledger()
    for name in sorted(solutions[0].cost.keys() - ledger.keys()):  # counts of a member, in the mean
        amounts = [solution.cost[name] for solution in solutions if name in solution.cost]
        ledger[f"{name}_each"] = sum(amounts) / len(amounts)
    result = EnsembleResult(
        family=family, times=truth.times, split=truth.split, count=truth.count, solver=solver.name,
        plugin=registry.plugin_of(type(solver)).name, solver_version=solver.version, options=solver.options(),
        seed=run.seed, device=run.device, dtype=run.dtype, provenance=provenance(run.device, run.paths),
        ledger=ledger, scores={}, cell=cell, model=about, history=dict(solutions[0].history), **gathered(solutions),
    )  # fmt: skip
    start, raw = max(s.predicted_from for s in solutions), raw_std(result.std, result.history, axis=1)
    scores = score_family(result.values, result.std, result.reached, truth, start, raw)
    return replace(result, scores=scores, history=dict(result.history) | curves_family(result.values, truth))
