"""Two space dimensions: kernels learnt on grid lines axis by axis, then Kronecker algebra for the posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .candidates import Candidate, best_candidate
from .galerkin import Galerkin
from .learning import Learnt
from .lines import Lines
from .pointwise import rms, size_of_terms
from .progress import Progress
from .reporting import EPS, finish, first_width, may_widen

if TYPE_CHECKING:
    from .solver import GpHm


def solve(solver: GpHm, problem: Problem, run: Run) -> Solution:
    progress, width = Progress(run, solver.iterations), first_width(solver)
    while True:
        lines = Lines(solver, problem, width)
        best: Candidate | None = None
        learnt: list[Learnt] = []
        for k in range(1 if lines.equation.constant else 2):
            before, learnt = learnt, []
            at = (None, None) if best is None else (best.tensor, best.found.c)
            lines.slopes = lines.mean_slopes(*at)
            for axis in (0, 1):
                other = learnt[0].mixture if axis else before[1].mixture if before else lines.mixtures[1][0]
                name = f"{lines.axes[axis].name}, width {width}, round {k + 1}"
                terms, start = lines.terms(axis, other, *at), before[axis] if before else None
                learnt.append(progress.learn(name, terms, lines.features[axis], lines.mixtures[axis], start))
            best = best_candidate(solver, problem, lines, learnt, best, progress)
        assert best is not None
        solution = finished(solver, problem, progress, lines, learnt, best)
        if solution is not None:
            return solution
        width *= 2


def finished(
    solver: GpHm, problem: Problem, progress: Progress, lines: Lines, learnt: list[Learnt], best: Candidate
) -> Solution | None:
    """The solution, or None where wider windows may reach a smaller estimated error."""
    tensor, found, equation = best.tensor, best.found, lines.equation
    points = [axis.points() for axis in problem.grid.axes]
    mean = tensor.evaluate(found.c, points)
    regular = [axis.points(n) for axis, n in zip(lines.axes, lines.counts, strict=True)]
    middle = [0.5 * (p[1:] + p[:-1]) for p in regular]
    at = {tensor.names[0]: middle[0][:, None], tensor.names[1]: middle[1][None, :]}
    values = [tensor.evaluate(found.c, middle, orders) for orders in equation.orders]
    held_out = rms(equation.residual(values, at))
    size = size_of_terms(equation.slopes(values, at), values, equation.residual([0 * v for v in values], at))
    n, area = tensor.weights.size, float(tensor.weights.sum())
    density = max(best.residual**2, held_out**2 * area) / max(n - tensor.unknowns, 1)
    operator, generator = found.operator, progress.run.rng("posterior")
    if isinstance(operator, Galerkin):
        variance = operator.variance(points, equation.constant, generator)
    else:
        variance = operator.variance(points, generator)
    slope = [rms(tensor.evaluate(found.c, points, orders)) for orders in ((1, 0), (0, 1))]
    farthest = [max(abs(axis.lower), abs(axis.upper)) for axis in lines.axes]
    rounding = EPS * (float(np.dot(farthest, slope)) + rms(mean))
    std = np.sqrt(density * variance + best.misfit**2 + rounding**2)
    estimate = rms(std) / max(rms(mean), 1e-300)
    if estimate > solver.tolerance and not lines.complete and may_widen(solver, lines.width):
        return None
    names = tensor.names
    return finish(
        solver, problem, progress, mean, std, converged=found.converged, held_out=held_out / max(size, 1e-300),
        estimate=estimate, learnt=dict(zip(names, learnt, strict=True)),
        features=dict(zip(names, lines.features, strict=True)),
        cost={
            "noise": float(np.sqrt(density / area * n)), "unknowns": tensor.unknowns, "cut": best.cut,
            "matrix_products": found.inner, "boundary_misfit": best.misfit,
        },
    )  # fmt: skip
