"""An ansatz whose network in (t, x) has all its weights trained.

A window starts from the weights of the one before it; the first from `origin`, with a zero output layer, so that the
first least-squares step is that of the features it starts with.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from sciml.numerics.fourier import FourierBasis
from sciml.problem import Problem

from .. import collocation
from ..causal import Ladder
from ..fit import Ansatz, Fit
from ..methods.objective import Goal, LeastSquares, Trainer
from .network import TrainedNetwork
from .points import NetworkPoints

HELD_OUT = 7  # times, the ends of the window among them
TIMES = 8
STOP = 0.5  # share of the tolerance at which training stops


@dataclass(frozen=True)
class Settings:
    """Zeros mean: derived from the modes of the basis. width: hidden units; slope: theirs in time, a window."""

    tolerance: float
    train: Trainer
    causal: bool = True
    filter_power: float = 0.5
    iterations: int = 10
    width: int = 0
    times: int = 0
    slope: float = 0.25


@dataclass
class NetworkObjective(LeastSquares):
    """Residuals relative to the solution's size `scale`; `filters` as in `NetworkPoints`."""

    points: NetworkPoints
    at_start: Tensor
    t0: float
    length: float
    filters: Tensor
    scale: float

    unit: float = field(init=False)

    def __post_init__(self) -> None:
        self.head = self.points.network.head
        self.unit = 1 / (self.scale * self.points.size**0.5)

    def residual(self, theta: Tensor) -> Tensor:
        return self.points.residual(theta, self.at_start, self.t0, self.length, self.filters) * self.unit

    def jacobian(self, theta: Tensor, head: bool = False) -> tuple[Tensor, Tensor]:
        residual, jacobian = self.points.jacobian(theta, self.at_start, self.t0, self.length, self.filters, head)
        return self.unit * residual, self.unit * jacobian


class TrainedAnsatz(Ansatz):
    """`network` reads the embedding of so many `modes`; see the module."""

    def __init__(
        self, problem: Problem, basis: FourierBasis, settings: Settings, network: TrainedNetwork, modes: int
    ) -> None:
        self.basis, self.settings, self.network = basis, settings, network
        times = settings.times or TIMES
        nodes = 0.5 - 0.5 * np.cos(np.pi * (np.arange(times) + 0.5) / times)
        size = 3 * basis.modes[0] + 2
        size += size % 2
        between = torch.linspace(0, 1, HELD_OUT, dtype=torch.float64)
        self.points = self._points(problem, modes, torch.as_tensor(nodes), size)
        self.checks = self._points(problem, modes, between, 3 * size // 4 * 2)

    def _points(self, problem: Problem, modes: int, tau: Tensor, size: int) -> NetworkPoints:
        symbols = collocation.decay(problem, self.basis, size)
        return NetworkPoints(self.network, problem.equation.strong, self.basis, modes, tau, size, symbols)

    @abstractmethod
    def origin(self) -> Tensor:
        """The weights that the first window starts from, its output layer zero."""

    def objective(self, points: NetworkPoints, start: Tensor, t0: float, length: float) -> NetworkObjective:
        scale = float((self.basis.weights * start.abs() ** 2).sum().sqrt()) or 1.0
        filters = points.filters(length, self.settings.filter_power)
        return NetworkObjective(points, points.start_atoms(start), t0, length, filters, scale)

    def ladder(self) -> Ladder:
        return Ladder.for_tolerance(self.settings.tolerance, len(self.points.tau), self.settings.causal, 1.0)

    def _scaled(self, theta: Tensor, factor: float) -> Tensor:
        """N is the change over a window: what the next one starts from is kept per unit of time."""
        count = self.network.head
        return torch.cat([theta[:-count], factor * theta[-count:]])

    def fit(self, start: Tensor, t0: float, length: float, memory: Tensor | None = None) -> Fit:
        """See `fit.Ansatz`."""
        settings = self.settings
        if memory is None or len(memory) != self.network.count:
            memory = self.origin()
        origin = self._scaled(memory, length)
        goal = Goal(STOP * settings.tolerance, settings.iterations, self.tick)
        trained = settings.train(self.objective(self.points, start, t0, length), origin, self.ladder(), goal)
        theta = trained.theta
        with torch.no_grad():
            off = float(self.objective(self.checks, start, t0, length).losses(theta).max().sqrt())

        def at(times: Tensor) -> Tensor:
            with torch.no_grad():
                change = self.points.change(theta, (times - t0) / length)
            return start + self.basis.from_grid(change)

        return Fit(
            at=at, residual=trained.worst, held_out=off, converged=trained.done, weights=trained.weights,
            iterations=trained.iterations, cost={"residual_evaluations": trained.evaluations},
            stopped_at_goal=trained.worst < goal.residual, memory=self._scaled(theta, 1 / length), head=trained.head,
        )  # fmt: skip
