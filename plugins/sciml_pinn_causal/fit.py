"""What the march over windows asks of an ansatz, and what it gets back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from sciml.numerics.fourier import FourierBasis


class Trajectory(Protocol):
    """The fitted network on its window."""

    def __call__(self, times: Tensor) -> Tensor:
        """Coefficients at absolute times: (times,) -> (times, fields, *basis.shape)."""
        ...


@dataclass(frozen=True)
class Fit:
    """One trained window.

    residual and held_out are the largest over time of the root-mean-square filtered residual relative to the
    solution's own size, on the collocation times and off them; the filter Tw/(1 + Tw|λ|)^p makes them estimates
    of the relative error that the window adds.
    """

    at: Trajectory
    residual: float
    held_out: float
    converged: bool  # the causal ladder is done
    weights: Tensor  # the last causal weights, (times,)
    iterations: int
    cost: dict[str, float] = field(default_factory=dict)
    stopped_at_goal: bool = False  # training ended because the residual was small enough: it could have been smaller
    memory: Tensor | None = None  # what the next window may start from
    head: float = float("nan")  # residual that an output layer reached by itself, before all weights were trained

    @property
    def worst(self) -> float:
        return max(self.residual, self.held_out)


class Ansatz(ABC):
    """A network for one window, on a given Fourier basis for its start and its output."""

    basis: FourierBasis
    tick: Callable[[], None] = staticmethod(lambda: None)  # called every iteration; raises Stopped when time is up

    @abstractmethod
    def fit(self, start: Tensor, t0: float, length: float, memory: Tensor | None = None) -> Fit:
        """Train on [t0, t0 + length] from `start`, (fields, *basis.shape), which is met exactly.

        memory: `Fit.memory` of the last accepted window, if any.
        """
