"""Reference values with their own error: two resolutions in space and time, and a second method.

The solvers are ordinary plugins, taken from the registry by name; what they find is compared with one another,
and the largest disagreement is the error that the file states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import registry
from ..ball import Ball
from ..errors import RunFailed, UsageError
from ..metrics.norms import relative_l2, relative_l2_over_time
from ..problem import Array, Problem
from ..run import Run
from ..solution import Solution, Status
from .values import Reference

Values = Mapping[str, Array]
EXACT = "Exact solution:"
ROUNDING = 2.2e-16  # values are stored in double precision: no reference is better than this


def build_reference(problem: Problem, on_progress: Callable[[str], None] = lambda text: None) -> Reference:
    """Compute, cross-check and describe a reference. Raises RunFailed where a computation fails."""
    if problem.ball is not None:
        raise UsageError("in a ball of many dimensions no reference is computed; give one from an exact solution.")
    if not problem.grid.axes:
        return _ode(problem, on_progress)
    periodic = problem.kind == "evolution" and all(axis.periodic for axis in problem.grid.axes)
    return _periodic(problem, on_progress) if periodic else _with_ends(problem, on_progress)


def exact_reference(problem: Problem, formulas: Mapping[str, str]) -> Reference:
    """From an exact solution as formulas in the coordinates and t; of a ball, in its point's entries."""
    if problem.ball is not None:
        return _exact_in_ball(problem, problem.ball, formulas)
    points = np.meshgrid(*(axis.points() for axis in problem.grid.axes), indexing="ij")
    at = dict(zip(problem.equation.axes, points, strict=True))
    values = {
        name: np.stack([problem.evaluate(text, at | {"t": t}, {}, problem.grid.shape) for t in problem.grid.times])
        for name, text in formulas.items()
    }
    return combine(values, {}, _exactly(formulas))


def _exactly(formulas: Mapping[str, str]) -> str:
    return f"{EXACT} {'; '.join(f'{name} = {formula}' for name, formula in formulas.items())}."


def _exact_in_ball(problem: Problem, ball: Ball, formulas: Mapping[str, str]) -> Reference:
    """Long sums lose digits by rounding: the same formula in extended precision tells how many."""
    point, shape = problem.equation.indexed[0], problem.shape
    values = {n: problem.evaluate(text, {point: ball.points}, {}, shape)[None] for n, text in formulas.items()}
    longer = ball.points.astype(np.longdouble)
    check = {n: problem.evaluate(text, {point: longer}, {}, shape)[None] for n, text in formulas.items()}
    return combine(values, {"the same formula in extended precision": check}, _exactly(formulas))


def run_solver(problem: Problem, name: str, **options: Any) -> Solution:
    """Raises UsageError where the solver refuses the problem, RunFailed where it does not finish well."""
    solver = registry.get_solver(name).build(**options)
    registry.require_able(solver, problem)
    solution = solver.solve(problem, Run())
    solution.check(problem)
    if solution.status is not Status.OK:
        raise RunFailed(f"reference: {name} ended with '{solution.status.value}' {solution.message}.")
    return solution


def combine(values: Values, others: Mapping[str, Values], method: str, informative: tuple[str, ...] = ()) -> Reference:
    """`values` and what else was computed; entries named `informative` are checks but not part of the error."""
    counted = {label: v for label, v in others.items() if label not in informative}
    error = {n: max([ROUNDING, *(relative_l2(v[n], values[n]) for v in counted.values())]) for n in values}
    over_time = {
        n: np.max(
            [np.full(len(values[n]), ROUNDING), *(relative_l2_over_time(v[n], values[n]) for v in counted.values())],
            axis=0,
        )
        for n in values
    }
    checks = {label: max(relative_l2(v[n], values[n]) for n in values) for label, v in others.items()}
    return Reference(values, error, over_time, method, checks)


def _ode(problem: Problem, on_progress: Callable[[str], None]) -> Reference:
    on_progress("Taylor series, 40 digits")
    fine = run_solver(problem, "taylor", digits=40, series_order=40, tolerance=1e-34)
    on_progress("Taylor series, 50 digits, other order and step")
    finer = run_solver(problem, "taylor", digits=50, series_order=52, tolerance=1e-40)
    on_progress("DOP853")
    double = run_solver(problem, "dop853")
    method = "Taylor series of order 52 in 50-digit arithmetic, against order 40 in 40 digits with other steps."
    others = {"taylor order 40, 40 digits": fine.values, "dop853 in double precision": double.values}
    return combine(finer.values, others, method, informative=("dop853 in double precision",))


def _periodic(problem: Problem, on_progress: Callable[[str], None]) -> Reference:
    """In 1-D everything runs in extended precision, so that rounding does not hide what the methods differ by."""
    line = len(problem.grid.axes) == 1
    more: dict[str, Any] = {"precision": "extended"} if line else {"tail": 1e-10}
    coarse, sharp = ("1e-12", "1e-13") if line else ("1e-9", "2e-10")
    on_progress(f"etdrk4, tolerance {coarse}")
    base = run_solver(problem, "etdrk4", tolerance=float(coarse), **more)
    modes = int((1.25 if line else 1.15) * base.cost["modes"]) + 1
    on_progress(f"etdrk4, tolerance {sharp}, {modes} modes")
    fine = run_solver(problem, "etdrk4", tolerance=float(sharp), modes=modes, **more)
    if line:
        second = "Taylor series of the Fourier coefficients, order 24"
        on_progress(second)
        # explicit: a fourth-order equation pays every mode four times over, so no more of them than 1e-12 needs
        other = run_solver(problem, "spectral-taylor", tail=1e-12, **more)
    else:
        second = "integrating factor with Dormand–Prince 8(5,3)"
        on_progress(second)
        other = run_solver(problem, "if-dop853", tolerance=1e-10, **more)
    method = (
        f"ETDRK4 with step doubling, tolerance {sharp}, {modes} modes per axis, against tolerance {coarse} with adapted"
        f" modes, and against a method that shares nothing but the Fourier basis: {second}."
        + (" All in extended precision." if line else "")
    )
    others = {f"etdrk4, tolerance {coarse}, adapted modes": base.values, second: other.values}
    return combine(fine.values, others, method)


def _with_ends(problem: Problem, on_progress: Callable[[str], None]) -> Reference:
    """Chebyshev series of two lengths; a Gaussian process, where it takes the problem, is a check for people."""
    on_progress("chebyshev, adapted modes")
    base = run_solver(problem, "chebyshev")
    modes = int(1.3 * base.cost["modes"]) + 2
    on_progress(f"chebyshev, {modes} modes")
    fine = run_solver(problem, "chebyshev", modes=modes)
    others: dict[str, Values] = {"chebyshev, adapted modes": base.values}
    second = registry.solvers().get("gp-hm")
    if second is not None and not second().refuses(problem):
        on_progress("gp-hm")
        others["gp-hm"] = second().solve(problem, Run()).values
    method = f"Chebyshev series, {modes} modes per axis, against the adapted number of them."
    return combine(fine.values, others, method, informative=("gp-hm",))
