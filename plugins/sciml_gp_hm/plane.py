"""Two space dimensions: kernels learnt on grid lines axis by axis, then Kronecker algebra for the posterior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sciml.errors import RunFailed
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution

from .basis import build
from .galerkin import Galerkin
from .learning import Learnt, learn
from .lines import Lines
from .newton import Found, newton
from .pointwise import Pointwise, rms, size_of_terms
from .reporting import EPS, finish, first_width, may_widen
from .tensor import Tensor

if TYPE_CHECKING:
    from .solver import GpHm

CUTS = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12)


@dataclass(frozen=True)
class Candidate:
    """The posterior mean at one cut of the principal functions, and its evidence."""

    cut: float
    tensor: Tensor
    found: Found
    residual: float  # L2 norm at the nodes
    misfit: float  # of the boundary data, rms
    evidence: float


def candidate(
    solver: GpHm, problem: Problem, lines: Lines, learnt: list[Learnt], cut: float, before: Tensor | None,
    c: Array | None, run: Run, state: dict[str, object],
) -> Candidate:  # fmt: skip
    equation = lines.equation
    x, y = (build(lines.features[a], learnt[a].mixture, lines.counts[a], cut) for a in (0, 1))
    tensor = Tensor(problem, equation, x, y)
    start = tensor.boundary
    if before is not None and c is not None:
        start = start + tensor.inside(tensor.project(before.evaluate(c, x.nodes, y.nodes)))
    found = newton(tensor, start, solver.newton, run, state)
    residual = tensor.norm(equation.residual(tensor.derivatives(found.c), tensor.at))
    misfit = tensor.misfit(found.c)
    size = rms(tensor.evaluate(found.c, x.nodes, y.nodes))
    n, edge = len(x.nodes) * len(y.nodes), 2 * (len(x.nodes) + len(y.nodes))
    scale = size_of_terms(
        equation.slopes(tensor.derivatives(found.c), tensor.at), tensor.derivatives(found.c), np.zeros(1)
    )
    # noise variances at their maximum of the likelihood, and Schwarz's log n / 2 for every unknown
    evidence = -n * np.log(max(residual, EPS * scale)) - edge * np.log(max(misfit, EPS * size))
    evidence -= 0.5 * tensor.unknowns * np.log(n)
    return Candidate(cut, tensor, found, residual, misfit, float(evidence))


def solve(solver: GpHm, problem: Problem, run: Run) -> Solution:
    state = run.restore() or {"width": first_width(solver), "round": 0}
    while True:
        lines = Lines(solver, problem, int(state["width"]))
        rounds = 1 if lines.equation.constant else 2
        best: Candidate | None = None
        while int(state["round"]) < rounds:
            before, c = (None, None) if best is None else (best.tensor, best.found.c)
            saved = {"width": int(state["width"]), "round": 0}
            lines.slopes = lines.mean_slopes(before, c)
            learnt: list[Learnt] = []
            for axis in (0, 1):
                other = learnt[0].mixture if axis else lines.mixtures[1]
                learnt.append(
                    learn(
                        lines.terms(axis, other, before, c), lines.features[axis], lines.mixtures[axis],
                        solver.iterations, lambda kept=saved: run.step(0.3, kept, "likelihood"),
                    )  # fmt: skip
                )
                run.count(likelihood_evaluations=learnt[-1].evaluations)
            run.log(log_likelihood=sum(found.value for found in learnt))
            every = [candidate(solver, problem, lines, learnt, cut, before, c, run, saved) for cut in CUTS]
            best = max(every, key=lambda one: one.evidence)
            state = {**state, "round": int(state["round"]) + 1}
        assert best is not None
        solution = finished(solver, problem, run, lines, learnt, best)
        if solution is not None:
            return solution
        state = {"width": 2 * int(state["width"]), "round": 0}


def finished(
    solver: GpHm, problem: Problem, run: Run, lines: Lines, learnt: list[Learnt], best: Candidate
) -> Solution | None:
    """The solution, or None where wider windows may reach a smaller estimated error."""
    tensor, found, equation = best.tensor, best.found, lines.equation
    points = [axis.points() for axis in problem.grid.axes]
    mean = tensor.evaluate(found.c, *points)
    middle = [0.5 * (p[1:] + p[:-1]) for p in (axis.points(n) for axis, n in zip(lines.axes, lines.counts, strict=True))]
    at = {tensor.names[0]: middle[0][:, None], tensor.names[1]: middle[1][None, :]}
    values = [tensor.evaluate(found.c, *middle, orders) for orders in equation.orders]  # type: ignore[arg-type]
    held_out = rms(equation.residual(values, at))
    size = size_of_terms(equation.slopes(values, at), values, equation.residual([0 * v for v in values], at))
    n, area = tensor.weights.size, float(tensor.weights.sum())
    density = max(best.residual**2, held_out**2 * area) / max(n - tensor.unknowns, 1)
    operator, generator = found.operator, run.rng("posterior")
    if isinstance(operator, Galerkin):
        variance = operator.variance(*points, equation.constant, generator)
    else:
        variance = operator.variance(*points, generator)
    slope = [rms(tensor.evaluate(found.c, *points, orders)) for orders in ((1, 0), (0, 1))]
    rounding = EPS * (sum(max(abs(a.lower), abs(a.upper)) * s for a, s in zip(lines.axes, slope, strict=True)) + rms(mean))
    std = np.sqrt(density * variance + best.misfit**2 + rounding**2)
    estimate = rms(std) / max(rms(mean), 1e-300)
    if estimate > solver.tolerance and not lines.complete and may_widen(solver, lines.width):
        return None
    names = tensor.names
    return finish(
        solver, problem, run, mean, std, converged=found.converged, held_out=held_out / max(size, 1e-300),
        estimate=estimate, learnt=dict(zip(names, learnt, strict=True)),
        features=dict(zip(names, lines.features, strict=True)),
        cost={
            "noise": float(np.sqrt(density / area * n)), "unknowns": tensor.unknowns, "cut": best.cut,
            "matrix_products": found.inner, "boundary_misfit": best.misfit,
        },
    )  # fmt: skip
