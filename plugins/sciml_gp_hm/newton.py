"""Damped Gauss–Newton on the coefficients of a plane; for a linear equation it is iterative refinement."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sciml.problem import Array

from .galerkin import Galerkin, elliptic
from .progress import Progress
from .squares import Squares
from .tensor import Tensor

SAME = 1e-14  # a step this small, relative, is rounding
SETTLED = 1e-7  # a merit that falls no more is convergence below this size relative to u, a local minimum above


@dataclass(frozen=True)
class Found:
    c: Array
    converged: bool
    inner: int  # matrix-vector products
    residuals: Array  # the merit after every step


def linearise(tensor: Tensor, c: Array) -> Galerkin | Squares:
    """The linearised equation at an iterate, with the solver that suits it."""
    slopes = tensor.equation.slopes(tensor.derivatives(c), tensor.at)
    return Galerkin(tensor, slopes) if elliptic(tensor, slopes) else Squares(tensor, c)


def newton(tensor: Tensor, c: Array, most: int, progress: Progress, name: str) -> Found:
    """From C to where the residual falls no more; remembered under `name`, so that it survives an interruption."""
    key = f"newton, {name}"
    if key not in progress.known:
        found = _iterate(tensor, c, most, progress)
        head = [float(found.converged), float(found.inner), float(len(found.residuals))]
        progress.known[key] = np.concatenate([head, found.residuals, found.c.ravel()])
    stored = progress.known[key]
    count = int(stored[2])
    residuals, block = stored[3 : 3 + count], stored[3 + count :].reshape(c.shape)
    for residual in residuals:
        progress.log(gauss_newton_residual=float(residual))
    progress.steps += count
    return Found(block, bool(stored[0]), int(stored[1]), residuals)


def _iterate(tensor: Tensor, c: Array, most: int, progress: Progress) -> Found:
    converged, inner = False, 0
    residuals: list[float] = []
    for k in range(most):
        operator = linearise(tensor, c)
        if isinstance(operator, Galerkin):
            step = operator.step(tensor.equation.residual(tensor.derivatives(c), tensor.at))
            inner += operator.iterations
        else:
            step = operator.step(c)
        size = merit(tensor, operator, c)
        share = 1.0
        while (after := merit(tensor, operator, c + share * step)) > size and share > 1e-3:
            share /= 2
        if after < size:
            c = c + share * step
        residuals.append(min(size, after))
        progress.tick(f"Gauss–Newton {k + 1}: {after:.1e}, {tensor.unknowns} unknowns")
        length, whole = float(np.linalg.norm(step)), float(np.linalg.norm(c))
        if length <= SAME * whole or after > 0.5 * size:
            converged = length <= SETTLED * whole
            break
    return Found(c, converged, inner, np.array(residuals))


def merit(tensor: Tensor, operator: Galerkin | Squares, c: Array) -> float:
    """What a step must reduce: the residual in units of u, or its L2 norm."""
    if isinstance(operator, Galerkin):
        return operator.merit(tensor.equation.residual(tensor.derivatives(c), tensor.at))
    return float(np.linalg.norm(operator.residual(c)))
