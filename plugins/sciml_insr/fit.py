"""Least squares in the weights: Levenberg–Marquardt with geodesic acceleration, or Adam as published.

A network that has to follow a small change of its function needs a far move along nearly flat directions of its
weights, where the second order matters: Transtrum & Sethna (arXiv 1201.5885) add the step's own curvature,
δ -> δ - ½ (JᵀJ + μ)⁻¹ Jᵀ f''[δ, δ].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

FIRST, LEAST, MOST = 1e-9, 1e-15, 1e3  # damping, relative to the mean of the diagonal of JᵀJ
TRIALS, PROBE = 10, 0.1
CURVED = 1.5  # an acceleration larger than so many steps is not believed
STALLED = 0.6


@dataclass(frozen=True)
class Goal:
    """error: norm of the residual at which to stop; patience: iterations in a row that may gain less than 40 %;
    tick: called once an iteration."""

    error: float
    iterations: int
    patience: int = 2
    tick: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Fitted:
    theta: Tensor
    error: float
    iterations: int


Residual = Callable[[Tensor], Tensor]
Jacobian = Callable[[Tensor], Tensor]


def levenberg(residual: Residual, jacobian: Jacobian, theta: Tensor, goal: Goal, damping: float = FIRST) -> Fitted:
    """min |residual(θ)|². Stops at the goal, at the limit of iterations, or where nothing is gained."""
    with torch.no_grad():
        r = residual(theta)
        best, stalled, iterations = float(r.norm()), 0, 0
        while best > goal.error and iterations < goal.iterations and stalled < goal.patience:
            goal.tick()
            iterations += 1
            matrix, before = jacobian(theta), best
            gram, slope = matrix.T @ matrix, matrix.T @ r
            size = float(gram.diagonal().mean())
            for _ in range(TRIALS):
                factor, failed = torch.linalg.cholesky_ex(gram + damping * size * torch.eye(len(slope)))
                if int(failed):
                    damping *= 10
                    continue
                step = _solved(factor, slope)
                probe = residual(theta - PROBE * step)
                curvature = 2 / PROBE * ((probe - r) / PROBE + matrix @ step)
                bend = 0.5 * _solved(factor, matrix.T @ curvature)
                if not float(bend.norm()) < 0.5 * CURVED * float(step.norm()):
                    bend = torch.zeros_like(step)
                moved = theta - step - bend
                tried = residual(moved)
                found = float(tried.norm())
                if found < best:
                    promised = float(step @ slope) + damping * size * float(step @ step)
                    trust = (best**2 - found**2) / max(promised, 1e-300)
                    theta, r, best = moved, tried, found
                    damping = max(damping * max(0.1, 1 - (2 * trust - 1) ** 3), LEAST)
                    break
                damping *= 10
                if damping > MOST:
                    break
            stalled = stalled + 1 if best > STALLED * before else 0
            if best == before:
                break
    return Fitted(theta, best, iterations)


def _solved(factor: Tensor, right: Tensor) -> Tensor:
    return torch.cholesky_solve(right[:, None], factor)[:, 0]


RATE, LOWEST, WAIT = 1e-4, 1.1e-8, 500


def adam(residual: Residual, theta: Tensor, goal: Goal) -> Fitted:
    """Adam at 1e-4, a tenth of it whenever the loss stands still for 500 iterations, down to 1.1e-8 (Chen et al.,
    ICML 2023, appendix). `iterations` limits it."""
    weights = theta.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([weights], lr=RATE)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.1, patience=WAIT)
    best, found, iterations = float("inf"), theta, 0
    while iterations < goal.iterations:
        if iterations % 50 == 0:
            goal.tick()
        optimiser.zero_grad()
        loss = residual(weights).square().sum()
        value = float(loss.detach()) ** 0.5
        if value < best:
            best, found = value, weights.detach().clone()
        if best <= goal.error or optimiser.param_groups[0]["lr"] <= LOWEST:
            break
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        plateau.step(float(loss.detach()))
        iterations += 1
    return Fitted(found, best, iterations)
