"""How much forcing keeps gradients from exploding (Hess et al. 2023, section 4.3, in our own form).

Through T steps of (1 − α) J they grow as (1 − α)^T ‖J_T … J_1‖, which is 1 where

    α = 1 − ‖J_T … J_1‖^(−1/T),

taken over the sequence of a batch that asks for most. Training starts at α = 1, where every step is a prediction of one
step; α then follows that value slowly when it falls, and at once when it rises.
"""

from __future__ import annotations

import numpy as np

from sciml.problem import Array

from .recurrence import Weights, states_from

SLOWLY = 0.99  # share of the old value where it falls


def needed(weights: Weights, data: Array, alpha: float) -> float:
    """α for data (T + 1, B, M), along states that are forced by `alpha`."""
    inputs = states_from(weights, data, alpha)
    if not np.isfinite(inputs).all():
        return 1.0
    jacobians = weights.jacobians(inputs)  # (T, B, M, M)
    product = np.broadcast_to(np.eye(data.shape[2]), jacobians.shape[1:]).copy()
    log = np.zeros(data.shape[1])
    for factor in jacobians:
        product = factor @ product
        size = np.linalg.norm(product, axis=(1, 2))
        size = np.where(size > 0, size, 1.0)
        product /= size[:, None, None]
        log += np.log(size)
    log += np.log(np.maximum(np.linalg.norm(product, ord=2, axis=(1, 2)), 1e-300))
    return float(np.clip(1.0 - np.exp(-log.max() / len(jacobians)), 0.0, 1.0))


def annealed(weights: Weights, data: Array, alpha: float) -> float:
    """The next α."""
    target = needed(weights, data, alpha)
    return target if target > alpha else SLOWLY * alpha + (1.0 - SLOWLY) * target
