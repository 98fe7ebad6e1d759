"""Scores of a solution: the only place, with the reference builder, where a reference is looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ball import Ball
from ..metrics.attractor_distance import attractor_distance, sampled
from ..metrics.calibration import coverage
from ..metrics.norms import drift, max_error, relative_l2, relative_l2_over_time, valid_time
from ..metrics.trivial import trivial_errors
from ..problem import Array, Problem
from ..reference.values import Reference
from ..solution import Solution, raw_std

VALID_THRESHOLD = 0.4  # relative error at which a forecast of a chaotic system counts as lost


@dataclass(frozen=True)
class Scores:
    """Plain numbers, by field; errors are relative. `floor` is the reference's own error."""

    relative_l2: dict[str, float] = field(default_factory=dict)
    max_error: dict[str, float] = field(default_factory=dict)
    final_l2: dict[str, float] = field(default_factory=dict)
    floor: dict[str, float] = field(default_factory=dict)
    drift: dict[str, float] = field(default_factory=dict)
    valid_time: float | None = None
    lyapunov_times: float | None = None
    coverage: dict[str, float] = field(default_factory=dict)  # of 95 % intervals, where the solver gives a spread
    coverage_raw: dict[str, float] = field(default_factory=dict)  # the same before the calibration of that spread
    baseline: dict[str, float] = field(default_factory=dict)  # of a ball: error of the best k(1 - |x|²/R²)
    attractor: dict[str, Any] = field(default_factory=dict)  # of a chaotic problem: see metrics/attractor_distance.py
    trivial: dict[str, float] = field(default_factory=dict)  # errors of baselines: see metrics/trivial.py
    metrics: dict[str, Any] = field(default_factory=dict)  # of plugins: see measuring.py
    until: float | None = None  # errors are over times up to this; None: the whole span

    @property
    def error(self) -> float:
        """The worst field's relative L2 error; NaN without a reference."""
        return max(self.relative_l2.values(), default=float("nan"))

    @property
    def at_floor(self) -> bool:
        """Whether no field of the solution can be told from the reference."""
        known = self.relative_l2
        return bool(known) and all(known[name] <= 2 * self.floor[name] for name in known)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def error_over_time(solution: Solution, reference: Reference) -> dict[str, Array]:
    """By field, (times,); NaN where the solution has no values."""
    return {
        name: relative_l2_over_time(solution.values[name], values)
        for name, values in reference.values.items()
    }


def score(problem: Problem, solution: Solution, reference: Reference | None) -> Scores:
    """All scores. A partial solution is scored up to the time it reached, and says so."""
    times = problem.grid.times
    kept = times <= solution.reached
    if not kept.any():  # it failed before its first output: there is nothing to score
        return Scores(until=solution.reached)
    until = None if kept.all() else float(times[kept][-1])
    invariants = {
        label: drift(_invariant(problem, solution, text, kept)) for label, text in problem.invariants.items()
    }
    if reference is None:
        return Scores(drift=invariants, until=until)
    l2, largest, final, floor = {}, {}, {}, {}
    for name, exact in reference.values.items():
        value, exact = solution.values[name][kept], exact[kept]
        l2[name], largest[name] = relative_l2(value, exact), max_error(value, exact)
        final[name] = relative_l2(value[-1:], exact[-1:])
        floor[name] = reference.error[name]
    valid = lyapunov = None
    if problem.lyapunov:
        series = np.max(list(error_over_time(solution, reference).values()), axis=0)
        valid = valid_time(series, times, VALID_THRESHOLD)
        lyapunov = valid * problem.lyapunov
    covered, covered_raw = (
        {n: coverage(solution.values[n][kept], std[kept], reference.values[n][kept]) for n, std in stated.items()}
        for stated in (solution.std, raw_std(solution.std, solution.history))
    )
    if problem.stochastic:  # there it is the paths' spread, not the solver's doubt
        covered, covered_raw = {}, {}
    baseline = {} if problem.ball is None else one_parameter_errors(problem.ball, reference)
    attractor = {}
    if sampled(problem):
        attractor = attractor_distance(problem, solution.values, reference.values, solution.reached) or {}
    trivial = {}
    if problem.ball is None and not problem.stochastic:
        initial = {}
        if problem.kind == "evolution":
            initial = dict(zip(problem.equation.fields, problem.initial(), strict=True))
        trivial = trivial_errors({name: values[kept] for name, values in reference.values.items()}, initial)
    return Scores(
        l2, largest, final, floor, invariants, valid, lyapunov, covered, covered_raw, baseline, attractor, trivial,
        until=until,
    )  # fmt: skip


def one_parameter_errors(ball: Ball, reference: Reference) -> dict[str, float]:
    """By field: relative L2 error of k(1 - |x|²/R²), k fitted to the reference itself.

    In many dimensions a solution that is 0 on the sphere can be close to it; an error means little without this one.
    """
    hat = ball.hat
    return {
        name: relative_l2(hat * (hat @ exact[0]) / (hat @ hat), exact[0]) for name, exact in reference.values.items()
    }


def _invariant(problem: Problem, solution: Solution, text: str, kept: NDArray[np.bool_]) -> Array:
    """Mean over space of an invariant's formula at each time kept."""
    axes = problem.grid.axes
    points = np.meshgrid(*(axis.points() for axis in axes), indexing="ij")
    coordinates = dict(zip(problem.equation.axes, points, strict=True))
    rows = []
    for i in np.nonzero(kept)[0]:
        fields = {name: values[i] for name, values in solution.values.items()}
        at = coordinates | {"t": problem.grid.times[i]}
        rows.append(problem.evaluate(text, at, fields, problem.grid.shape).mean())
    return np.asarray(rows)
