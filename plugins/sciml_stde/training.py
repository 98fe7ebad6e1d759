"""`stde`: Adam on sampled residuals, then least squares for what the network is linear in.

u = U h N with h = 1 - |x|²/R²; U is the source's size over 2d/R², so that N is of order one. The network's constant
starts at the one-parameter fit, so what is learned is what k h does not have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.ball import draw_points
from sciml.errors import RunFailed
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .estimator import ALL, draw, loss
from .jets import Network, hidden, jet
from .least_squares import evaluate, fit
from .linear import FEWEST, constant, number_of_points, radial
from .reporting import fresh_residual, report
from .residual import BallEquation, Samples
from .solver import Stde

BETAS, TINY = (0.9, 0.999), 1e-8
LOG_EVERY, TRAINING_SHARE = 100, 0.9
POLISH_EACH, POLISH_FEWEST = 10, 10_000


@dataclass
class Adam:
    """theta (size,) with its two running means."""

    theta: Tensor
    mean: Tensor
    square: Tensor
    step: int = 0

    def advance(self, gradient: Tensor, rate: float) -> None:
        self.step += 1
        self.mean.lerp_(gradient, 1 - BETAS[0])
        self.square.lerp_(gradient.square(), 1 - BETAS[1])
        mean = self.mean / (1 - BETAS[0] ** self.step)
        square = self.square / (1 - BETAS[1] ** self.step)
        self.theta = self.theta - rate * mean / (square.sqrt() + TINY)

    def state(self) -> dict[str, Any]:
        arrays = {"theta": self.theta, "mean": self.mean, "square": self.square}
        return {key: value.numpy() for key, value in arrays.items()} | {"step": self.step}


class Trainer:
    """One run of the solver."""

    def __init__(self, solver: Stde, problem: Problem, run: Run) -> None:
        self.solver, self.run = solver, run
        self.equation = BallEquation(problem)
        self.one = radial(self.equation, FEWEST, run)
        self.network = Network(self.equation.dimension, solver.width, solver.depth)
        self.scale = self.one.size * self.equation.radius**2 / (2 * self.equation.dimension)  # U

    def start(self) -> Adam:
        state = self.run.restore()
        if state is not None:
            theta, mean, square = (torch.from_numpy(state[key]) for key in ("theta", "mean", "square"))
            return Adam(theta, mean, square, int(state["step"]))
        theta = self.network.initial(self.run.torch_generator("weights"), self.equation.radius)
        theta[-1] = self.one.weights[0] / self.scale
        return Adam(theta, torch.zeros_like(theta), torch.zeros_like(theta))

    def train(self, adam: Adam) -> None:
        steps = self.solver.steps
        while adam.step < steps:
            value, gradient = self.gradient(adam.theta, adam.step)
            if not np.isfinite(value):
                raise RunFailed(f"stde: the loss is not finite after {adam.step} steps; lower the rate.")
            if adam.step % LOG_EVERY == 0:
                self.run.log(loss=value)
            adam.advance(gradient, self.solver.rate * (1 - adam.step / steps))
            self.run.step(TRAINING_SHARE * adam.step / steps, adam.state, f"step {adam.step}, loss {value:.1e}")

    def gradient(self, theta: Tensor, step: int) -> tuple[float, Tensor]:
        """Loss, relative to the source's square, and its gradient at this step's points and directions."""
        rng = self.run.rng(f"step {step}")
        at = self.equation.draw(rng, self.solver.batch)
        along = draw(self.solver, rng, self.solver.batch, self.equation.dimension)
        theta = theta.detach().requires_grad_()
        value, outward, second = (self.scale * part for part in jet(self.network, theta, at.x, along))
        residuals = [
            self.equation.residual(at, at.h * value, self.equation.laplacian(at, value, outward, estimate))
            for estimate in second.unbind(1)
        ]
        goal = loss(torch.stack(residuals, 1)) / self.one.size**2
        (gradient,) = torch.autograd.grad(goal, theta)
        return float(goal.detach()), gradient

    def exact(self, theta: Tensor, at: Samples) -> tuple[Tensor, Tensor, Tensor]:
        """N, x·∇N, ΔN with u = h N, Laplacian exact. (n,) each."""
        value, outward, second = jet(self.network, theta, at.x, ALL)
        return self.scale * value, self.scale * outward, self.scale * second[:, 0]

    def functions(self, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What N is linear in: last hidden layer, coordinates, their squares, 1; with x·∇ and Δ. (n, outer) each."""
        h, outward, second = hidden(self.network, self.network.unpack(theta), x, ALL)
        one, none = torch.ones(len(x), 1, dtype=x.dtype), torch.zeros(len(x), 1, dtype=x.dtype)
        square, flat = x.square(), torch.zeros_like(x)
        columns = [h, x, square, one], [outward, x, 2 * square, none], [second[:, 0], flat, flat + 2, none]
        value, radials, laplacians = (self.scale * torch.cat(c, 1) for c in columns)
        return value, radials, laplacians

    def polished(self, theta: Tensor) -> Tensor:
        """theta with its outer weights by Gauss–Newton; as it was where that leaves a larger residual."""
        outer = self.network.outer
        count = number_of_points(self.solver.points, outer, POLISH_EACH, POLISH_FEWEST)
        drawn = draw_points(self.run.rng("polish"), count, self.equation.dimension, self.equation.radius)

        def tick(iteration: int, share: float) -> None:
            done = TRAINING_SHARE + (1 - TRAINING_SHARE) * 0.9 * (1 - 0.5 ** (iteration - 1 + share))
            self.run.step(done, None, f"least squares, iteration {iteration}")

        found = fit(self.equation, lambda x: self.functions(theta, x), outer, drawn, tick)
        return torch.cat([theta[:-outer], found.weights])


def solve(solver: Stde, problem: Problem, run: Run) -> Solution:
    trainer = Trainer(solver, problem, run)
    adam = trainer.start()
    with run.phase("training"):
        trainer.train(adam)
    theta, equation = adam.theta, trainer.equation
    trained = fresh_residual(equation, lambda at: trainer.exact(theta, at), run)
    cost = {"weights": float(len(theta)), "steps": float(adam.step), "residual_trained": trained}
    if solver.polish:
        with run.phase("polish"):
            candidate = trainer.polished(theta)
        if fresh_residual(equation, lambda at: trainer.exact(candidate, at), run) < trained:
            theta = candidate
    left = fresh_residual(equation, lambda at: evaluate(constant, trainer.one.weights, at), run)
    return report(problem, equation, lambda at: trainer.exact(theta, at), run, left, "k(1 - |x|²/R²)", **cost)
