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
    operator: Galerkin | Squares
    converged: bool
    inner: int  # matrix-vector products


def newton(tensor: Tensor, c: Array, most: int, progress: Progress) -> Found:
    converged, inner = False, 0
    for k in range(most):
        values = tensor.derivatives(c)
        slopes = tensor.equation.slopes(values, tensor.at)
        operator: Galerkin | Squares
        if elliptic(tensor, slopes):
            operator = Galerkin(tensor, slopes)
            step = operator.step(tensor.equation.residual(values, tensor.at))
            inner += operator.iterations
        else:
            operator = Squares(tensor, c)
            step = operator.step(c)
        size = merit(tensor, operator, c)
        share = 1.0
        while (after := merit(tensor, operator, c + share * step)) > size and share > 1e-3:
            share /= 2
        if after < size:
            c = c + share * step
        progress.log(gauss_newton_residual=min(size, after))
        progress.steps += 1
        progress.tick(f"Gauss–Newton {k + 1}: {after:.1e}, {tensor.unknowns} unknowns")
        length, whole = float(np.linalg.norm(step)), float(np.linalg.norm(c))
        if length <= SAME * whole or after > 0.5 * size:
            converged = length <= SETTLED * whole
            break
    return Found(c, operator, converged, inner)


def merit(tensor: Tensor, operator: Galerkin | Squares, c: Array) -> float:
    """What a step must reduce: the residual in units of u, or its L2 norm."""
    if isinstance(operator, Galerkin):
        return operator.merit(tensor.equation.residual(tensor.derivatives(c), tensor.at))
    return float(np.linalg.norm(operator.residual(c)))
