"""Values at the wanted points, and an honest word on the residual at points no fit has seen."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .residual import BallEquation, Samples

FRESH, PART = 500, 100
ROUNDING = 1e-13  # a relative residual that is nothing else

# Samples -> N, x·∇N and ΔN, (n,) each
Parts = Callable[[Samples], tuple[Tensor, Tensor, Tensor]]


def fresh_residual(equation: BallEquation, parts: Parts, run: Run) -> float:
    """Root mean square of the residual over the source's, at fresh points, Laplacians exact."""
    rng = run.rng("fresh points")
    found, source = [], []
    for _ in range(FRESH // PART):
        at = equation.draw(rng, PART)
        value, radial, laplacian = parts(at)
        found.append(equation.residual(at, at.h * value, equation.laplacian(at, value, radial, laplacian)))
        source.append(equation.residual(at, torch.zeros_like(at.h), torch.zeros_like(at.h)))
    return float(torch.cat(found).norm() / (torch.cat(source).norm() or 1.0))


def report(
    problem: Problem, equation: BallEquation, parts: Parts, run: Run, beaten: float, beaten_by: str, **cost: float
) -> Solution:
    """The solution; INACCURATE where the residual did not come below `beaten`, that of `beaten_by`, nor to rounding."""
    left = fresh_residual(equation, parts, run)
    values = []
    for part in torch.split(torch.from_numpy(equation.ball.points), PART):
        at = equation.at(part)
        values.append(at.h * parts(at)[0])
    better = left < beaten or left < ROUNDING
    message = f"residual {left:.1e} of the source's at fresh points; {beaten_by} leaves {beaten:.1e}"
    if not better:
        message += ", so nothing was gained"
    run.step(1.0)
    return Solution(
        {equation.field: torch.cat(values).numpy()[None]}, Status.OK if better else Status.INACCURATE,
        cost=cost | {"residual": left}, message=message,
    )  # fmt: skip
