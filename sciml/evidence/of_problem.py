"""Of one problem given by an equation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..files import result_file
from ..metrics.spectrum import energy_spectrum, shell_spectrum
from ..problem import Array, Problem
from ..reference.values import read_reference
from ..scoring.measuring import measured
from ..scoring.problem import error_over_time, score
from . import About, Curve, Evidence

PERIODIC_SHAPES = (1, 2)  # dimensions of which there are spectra


def about_problem(path: Path, problem: Problem) -> About:
    reference = read_reference(path, problem)
    facts = [f"{a.name} in [{a.lower:.5g}, {a.upper:.5g}], {a.size} points, {a.boundary}" for a in problem.grid.axes]
    if problem.ball is not None:
        facts.append(f"a ball in {problem.ball.dimension} dimensions, {len(problem.ball.points)} points")
    times = problem.grid.times
    if problem.kind == "evolution":
        facts.append(f"{len(times)} times from {times[0]:g} to {times[-1]:g}")
    if problem.equation.parameters:
        facts.append(", ".join(f"{k} = {v:.6g}" for k, v in problem.equation.parameters.items()))
    told = "none: errors are not known"
    if reference is not None:
        told = f"own error {max(reference.error.values()):.1e} (relative L2). {reference.method}"
    return About(
        problem.name, problem.title, problem.about, problem.equation.unicode(), tuple(facts), told,
        problem.lyapunov or 0.0,
    )  # fmt: skip


def evidence_of_problem(path: Path, kept: Path) -> Evidence:
    """kept: the result file. Scores are taken again, from the reference that the problem file has now."""
    result = result_file.read(kept)
    problem, solution = result.problem, result.solution
    reference = read_reference(path, problem)
    scores = score(problem, solution, reference).as_dict() | {"metrics": measured(problem, solution, reference)}
    shares = [scores[key] for key in ("coverage", "coverage_raw")]
    stated, raw = (min(s.values()) if isinstance(s, dict) and s else None for s in shares)  # the worst field's
    curve = floor = None
    times = problem.grid.times
    if reference is not None and problem.kind == "evolution":
        errors = np.max(list(error_over_time(solution, reference).values()), axis=0)
        curve = Curve(times, errors, "t", "relative error")
        if reference.error_over_time:
            own = np.max(list(reference.error_over_time.values()), axis=0)
            floor = Curve(times, own, "t", "the reference's own error")
    kept_times = times <= solution.reached
    name = problem.equation.fields[0]
    exact = {} if reference is None else dict(reference.values)
    ours = _spectrum(problem, solution.values[name][kept_times]) if kept_times.any() else None
    theirs = _spectrum(problem, exact[name]) if name in exact else None
    return Evidence(
        curve=curve, floor=floor, spectrum=ours, exact_spectrum=theirs, spectrum_of=name, axes=problem.grid.axes,
        times=times, found={} if problem.ball else solution.values, exact={} if problem.ball else exact,
        coverage=stated, coverage_raw=raw, scores=scores, ledger={**solution.cost, **result.ledger},
        options=result.options, provenance=result.provenance, device=result.device, dtype=result.dtype,
    )  # fmt: skip


def _spectrum(problem: Problem, values: Array) -> Array | None:
    """On periodic axes of one size, in one and two dimensions."""
    axes = problem.grid.axes
    if len(axes) not in PERIODIC_SHAPES or not all(a.periodic for a in axes) or len({a.size for a in axes}) > 1:
        return None
    return (energy_spectrum if len(axes) == 1 else shell_spectrum)(values)
