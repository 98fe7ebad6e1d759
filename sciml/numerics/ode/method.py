"""What a one-step method is to the march that uses it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from .state import Field, State


@dataclass(frozen=True)
class Tolerance:
    """An error is measured in units of absolute + relative·|y|, component by component."""

    relative: float = 1e-6
    absolute: float = 1e-6

    def scale(self, y: State, later: State) -> State:
        return tuple(
            self.absolute + self.relative * torch.maximum(a.abs(), b.abs()) for a, b in zip(y, later, strict=True)
        )


@dataclass(frozen=True)
class Step:
    """One step of every sample. error: (samples,), to be at most 1. rate: the field at its end. kept: what dense
    output needs."""

    end: State
    rate: State
    error: Tensor
    kept: tuple[State, ...]


class Method(ABC):
    """order: of the solution. error_order: the local error that is controlled behaves as h^error_order.
    evaluations: of the field in a step whose first rate is known. jacobians: the same of its derivative."""

    name: str
    order: int
    error_order: int
    evaluations: int
    jacobians: int = 0
    dense_order: int
    dense_evaluations: int = 0
    explicit: bool = True

    @abstractmethod
    def step(self, field: Field, t: Tensor, h: Tensor, y: State, rate: State, tolerance: Tolerance) -> Step:
        """From y at t, where the field is `rate`, over h (samples,)."""

    def advance(
        self, field: Field, t: Tensor, h: Tensor, y: State, rate: State
    ) -> tuple[State, State, tuple[State, ...]]:
        """End, rate and what is kept of a step whose error nobody asks for."""
        step = self.step(field, t, h, y, rate, Tolerance())
        return step.end, step.rate, step.kept

    @abstractmethod
    def between(
        self, field: Field, t: Tensor, h: Tensor, y: State, end: State, kept: tuple[State, ...], theta: Tensor
    ) -> State:
        """Dense output at t + θh, θ (samples,) in [0, 1]."""

    def stiffness(self, y: State, h: Tensor, kept: tuple[State, ...]) -> Tensor | None:
        """(samples,): |h λ| of the stiffest eigenvalue over what the method bears, where it can tell."""
        return None
