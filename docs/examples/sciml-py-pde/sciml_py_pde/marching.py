"""Problem -> py-pde's grid and equation; from one output time to the next; its state -> Solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sciml import Problem, Run, RunFailed, Solution

from .translate import rate_text

if TYPE_CHECKING:
    from .solver import PyPde


def march(solver: PyPde, problem: Problem, run: Run) -> Solution:
    """py-pde's points are centres of cells: cells are laid such that every `refine`-th centre is a point of ours."""
    import pde

    (name,) = problem.equation.fields
    shape = tuple(axis.size * solver.refine for axis in problem.grid.axes)
    spacing = [axis.length / n for axis, n in zip(problem.grid.axes, shape, strict=True)]
    bounds = [(a.lower - h / 2, a.upper - h / 2) for a, h in zip(problem.grid.axes, spacing, strict=True)]
    grid = pde.CartesianGrid(bounds, list(shape), periodic=True)
    equation = pde.PDE({name: rate_text(problem)})
    adaptive = {} if solver.dt else {"adaptive": True, "tolerance": solver.tolerance}

    times, ours = problem.grid.times, (slice(None, None, solver.refine),) * len(shape)
    saved = run.restore()  # not None where an earlier run of this very cell was stopped
    states = [problem.initial(shape)[0]] if saved is None else list(saved["states"])
    for i in range(len(states) - 1, len(times) - 1):
        run.step(i / (len(times) - 1), lambda: {"states": np.stack(states)})
        field = equation.solve(
            pde.ScalarField(grid, states[i]), t_range=(times[i], times[i + 1]), dt=solver.dt or None,
            solver=solver.stepper, backend="numpy", tracker=None, **adaptive,
        )  # fmt: skip
        if not np.isfinite(field.data).all():
            raise RunFailed(f"py-pde's values are not finite at t={times[i + 1]:g}; try a smaller dt.")
        states.append(np.array(field.data))
    run.step(1.0, lambda: {"states": np.stack(states)})
    return Solution(values={name: np.stack([state[ours] for state in states])})
