"""What the metrics of plugins say of a solution. Each has its own `try`: a failure is a score that says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import registry
from ..metric import Metric
from ..problem import Array, Problem
from ..reference.values import Reference
from ..solution import Solution

PERFECT, TRIVIAL = "of_reference", "of_trivial"


def measured(problem: Problem, solution: Solution, reference: Reference | None) -> dict[str, dict[str, Any]]:
    """By "plugin/name version": `value`, and beside it what the same definition gives for the reference itself
    (`of_reference`) and for the first state held for all times, of a steady problem its mean (`of_trivial`); or
    `failed`, with the reason. Empty without a reference, or where nothing was reached."""
    times = problem.grid.times
    kept = times <= solution.reached
    if reference is None or not kept.any():
        return {}
    exact = {name: values[kept] for name, values in reference.values.items()}
    found = {name: solution.values[name][kept] for name in exact}
    guesses = {"value": found, PERFECT: exact, TRIVIAL: _trivial(problem, exact)}
    numbers = {
        f"{plugin}/{cls.name} {cls.version}": _asked(cls(), problem, guesses, exact, times[kept])
        for plugin, cls in registry.metrics()
    }
    return {label: found for label, found in numbers.items() if found}


def _asked(
    metric: Metric, problem: Problem, guesses: Mapping[str, Mapping[str, Array]], exact: Mapping[str, Array],
    times: Array,
) -> dict[str, Any]:  # fmt: skip
    """Empty where the metric does not apply."""
    try:
        if not metric.applies(problem):
            return {}
        numbers = {
            label: float(metric.measure(problem, _copies(values), _copies(exact), times.copy()))
            for label, values in guesses.items()
        }
    except Exception as error:  # a stranger's code: the run it judges is not to be lost
        return {"failed": f"{type(error).__name__}: {error}".splitlines()[0]}
    wrong = [label for label, number in numbers.items() if not math.isfinite(number)]
    return {"failed": f"{wrong[0]} is not finite"} if wrong else dict(numbers)


def _copies(values: Mapping[str, Array]) -> dict[str, Array]:
    """What a metric writes into stays its own."""
    return {name: array.copy() for name, array in values.items()}


def _trivial(problem: Problem, exact: Mapping[str, Array]) -> dict[str, Array]:
    if problem.kind != "evolution":
        return {name: np.full_like(values, values.mean()) for name, values in exact.items()}
    return {name: np.broadcast_to(values[0], values.shape) for name, values in exact.items()}


def metric_lines(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """For a terminal, one line a metric."""
    return [
        f"metric      {label}: failed, {numbers['failed']}" if "failed" in numbers else
        f"metric      {label}: {numbers['value']:.3g} ({numbers[PERFECT]:.2g} of the reference itself,"
        f" {numbers[TRIVIAL]:.2g} of what costs nothing)"
        for label, numbers in found.items()
    ]  # fmt: skip


def metric_columns(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """For a table: numbers by label; of one that failed NaN."""
    return {label: numbers.get("value", math.nan) for label, numbers in found.items()}
