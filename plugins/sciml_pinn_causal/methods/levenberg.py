"""Gauss–Newton: first the output layer, in which the network is linear, then all weights at once.

The second stage is damped (Levenberg 1944, Marquardt 1963; gain control after Nielsen, IMM-REP-1999-05): a step
minimises |J δ - r|² + μ|D δ|² with the causal weights in J and r. With more weights than residuals the step lies
in the range of D⁻²Jᵀ, which makes the smaller system: the natural-gradient step of a wide network.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..causal import Ladder
from .objective import Goal, LeastSquares, Objective, Trained, squares

RIDGE = 1e-14  # of the output layer's least squares, relative to the matrix: its columns are nearly dependent
HEAD_STEPS, HEAD_STALLED = 8, 0.7
FIRST, LEAST = 1e-5, 1e-12  # damping, relative to columns of unit length
TRIALS = 12
FORGET = 0.7  # column scales may shrink by this factor an iteration: early Jacobians say little about late ones
FLOOR = 1e-6  # of the largest column's scale
STALLED, PATIENCE = 0.9, 3


def train(objective: Objective, theta: Tensor, ladder: Ladder, goal: Goal) -> Trained:
    """Until the goal is reached, nothing is gained any more, or the iterations are spent. All weights are trained
    for one iteration at least."""
    assert isinstance(objective, LeastSquares)
    # from zero: what an earlier window left in nearly dependent directions would only cost digits
    theta = torch.cat([theta[: -objective.head], theta.new_zeros(objective.head)])
    theta, head_steps, head = train_head(objective, theta, ladder, goal)
    residual, jacobian = objective.jacobian(theta)
    losses = squares(residual)
    scales, damping = jacobian.new_zeros(jacobian.shape[1]), FIRST
    iteration, evaluations, since, best = 0, head_steps + 1, 0, math.inf
    while iteration < goal.iterations:
        reached, weights = goal.reached(ladder, losses), ladder.weights(losses)
        worst = float(losses.max().sqrt())
        since, best = (0, worst) if worst < STALLED * best else (since + 1, best)
        if (reached and iteration) or since >= PATIENCE or not math.isfinite(worst):
            break
        goal.tick()
        iteration += 1
        row = weights.sqrt()[None, :, None].expand_as(residual).reshape(-1)
        right, matrix = row * residual.reshape(-1), row[:, None] * jacobian
        scales = torch.maximum(FORGET * scales, matrix.norm(dim=0))
        scales = scales.clamp_min(FLOOR * float(scales.max()))
        system = _System(matrix / scales, right)
        before, growth, step = float(right @ right), 2.0, None
        for _ in range(TRIALS):
            step = system.solve(damping)
            if step is not None:
                evaluations += 1
                with torch.no_grad():
                    tried = objective.residual(theta - step / scales)
                after = float((weights * squares(tried)).sum())
                if after < before:
                    gain = (before - after) / max(system.predicted(step), 1e-300)
                    damping = max(LEAST, damping * max(0.1, 1 - (2 * gain - 1) ** 3))
                    break
            damping, growth, step = damping * growth, 2 * growth, None
        if step is None:
            break
        theta = theta - step / scales
        residual, jacobian = objective.jacobian(theta)
        losses = squares(residual)
    done = ladder.climb(losses)
    return Trained(theta, losses, ladder.weights(losses), done, head_steps + iteration, evaluations + iteration, head)


def train_head(objective: LeastSquares, theta: Tensor, ladder: Ladder, goal: Goal) -> tuple[Tensor, int, float]:
    """Undamped Gauss–Newton on the output layer alone: θ, the steps taken, the worst residual left."""
    count, worst = objective.head, math.inf
    for step in range(HEAD_STEPS + 1):
        residual, jacobian = objective.jacobian(theta, head=True)
        losses = squares(residual)
        reached, previous, worst = goal.reached(ladder, losses), worst, float(losses.max().sqrt())
        if step == HEAD_STEPS or reached or not worst < HEAD_STALLED * previous:
            break
        row = ladder.weights(losses).sqrt()[None, :, None].expand_as(residual).reshape(-1, 1)
        right = row * residual.reshape(-1, 1)
        change = least_squares(row * jacobian, right)[:, 0]
        theta = torch.cat([theta[:-count], theta[-count:] - change])
    return theta, step, worst


def least_squares(matrix: Tensor, right: Tensor) -> Tensor:
    """By QR with a ridge. (torch's pivoted `gelsy` starts from uninitialised pivots: other bytes every time.)"""
    ridge = RIDGE * matrix.norm() * torch.eye(matrix.shape[1], dtype=matrix.dtype)
    orthogonal, upper = torch.linalg.qr(torch.cat([matrix, ridge]))
    solution: Tensor = torch.linalg.solve_triangular(upper, orthogonal[: len(matrix)].T @ right, upper=True)
    return solution


class _System:
    """The normal equations of one linearisation, in weights or in residuals, whichever are fewer; damping keeps
    them far from where squaring the condition number would hurt."""

    def __init__(self, matrix: Tensor, right: Tensor) -> None:
        self.matrix, self.right = matrix, right
        self.wide = matrix.shape[1] > matrix.shape[0]
        self.normal = matrix @ matrix.T if self.wide else matrix.T @ matrix
        self.side = right if self.wide else matrix.T @ right

    def solve(self, damping: float) -> Tensor | None:
        """None if the damped system is not positive definite in rounding."""
        damped = self.normal.clone()
        damped.diagonal().add_(damping)
        factor, info = torch.linalg.cholesky_ex(damped)
        if int(info):
            return None
        solution: Tensor = torch.cholesky_solve(self.side[:, None], factor)[:, 0]
        return self.matrix.T @ solution if self.wide else solution

    def predicted(self, step: Tensor) -> float:
        """Decrease of the squared residual that the linearisation promises."""
        image = self.matrix @ step
        return float(image @ (2 * self.right - image))
