"""Posterior means at several cuts of the principal functions; the evidence chooses one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sciml.problem import Problem

from .basis import build
from .learning import Learnt
from .lines import Lines
from .newton import Found, newton
from .pointwise import rms, size_of_terms
from .progress import Progress
from .reporting import EPS
from .squares import TooManyUnknowns
from .tensor import Tensor

if TYPE_CHECKING:
    from .solver import GpHm

CUTS = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12)  # of singular values, relative to the largest


@dataclass(frozen=True)
class Candidate:
    """The posterior mean at one cut of the principal functions, and its evidence."""

    cut: float
    learnt: dict[int, Learnt]
    tensor: Tensor
    found: Found
    residual: float  # L2 norm at the nodes
    misfit: float  # of the boundary data, rms
    evidence: float
    spread: float = 0.0  # rms distance to the next best candidate


def candidate(
    solver: GpHm, problem: Problem, lines: Lines, learnt: dict[int, Learnt], cut: float, before: Candidate | None,
    progress: Progress, name: str,
) -> Candidate:  # fmt: skip
    equation = lines.equation
    x, y = (build(lines.features[a], learnt[a].mixture, lines.counts[a], cut) for a in (0, 1))
    tensor = Tensor(problem, equation, x, y)
    start, nodes = tensor.boundary, (x.nodes, y.nodes)
    if before is not None:
        known = before.tensor.evaluate(before.found.c, nodes) - tensor.evaluate(start, nodes)
        start = start + tensor.inside(tensor.project(known))
    found = newton(tensor, start, solver.newton, progress, f"{name}, cut {cut:g}")
    residual = tensor.norm(equation.residual(tensor.derivatives(found.c), tensor.at))
    misfit = tensor.misfit(found.c)
    size = rms(tensor.evaluate(found.c, nodes))
    n, edge = len(x.nodes) * len(y.nodes), 2 * (len(x.nodes) + len(y.nodes))
    scale = size_of_terms(
        equation.slopes(tensor.derivatives(found.c), tensor.at), tensor.derivatives(found.c), np.zeros(1)
    )
    # noise variances at their maximum of the likelihood, and Schwarz's log n / 2 for every unknown
    evidence = -n * np.log(max(residual, EPS * scale)) - edge * np.log(max(misfit, EPS * size))
    evidence -= 0.5 * tensor.unknowns * np.log(n)
    return Candidate(cut, learnt, tensor, found, residual, misfit, float(evidence))


def best_candidate(
    solver: GpHm, problem: Problem, lines: Lines, learnt: dict[int, Learnt], before: Candidate | None,
    progress: Progress, name: str,
) -> Candidate:  # fmt: skip
    """The cut of largest evidence; the search ends when evidence has fallen twice or rows would not fit."""
    best: Candidate | None = None
    every: list[Candidate] = []
    fallen = 0
    for cut in CUTS:
        try:
            found = candidate(solver, problem, lines, learnt, cut, before, progress, name)
        except TooManyUnknowns:
            if best is None:
                raise
            break
        every.append(found)
        if best is None or found.evidence > best.evidence:
            best, fallen = found, 0
        else:
            fallen += 1
        if fallen == 2:
            break
    assert best is not None
    others = [one for one in every if one is not best and one.tensor.unknowns != best.tensor.unknowns]
    if not others:
        return best
    rival, nodes = max(others, key=lambda one: one.evidence), (best.tensor.x.nodes, best.tensor.y.nodes)
    means = [one.tensor.evaluate(one.found.c, nodes) for one in (best, rival)]
    return replace(best, spread=rms(means[0] - means[1]))
