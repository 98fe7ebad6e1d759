"""The recurrence as a torch module."""

from __future__ import annotations

import math

import torch
from torch import nn

from .recurrence import Forced, Weights, plain

F64 = torch.float64


class Plrnn(nn.Module):
    """Shallow piecewise-linear recurrent network of M variables and L hinges; 2 M L + L + 2 M parameters, float64."""

    alpha: torch.Tensor

    def __init__(self, size: int, units: int, clipped: bool) -> None:
        super().__init__()
        self.clipped = clipped
        self.a = nn.Parameter(torch.full((size,), 0.98, dtype=F64))
        self.w1 = nn.Parameter(torch.randn(size, units, dtype=F64) * 0.02 / math.sqrt(units))
        self.w2 = nn.Parameter(torch.randn(units, size, dtype=F64))
        self.h1 = nn.Parameter(torch.zeros(size, dtype=F64))
        self.register_buffer("alpha", torch.ones((), dtype=F64))  # the forcing of the last step
        self.h2 = nn.Parameter(torch.empty(units, dtype=F64).uniform_(-2.0, 2.0))

    def forward(self, data: torch.Tensor, alpha: float) -> torch.Tensor:
        """States (T, B, M) forced by data (T + 1, B, M)."""
        found: torch.Tensor = Forced.apply(  # type: ignore[no-untyped-call]
            self.a, self.w1, self.w2, self.h1, self.h2, data, alpha, self.clipped
        )
        return found

    def weights(self) -> Weights:
        """For numpy."""
        return Weights(*plain(self.a, self.w1, self.w2, self.h1, self.h2), clipped=self.clipped)
