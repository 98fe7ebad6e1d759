"""Directions whose second derivatives estimate the Laplacian without bias (Shi et al. 2024, section 4).

Axes e_k drawn without replacement: E[(d/V) Σ_k ∂_kk N] = ΔN, as every axis is in the sample with probability V/d.
Normal vectors: E[(1/V) Σ v·∇∇N v] = tr ∇∇N, as E[v vᵀ] = 1.
An unbiased estimate of the *squared* residual needs two independent estimates of ΔN: E[r₁ r₂] = E[r₁] E[r₂], where
E[r₁²] would add the estimate's variance, and training would then flatten N instead of solving the equation.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .jets import Directions
from .solver import Stde

ALL = Directions(None, None, 1, 1.0)  # the exact Laplacian


def draw(solver: Stde, rng: np.random.Generator, count: int, dimension: int) -> Directions:
    """New directions for each of `count` points: two independent estimates, or one that is exact."""
    if solver.estimator == "exact":
        return ALL
    samples = solver.samples
    if solver.directions == "gaussian":
        vectors = torch.from_numpy(rng.standard_normal((count, 2 * samples, dimension)))
        return Directions(None, vectors, 2, 1 / samples)
    axes = torch.from_numpy(_without_replacement(rng, 2 * count, samples, dimension)).reshape(count, 2 * samples)
    return Directions(axes, None, 2, dimension / samples)


def _without_replacement(rng: np.random.Generator, rows: int, samples: int, dimension: int) -> np.ndarray:
    """(rows, samples): in each row different numbers below `dimension`, every such set equally likely."""
    keys = rng.random((rows, dimension))
    return np.argpartition(keys, samples - 1, axis=1)[:, :samples]


def loss(residuals: Tensor) -> Tensor:
    """Mean of r₁ r₂, or of r² where there is one exact residual. residuals: (n, estimates)."""
    return (residuals[:, 0] * residuals[:, -1]).mean()
