"""Boundary-value problems: as many coefficients as the data and the solution need, Newton on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from . import basis
from .conditions import DISAGREEMENT, Condition, imposed, unused_mismatch
from .data import starting_sizes
from .line import Line
from .newton import Outcome, Progress, Stalled, newton
from .plane import Plane
from .splitting import Split

if TYPE_CHECKING:
    from ..solver import Chebyshev

NEWTON_STEPS = 50
RESTARTS = 4  # of Newton's method, with twice the coefficients
MODES = {1: 8192, 2: 1024}
TAIL = {1: 1e-13, 2: 1e-11}


@dataclass
class Answer:
    system: Any
    sizes: tuple[int, ...]
    outcome: Outcome
    tails: list[float]
    steps: int
    restarts: int


def solve(options: Chebyshev, problem: Problem, run: Run) -> Solution:
    """Solve, sample on the problem's grid, and say what is not as it should be."""
    dim = len(problem.grid.axes)
    split = Split.of(problem)
    conditions, unused = imposed(problem, split)
    tail, most = options.tail or TAIL[dim], options.max_modes or MODES[dim]
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is reported as a sentence
        answer = _adapted(options, problem, split, conditions, run, tail, most)
    x, worst, correction = answer.outcome.x, max(answer.tails), answer.outcome.correction
    mismatch = unused_mismatch(problem, answer.sizes, unused, x)
    corner = answer.system.corner_mismatch() if dim == 2 else 0.0
    complaints = []
    if worst > 1e3 * tail:
        complaints.append(f"the last coefficients still hold {worst:.1e} of the largest one")
    if correction > max(1e3 * options.tolerance, 1e-10):
        complaints.append(f"Newton's corrections stay at {correction:.1e} of the solution")
    if mismatch > DISAGREEMENT:
        complaints.append(f"data on a face that the equation does not need differ from the solution by {mismatch:.1e}")
    if corner > DISAGREEMENT:
        complaints.append(f"the data of two faces differ by {corner:.1e} at their common corner")
    cost = {
        "modes": max(answer.sizes), "newton_steps": answer.steps, "spectral_tail": worst,
        "last_correction": correction, "restarts": answer.restarts, **answer.system.sizes(),
    }  # fmt: skip
    values = answer.system.sampled(x)
    run.step(1.0)
    return Solution(
        values={name: values[i][None].copy() for i, name in enumerate(problem.equation.fields)},
        status=Status.INACCURATE if complaints else Status.OK,
        cost=cost | ({"unused_face_mismatch": mismatch} if unused else {}), message="; ".join(complaints),
    )  # fmt: skip


def _adapted(
    options: Chebyshev, problem: Problem, split: Split, conditions: list[tuple[Condition, ...]], run: Run, tail: float,
    most: int,
) -> Answer:  # fmt: skip
    """Newton's method on more and more coefficients, until the last ones are below `tail`."""
    dim = len(problem.grid.axes)
    saved, x, steps, restarts, begun = run.restore(), None, 0, 0, None
    if saved is not None:
        sizes, x = tuple(int(n) for n in saved["sizes"]), saved["x"]
        steps, restarts = int(saved["steps"]), int(saved["restarts"])
        begun = Progress(int(saved["count"]), x, saved["step"], float(saved["damping"]), float(saved["before"]))
    else:
        sizes = (options.modes,) * dim if options.modes else starting_sizes(problem, split, tail, most)
    while True:
        system = (Line if dim == 1 else Plane)(problem, split, sizes, conditions)
        x = np.zeros(system.shape) if x is None else x
        for axis, n in enumerate(sizes):
            x = basis.resized(x, n, axis + 1)

        def on_step(now: Progress, at: tuple[Any, ...] = (sizes, steps, restarts)) -> None:
            kept = vars(now) | {"sizes": np.array(at[0]), "steps": at[1], "restarts": at[2]}
            run.step(min(0.9, 0.1 * (at[1] + now.count)), kept, f"{' × '.join(map(str, at[0]))} modes")

        try:
            outcome = newton(system, system.conformed(x), options.tolerance, NEWTON_STEPS, on_step, begun)
        except Stalled:
            begun = None
            larger = tuple(min(most, 2 * n) for n in sizes)
            if options.modes or larger == sizes or restarts == RESTARTS:
                raise
            sizes, x, restarts = larger, None, restarts + 1
            continue
        x, steps, begun = outcome.x, steps + outcome.steps, None
        larger = tuple(
            n if basis.settled(x, tail, axis + 1) else min(most, (3 * n) // 2) for axis, n in enumerate(sizes)
        )
        if options.modes or larger == sizes:
            tails = [basis.tail(x, axis + 1) for axis in range(dim)]
            return Answer(system, sizes, outcome, tails, steps, restarts)
        sizes = larger
