"""u = h Σ w_j φ_j with given functions φ_j: the weights by Gauss–Newton on the residual at random points.

The normal equations are summed over blocks of points, scaled to unit diagonal, and refined once with the residual;
a ridge of 1e-14 keeps their Cholesky factor alive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciml.errors import RunFailed

from .residual import BallEquation, Samples

BLOCK, RIDGE = 1_000_000, 1e-14  # features of a block of points; relative to the largest diagonal entry
MOST_ITERATIONS, SETTLED, HALVINGS = 30, 1e-10, 8

# x (n, d) -> φ, x·∇φ and Δφ, each (n, functions)
Features = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]


@dataclass(frozen=True)
class Fit:
    weights: Tensor  # (functions,)
    iterations: int
    size: float  # root mean square of F(0, 0, x) on the fit's points


def fit(
    equation: BallEquation, features: Features, count: int, points: np.ndarray, tick: Callable[[int, float], None]
) -> Fit:
    """Gauss–Newton from u = 0 with step halving; one iteration where the equation is linear.

    tick(iteration, share of it) is called after every block.
    """
    rows = max(1, BLOCK // max(count, equation.dimension))
    blocks = [equation.at(part) for part in np.array_split(points, -(-len(points) // rows))]
    weights = torch.zeros(count, dtype=torch.float64)
    size = start = float(torch.cat([_residual(equation, b, features, weights) for b in blocks]).square().mean().sqrt())
    for iteration in range(1, MOST_ITERATIONS + 1):
        gram, right = torch.zeros(count, count, dtype=torch.float64), torch.zeros(count, dtype=torch.float64)
        for i, block in enumerate(blocks):
            jacobian, residual = _linearised(equation, block, features, weights)
            gram.addmm_(jacobian.T, jacobian)
            right -= jacobian.T @ residual
            tick(iteration, (i + 1) / len(blocks))
        step = _solve(gram, right)
        factor, reached = 1.0, np.inf
        for _ in range(HALVINGS):
            reached = _size(equation, blocks, features, weights + factor * step)
            if reached <= size:
                break
            factor /= 2
        if not reached <= size:
            break  # no better than before: rounding, or nowhere to go
        weights = weights + factor * step
        settled = size - reached <= SETTLED * start
        size = reached
        if settled:
            break
    if not torch.isfinite(weights).all():
        raise RunFailed("the least-squares fit ended in numbers that are not finite.")
    return Fit(weights, iteration, start or 1.0)


def evaluate(features: Features, weights: Tensor, at: Samples) -> tuple[Tensor, Tensor, Tensor]:
    """N, x·∇N and ΔN, (n,)."""
    value, radial, laplacian = features(at.x)
    return value @ weights, radial @ weights, laplacian @ weights


def _residual(equation: BallEquation, at: Samples, features: Features, weights: Tensor) -> Tensor:
    parts = evaluate(features, weights, at)
    return equation.residual(at, at.h * parts[0], equation.laplacian(at, *parts))


def _size(equation: BallEquation, blocks: list[Samples], features: Features, weights: Tensor) -> float:
    return float(torch.cat([_residual(equation, b, features, weights) for b in blocks]).square().mean().sqrt())


def _linearised(
    equation: BallEquation, at: Samples, features: Features, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Jacobian (n, functions) and residual (n,)."""
    value, radial, laplacian = features(at.x)
    u = at.h * (value @ weights)
    of_u = equation.laplacian(at, value @ weights, radial @ weights, laplacian @ weights)
    by_u, by_laplacian = equation.slopes(at, u, of_u)
    square = equation.radius**2
    jacobian = (by_u * at.h - 2 * equation.dimension / square * by_laplacian)[:, None] * value
    jacobian.addcmul_((-4 / square * by_laplacian)[:, None], radial)
    jacobian.addcmul_((by_laplacian * at.h)[:, None], laplacian)
    return jacobian, equation.residual(at, u, of_u)


def _solve(gram: Tensor, right: Tensor) -> Tensor:
    scale = gram.diagonal().sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    normal = gram / scale[:, None] / scale
    damped = normal.clone()
    damped.diagonal().add_(RIDGE * len(gram))
    factor, info = torch.linalg.cholesky_ex(damped)
    if int(info) != 0:
        raise RunFailed("the least-squares fit is singular; give it more points.")
    target = (right / scale)[:, None]
    found = torch.cholesky_solve(target, factor)
    found = found + torch.cholesky_solve(target - normal @ found, factor)
    return found[:, 0] / scale
