"""One space dimension, from start to Solution: learn, iterate, learn again, widen, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sciml.errors import RunFailed
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution

from .learning import Learnt
from .line import Line, NewtonResult
from .pointwise import rms
from .progress import Progress
from .reporting import EPS, finish, first_width, may_widen

if TYPE_CHECKING:
    from .solver import GpHm


def solve(solver: GpHm, problem: Problem, run: Run) -> Solution:
    progress, width = Progress(run, solver.iterations), first_width(solver)
    while True:
        line = Line(solver, problem, width)
        coefficients: Array | None = None
        learnt: Learnt | None = None
        rounds = 1 if line.equation.linear else 2
        for k in range(rounds):
            evidence = line.linearised(coefficients)
            if evidence.scale == 0.0 and not line.data.any():
                raise RunFailed("gp-hm: source and boundary data vanish; there is nothing to learn a kernel from.")
            name = f"width {width}, round {k + 1}"
            bases = line.mixtures[-1:] if k + 1 < rounds else line.mixtures  # the last round compares envelopes
            learnt = progress.learn(name, [evidence], line.features, bases, learnt)
            found = line.newton(learnt, coefficients, progress)
            coefficients = found.coefficients
        assert learnt is not None
        solution = finished(solver, problem, progress, line, learnt, found)
        if solution is not None:
            return solution
        width *= 2


def finished(
    solver: GpHm, problem: Problem, progress: Progress, line: Line, learnt: Learnt, found: NewtonResult
) -> Solution | None:
    """The solution, or None where wider windows may reach a smaller estimated error."""
    middle = 0.5 * (line.points[1:] + line.points[:-1])
    held_out, size = line.residual(found.coefficients, middle)
    doubt = line.doubt(found, middle, learnt)
    noise = float(np.exp(0.5 * learnt.log_noise[0]))
    x = problem.grid.axes[0].points()
    matrix = line.features.matrix(x)
    mean = matrix @ found.coefficients
    model = np.sqrt(((matrix @ found.evaluation.posterior.root) ** 2).sum(axis=1))
    farthest = max(abs(line.axis.lower), abs(line.axis.upper))
    rounding = EPS * (farthest * rms(line.features.matrix(x, 1) @ found.coefficients) + rms(mean))
    std = np.hypot(model * max(1.0, doubt), rounding)
    estimate = rms(std) / max(rms(mean), 1e-300)
    if estimate > solver.tolerance and not line.complete and may_widen(solver, line.width):
        return None
    return finish(
        solver, problem, progress, mean, std,
        converged=found.converged, held_out=held_out / max(size, 1e-300), estimate=estimate,
        learnt={line.axis.name: learnt}, features={line.axis.name: line.features},
        cost={"noise": noise, "freedom": found.evaluation.freedom, "held_out_move": doubt},
    )  # fmt: skip
