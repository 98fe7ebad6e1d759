"""Noise of every variance between a least one and 1, for one network, and prediction on any grid of such levels.

A level is its variance σ²; the candidate √(1 - σ²) y + σ ε and the target v are those of `refining`, whose published
levels these are with σ² = 1 - ᾱ_k. The network reads 1000 (1 - log σ² / log v), which is 1000 k/K on the geometric grid
from v to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .networks import LEVELS
from .refining import Denoiser

PLAIN = 0.25  # share of the samples at variance 1, plain prediction, as at the four published levels


class Continuum:
    """Variances from `least` to 1. `grid`: those that a prediction visits, ascending to 1."""

    def __init__(
        self, least: float, grid: Sequence[float], device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.least, self.steps = least, len(grid) - 1
        levels = torch.tensor(grid, dtype=dtype, device=device)
        self.signal, self.noise = (1 - levels).sqrt(), levels.sqrt()
        self.times = self.numbers(levels)

    def draw(self, rng: np.random.Generator, size: int) -> Tensor:
        """Variances for training, (size,) float32: log-uniform, but for a share at exactly 1."""
        drawn = np.exp(rng.uniform(math.log(self.least), 0.0, size))
        return torch.from_numpy(np.where(rng.random(size) < PLAIN, 1.0, drawn).astype(np.float32))

    def numbers(self, variance: Tensor) -> Tensor:
        """What the network reads of a level, in [0, 1000]."""
        return LEVELS * (1 - variance.log() / math.log(self.least))

    def weight(self, variance: Tensor) -> Tensor:
        """σ, of a sample's squared error of v, which is 1/σ² of that of y: half way between the two. With either alone
        one end of the levels has nearly all of the loss; so all have about the same (measured, see the docs)."""
        return variance.sqrt()

    def noised(self, y: Tensor, variance: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Candidate and target v. y, noise: (B, C, *grid); variance: (B,). At variance 1 the candidate is zero."""
        variance = variance.reshape(-1, *[1] * (y.dim() - 1))
        s, n = (1 - variance).sqrt(), variance.sqrt()
        return torch.where(variance < 1, s * y + n * noise, 0.0), s * noise - n * y

    def sample(self, denoise: Denoiser, zero: Tensor, generator: torch.Generator | None) -> Tensor:
        """y of the shape of `zero` by K + 1 calls of the network: y_(k-1) = √(1 - σ²_(k-1)) ŷ_k + σ_(k-1) ξ.

        The noise is fresh at every level, as in the paper's algorithm 2: that is the candidate the grid was chosen by
        (`choosing`), and it is one of the right variance on any grid. The ancestral sampling of the released code
        would keep a share α_k (1 - ᾱ_(k-1)) / (1 - ᾱ_k) of the old noise, which the last estimate's error depends on.
        """
        candidate = zero
        for k in range(self.steps, -1, -1):
            clean = self.signal[k] * candidate - self.noise[k] * denoise(candidate, k)
            if k == 0:
                return clean
            fresh = torch.randn(zero.shape, generator=generator, dtype=zero.dtype).to(zero.device)
            candidate = self.signal[k - 1] * clean + self.noise[k - 1] * fresh
        raise AssertionError("the last level returns")
