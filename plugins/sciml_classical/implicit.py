"""SciPy's Radau IIA of order 5 with exact Jacobians: stiff ODEs.

Every output time ends a step: the method's own polynomial between step ends has order 3 only.
"""

from __future__ import annotations

import numpy as np

from sciml.errors import RunFailed
from sciml.numerics.dynamics import jacobian, rates
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .solver import Radau


def solve_radau(options: Radau, problem: Problem, run: Run) -> Solution:
    """From output time to output time, each with a fresh SciPy object and the last step's size."""
    from scipy.integrate import Radau as Method

    times = problem.grid.times
    outputs = np.empty((len(times), len(problem.equation.fields)))
    outputs[0] = problem.initial()
    done, evaluations, factorisations, steps, h = 1, 0, 0, 0, 0.0
    saved = run.restore()
    if saved is not None:
        done, h, outputs[: int(saved["done"])] = int(saved["done"]), float(saved["h"]), saved["outputs"]
        evaluations, factorisations = int(saved["evaluations"]), int(saved["factorisations"])
        steps = int(saved["steps"])
    function, slope = rates(problem), jacobian(problem)
    rtol = max(options.tolerance, 3e-14)  # SciPy's own lower limit is 100 eps
    while done < len(times):
        start, end = float(times[done - 1]), float(times[done])
        solver = Method(
            function, start, outputs[done - 1], end, rtol=rtol, atol=options.tolerance, jac=slope,
            first_step=min(h, end - start) if h else None,
        )  # fmt: skip
        while solver.status == "running":
            message = solver.step()
            if solver.status == "failed" or not np.isfinite(solver.y).all():
                raise RunFailed(f"radau: {message or 'a value is not finite'} at t={solver.t:g}.")
            steps += 1
        evaluations, factorisations = evaluations + solver.nfev, factorisations + solver.nlu
        outputs[done], h, done = solver.y, solver.h_abs, done + 1
        kept = {
            "done": done, "h": h, "outputs": outputs[:done], "evaluations": evaluations,
            "factorisations": factorisations, "steps": steps,
        }  # fmt: skip
        run.step(done / len(times), kept, f"t={end:.4g}")
    values = {name: outputs[:, i].copy() for i, name in enumerate(problem.equation.fields)}
    cost = {"rhs_evaluations": evaluations, "factorisations": factorisations, "steps": steps}
    return Solution(values=values, cost=cost)
