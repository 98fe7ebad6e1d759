"""Two space dimensions: kernels learnt on grid lines axis by axis, then Kronecker algebra for the posterior."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .candidates import Candidate, best_candidate
from .galerkin import Galerkin
from .learning import Learnt
from .lines import Lines
from .newton import linearise
from .pointwise import rms, size_of_terms
from .progress import Progress
from .reporting import EPS, finish, first_width, may_widen

if TYPE_CHECKING:
    from .solver import GpHm

CAPS = (0.5, 0.2, 0.08)  # length scales, in lengths of the axis


def solve(solver: GpHm, problem: Problem, run: Run) -> Solution:
    progress, width = Progress(run, solver.iterations), first_width(solver)
    while True:
        lines = Lines(solver, problem, width)
        best: Candidate | None = None
        learnt: dict[int, Learnt] = {}
        rounds = 1 if lines.equation.constant else 2
        for k in range(rounds):
            before, learnt = learnt, {}
            at = (None, None) if best is None else (best.tensor, best.found.c)
            lines.slopes = lines.mean_slopes(*at)
            for axis in [a for a in (0, 1) if a not in lines.silent]:
                known = learnt.get(1 - axis, before.get(1 - axis))
                other = lines.mixtures[1 - axis][0] if known is None else known.mixture
                name = f"{lines.axes[axis].name}, width {width}, round {k + 1}"
                terms = lines.terms(axis, other, *at)
                bases = lines.mixtures[axis][-1:] if k + 1 < rounds else lines.mixtures[axis]  # compared at the end
                learnt[axis] = progress.learn(name, terms, lines.features[axis], bases, before.get(axis))
            for axis in lines.silent:
                learnt[axis] = lines.as_other(axis, learnt[1 - axis])
            best = best_candidate(solver, problem, lines, learnt, best, progress, f"width {width}, round {k + 1}")
        assert best is not None
        wider = not lines.complete and may_widen(solver, width)
        solution = finished(solver, problem, progress, lines, best)
        for cap in CAPS:
            if solution.cost["estimated_error"] <= solver.tolerance:
                break
            shorter = {axis: capped(found, cap) for axis, found in learnt.items()}
            name = f"width {width}, lengths up to {cap:g}"
            other_best = best_candidate(solver, problem, lines, shorter, best, progress, name)
            if other_best.evidence > best.evidence:
                best = other_best
                solution = finished(solver, problem, progress, lines, best)
        if not wider or solution.cost["estimated_error"] <= solver.tolerance:
            return solution
        width *= 2


def capped(learnt: Learnt, cap: float) -> Learnt:
    """The same kernel with no length above `cap`: what single lines show need not be all that the plane needs."""
    mixture = learnt.mixture
    return replace(learnt, mixture=replace(mixture, log_length=np.minimum(mixture.log_length, np.log(cap))))


def finished(
    solver: GpHm, problem: Problem, progress: Progress, lines: Lines, best: Candidate
) -> Solution:
    """Mean and spread on the problem's grid, and what is to be said about them."""
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
    operator, generator = linearise(tensor, found.c), progress.run.rng("posterior")
    if isinstance(operator, Galerkin):
        variance = operator.variance(points, equation.constant, generator)
    else:
        variance = operator.variance(points, generator)
    slope = [rms(tensor.evaluate(found.c, points, orders)) for orders in ((1, 0), (0, 1))]
    farthest = [max(abs(axis.lower), abs(axis.upper)) for axis in lines.axes]
    rounding = EPS * (float(np.dot(farthest, slope)) + rms(mean))
    std = np.sqrt(density * variance + best.misfit**2 + best.spread**2 + rounding**2)
    estimate = rms(std) / max(rms(mean), 1e-300)
    names = tensor.names
    notes = [f"nothing given varies along {names[a]}: its kernel is that of the other axis" for a in lines.silent]
    return finish(
        solver, problem, progress, mean, std, converged=found.converged, held_out=held_out / max(size, 1e-300),
        estimate=estimate, learnt={names[axis]: best.learnt[axis] for axis in (0, 1)},
        features=dict(zip(names, lines.features, strict=True)),
        notes=notes,
        cost={
            "noise": float(np.sqrt(density / area * n)), "unknowns": tensor.unknowns, "cut": best.cut,
            "matrix_products": found.inner, "boundary_misfit": best.misfit, "spread_over_cuts": best.spread,
        },
    )  # fmt: skip
