"""ODE rows: Taylor series of our own (any precision) and SciPy's DOP853."""

from __future__ import annotations

from typing import Any

import numpy as np

from sciml.errors import RunFailed
from sciml.numerics.dynamics import rates
from sciml.numerics.taylor import TaylorField, evaluate_series, safe_step
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .solver import Dop853, Taylor


def solve_taylor(options: Taylor, problem: Problem, run: Run) -> Solution:
    """Steps end where the last terms say; outputs inside a step come from its polynomial."""
    if options.digits:
        import mpmath

        with mpmath.workdps(options.digits):
            return _taylor(options, problem, run, mpmath.mpf, mpmath)
    return _taylor(options, problem, run, float, None)


def _taylor(options: Taylor, problem: Problem, run: Run, number: Any, functions: Any) -> Solution:
    field = TaylorField(problem.equation, number, functions)
    times = problem.grid.times
    outputs = np.empty((len(times), len(problem.equation.fields)))
    outputs[0] = problem.initial()
    state = [number(float(v)) for v in outputs[0]]
    t, done, steps = number(float(times[0])), 1, 0
    saved = run.restore()
    if saved is not None:
        state, t = [number(v) for v in saved["state"].tolist()], number(saved["t"])
        done, steps = int(saved["done"]), int(saved["steps"])
        outputs[:done] = saved["outputs"]
    while done < len(times):
        series = field.expand(state, t, options.series_order)
        h = safe_step(series, options.tolerance)
        if not h > 1e-14 * max(abs(float(t)), 1e-3):
            raise RunFailed(f"taylor: the step became too small at t={float(t):g}; the solution may blow up there.")
        while done < len(times) and number(float(times[done])) - t <= h:
            dt = number(float(times[done])) - t
            outputs[done] = [float(evaluate_series(s, dt)) for s in series]
            done += 1
        remaining = number(float(times[-1])) - t
        dt = min(number(h), remaining)
        state = [evaluate_series(s, dt) for s in series]
        t, steps = t + dt, steps + 1
        if not np.isfinite([float(v) for v in state]).all():
            raise RunFailed(f"taylor: the solution is not finite at t={float(t):g}.")
        kept = {
            "state": np.array([str(v) if options.digits else repr(v) for v in state]),
            "t": str(t) if options.digits else repr(t), "done": done, "steps": steps, "outputs": outputs[:done],
        }  # fmt: skip
        run.step(done / len(times), kept, f"t={float(t):.4g}")
    values = {name: outputs[:, i].copy() for i, name in enumerate(problem.equation.fields)}
    return Solution(values=values, cost={"steps": steps, "series_order": options.series_order})


EVALUATIONS = 2000  # of one SciPy object, between looks at the budget and Ctrl-C


def solve_dop853(options: Dop853, problem: Problem, run: Run) -> Solution:
    """SciPy's class-based integrator, so that every step can be interrupted and resumed."""
    from scipy.integrate import DOP853

    times = problem.grid.times
    outputs = np.empty((len(times), len(problem.equation.fields)))
    outputs[0] = problem.initial()
    start, y, done, evaluations, first = times[0], outputs[0], 1, 0, None
    saved = run.restore()
    if saved is not None:
        start, y, done = float(saved["t"]), saved["y"], int(saved["done"])
        evaluations, first = int(saved["evaluations"]), float(saved["h"])
        outputs[:done] = saved["outputs"]
    function = rates(problem)
    rtol = max(options.tolerance, 3e-14)  # SciPy's own lower limit is 100 eps
    while done < len(times):
        if first is None:
            solver = DOP853(function, start, y, times[-1], rtol=rtol, atol=options.tolerance)
        else:  # a fresh object after every output: what is resumed is what was running
            solver = DOP853(
                function, start, y, times[-1], rtol=rtol, atol=options.tolerance,
                first_step=min(first, times[-1] - start),
            )  # fmt: skip
        while done < len(times) and solver.status == "running":
            message = solver.step()
            if solver.status == "failed":
                raise RunFailed(f"dop853: {message} at t={solver.t:g}; the problem may be stiff or blow up there.")
            dense = solver.dense_output()
            while done < len(times) and times[done] <= solver.t:
                outputs[done] = dense(times[done])
                done += 1
            if solver.nfev > EVALUATIONS:
                break
        evaluations += solver.nfev
        start, y, first = solver.t, solver.y, solver.h_abs
        kept = {
            "t": start, "y": y, "done": done, "evaluations": evaluations, "h": first, "outputs": outputs[:done]
        }  # fmt: skip
        run.step(done / len(times), kept, f"t={start:.4g}")
    values = {name: outputs[:, i].copy() for i, name in enumerate(problem.equation.fields)}
    return Solution(values=values, cost={"rhs_evaluations": evaluations})
