"""Learning to denoise, and predicting by it (Lippe et al. 2023, algorithms 1 and 2, in v-form).

A level k mixes the target y with noise: ỹ_k = s_k y + n_k ε with s_k = √ᾱ_k, n_k = √(1 - ᾱ_k). The network answers v
= s_k ε - n_k y, from which ŷ = s_k ỹ_k - n_k v. At k = K nothing of y is left (s_K = 0, v = -y): the network is
handed a zero candidate there, as in the paper (the noise its released code passes says nothing), and predicts
plainly.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from .schedule import Schedule

Denoiser = Callable[[Tensor, int], Tensor]  # (candidate, k) -> v


class Refinement:
    """The levels' numbers as tensors of one precision, and the two directions."""

    def __init__(self, schedule: Schedule, device: str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.schedule, self.steps = schedule, schedule.steps
        self.signal = torch.tensor(schedule.signal, dtype=dtype, device=device)
        self.noise = torch.tensor(schedule.noise, dtype=dtype, device=device)
        self.times = torch.tensor(schedule.times(), dtype=dtype, device=device)

    def draw(self, rng: np.random.Generator, size: int) -> Tensor:
        """Levels for training, (size,) whole numbers."""
        return torch.from_numpy(rng.integers(self.steps + 1, size=size))

    def numbers(self, level: Tensor) -> Tensor:
        """What the network reads of a level."""
        return self.times[level]

    def weight(self, level: Tensor) -> Tensor | None:
        """Of a sample's squared error of v; None: all alike."""
        return None

    def noised(self, y: Tensor, level: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Candidate and target v of a sample at its level. y, noise: (B, C, *grid); level: (B,) whole numbers."""
        view = (-1, *[1] * (y.dim() - 1))
        s, n = self.signal[level].reshape(view), self.noise[level].reshape(view)
        candidate = torch.where((level < self.steps).reshape(view), s * y + n * noise, 0.0)
        return candidate, s * noise - n * y

    def sample(self, denoise: Denoiser, zero: Tensor, generator: torch.Generator | None) -> Tensor:
        """y of the shape of `zero` by K + 1 calls of the network: ancestral sampling (Ho et al. 2020, eq. 6 and 7)

            y_(k-1) = [√ᾱ_(k-1) β_k ŷ + √α_k (1 - ᾱ_(k-1)) y_k] / (1 - ᾱ_k) + √(β_k (1 - ᾱ_(k-1)) / (1 - ᾱ_k)) ξ

        whose first step, at k = K where α_K = 0 and ᾱ_K = 0, only adds noise to the plain prediction.
        """
        candidate = zero
        variances, log_signal = self.schedule.variances, self.schedule.log_signal
        for k in range(self.steps, -1, -1):
            v = denoise(candidate, k)
            clean = self.signal[k] * candidate - self.noise[k] * v
            if k == 0:
                return clean
            before, left = -math.expm1(log_signal[k - 1]), -math.expm1(log_signal[k])
            of_clean = math.exp(0.5 * log_signal[k - 1]) * variances[k] / left
            of_candidate = math.sqrt(max(0.0, 1 - variances[k])) * before / left
            fresh = torch.randn(zero.shape, generator=generator, dtype=zero.dtype).to(zero.device)
            candidate = of_clean * clean + of_candidate * candidate + math.sqrt(variances[k] * before / left) * fresh
        raise AssertionError("the last level returns")
