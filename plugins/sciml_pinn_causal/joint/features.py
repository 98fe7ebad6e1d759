"""Frozen random features of (t, x): a tanh layer over window time and a periodic embedding of space.

φ_f(τ, x) = tanh(a_f τ + Σ_m (α_fm cos mωx + β_fm sin mωx)/m + b_f), τ in [0, 1], ω = 2π/L, m = 1..M. Periodic
in x to every order by construction (Dong & Ni, https://arxiv.org/abs/2007.07442). Derivatives in x come from
the Taylor recurrence of y' = (1 - y²) s': exact at any order, without automatic differentiation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Features:
    """`rate`, `bias`: (features,). `cosine`, `sine`: (modes, features), the 1/m already in them."""

    rate: Tensor
    bias: Tensor
    cosine: Tensor
    sine: Tensor
    omega: float

    @classmethod
    def draw(
        cls, rng: np.random.Generator, count: int, modes: int, slope: float, roughness: float, omega: float
    ) -> Features:
        """`slope`: standard deviation of the rate in window time; `roughness`: of α and β."""
        scale = roughness / np.arange(1.0, modes + 1)[:, None]
        rate = slope * rng.standard_normal(count)
        cosine, sine = scale * rng.standard_normal((2, modes, count))
        # the centre of the ramp falls inside the window, wherever on the circle the embedding takes it
        bias = rng.standard_normal(count) - 0.5 * rate
        tensor = torch.as_tensor
        return cls(tensor(rate), tensor(bias), tensor(cosine), tensor(sine), omega)

    def phase(self, x: Tensor, order: int) -> list[Tensor]:
        """∂_x^d / d! of Σ_m (α cos mωx + β sin mωx)/m for d = 0..order, each (x, features)."""
        kappa = self.omega * torch.arange(1, len(self.cosine) + 1, dtype=x.dtype)
        angle = x[:, None] * kappa
        result, scale = [], torch.ones_like(kappa)
        for d in range(order + 1):
            turned = angle + 0.5 * torch.pi * d  # each derivative is a quarter turn
            result.append((scale * turned.cos()) @ self.cosine + (scale * turned.sin()) @ self.sine)
            scale = scale * kappa / (d + 1)
        return result

    def jet(self, tau: Tensor, x: Tensor, order: int) -> tuple[Tensor, list[Tensor]]:
        """φ_τ, (τ, x, features), and [φ, φ_x, φ_xx, …] up to `order`, each (τ, x, features)."""
        s = self.phase(x, order)
        y = [torch.tanh(tau[:, None, None] * self.rate + (s[0] + self.bias))]
        q = [1 - y[0] * y[0]]  # Taylor coefficients of 1 - y²
        for d in range(order):
            total = (d + 1) * s[d + 1] * q[0]
            for j in range(1, d + 1):
                total += (d + 1 - j) * s[d + 1 - j] * q[j]
            y.append(total / (d + 1))
            if d + 1 < order:
                q.append(-sum((y[j] * y[d + 1 - j] for j in range(1, d + 2)), start=y[0] * y[d + 1]))
        factorial = 1.0
        for d in range(2, order + 1):
            factorial *= d
            y[d] *= factorial
        return self.rate * q[0], y
