"""The recurrence as a torch module."""

from __future__ import annotations

import math

import torch
from torch import nn

from .recurrence import Forced, Weights


class Plrnn(nn.Module):
    """Shallow piecewise-linear recurrent network of M variables and L hinges; M + 2 M L + L + M parameters, float64."""

    alpha: torch.Tensor

    def __init__(self, size: int, units: int, clipped: bool) -> None:
        super().__init__()
        self.clipped = clipped
        wide = {"dtype": torch.float64}
        self.a = nn.Parameter(torch.full((size,), 0.98, **wide))
        self.w1 = nn.Parameter(torch.randn(size, units, **wide) * 0.02 / math.sqrt(units))
        self.w2 = nn.Parameter(torch.randn(units, size, **wide))
        self.h1 = nn.Parameter(torch.zeros(size, **wide))
        self.register_buffer("alpha", torch.ones((), **wide))  # the forcing of the last step
        self.h2 = nn.Parameter(torch.empty(units, **wide).uniform_(-2.0, 2.0))

    def forward(self, data: torch.Tensor, alpha: float) -> torch.Tensor:
        """States (T, B, M) forced by data (T + 1, B, M)."""
        found: torch.Tensor = Forced.apply(self.a, self.w1, self.w2, self.h1, self.h2, data, alpha, self.clipped)
        return found

    def weights(self) -> Weights:
        """For numpy."""
        return Weights(*(p.detach().numpy() for p in (self.a, self.w1, self.w2, self.h1, self.h2)), self.clipped)
