"""What is minimised in a window, whatever minimises it: the mean of w_i L_i(θ), L_i the mean square residual over
space at collocation time i, relative to the solution's size, filtered as `fit.Fit` says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..causal import Ladder


class Objective(ABC):
    """θ is a flat vector of real unknowns."""

    @abstractmethod
    def losses(self, theta: Tensor) -> Tensor:
        """L_i, (times,), differentiable by θ."""

    def loss(self, theta: Tensor, weights: Tensor) -> tuple[float, Tensor, Tensor]:
        """Mean of w_i L_i, its gradient, and the losses."""
        theta = theta.detach().requires_grad_()
        losses = self.losses(theta)
        value = (weights * losses).mean()
        (gradient,) = torch.autograd.grad(value, theta)
        return float(value.detach()), gradient, losses.detach()


class LeastSquares(Objective):
    """Also knows its residuals, whose squares add up to the losses, and their derivatives."""

    head: int  # how many of the unknowns, the last ones, are the output layer's

    @abstractmethod
    def residual(self, theta: Tensor) -> Tensor:
        """(fields, times, points)."""

    @abstractmethod
    def jacobian(self, theta: Tensor, head: bool = False) -> tuple[Tensor, Tensor]:
        """The residual and its derivative, (fields times points, unknowns); `head`: by the output layer alone."""

    def losses(self, theta: Tensor) -> Tensor:
        return squares(self.residual(theta))


def squares(residual: Tensor) -> Tensor:
    """(fields, times, points) -> (times,)."""
    total: Tensor = residual.square().sum((0, 2))
    return total


@dataclass
class Trained:
    """Where a minimiser ended. evaluations: of all residuals, with or without derivatives; head: the worst residual
    that the output layer reached by itself, if it was trained first."""

    theta: Tensor
    losses: Tensor
    weights: Tensor
    done: bool  # at the top of the ladder
    iterations: int
    evaluations: int
    head: float = float("nan")

    @property
    def worst(self) -> float:
        return float(self.losses.max().sqrt())


@dataclass(frozen=True)
class Goal:
    """When training may stop: at the top of the ladder, with every root-mean-square residual below `residual`."""

    residual: float
    iterations: int
    tick: Callable[[], None] = lambda: None  # called every iteration

    def reached(self, ladder: Ladder, losses: Tensor) -> bool:
        return ladder.climb(losses) and float(losses.max().sqrt()) < self.residual


Trainer = Callable[[Objective, Tensor, Ladder, Goal], Trained]
