"""Fitting a bridge to samples: minimise E log c(x0) - E log v(x1), the Kullback-Leibler divergence from the true
bridge up to a constant (Korotin, Gushchin & Burnaev, ICLR 2024, prop. 3.1), over all samples at once by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sciml.errors import RunFailed, UsageError
from sciml.numerics.transport.task import points, rate_of

from .potential import Potential

Array = NDArray[np.float64]
MOMENTS = 20  # pairs that L-BFGS keeps


def objective(
    potential: Potential, start: Tensor, end: Tensor, weights: tuple[Tensor, Tensor] | None = None
) -> Tensor:  # fmt: skip
    """L from samples start: (n, d) of the first and end: (m, d) of the second distribution, of equal weight unless
    weights, (n,) and (m,), of sum 1, are given."""
    if weights is None:
        return potential.log_c(start).mean() - potential.log_v(end).mean()
    return weights[0] @ potential.log_c(start) - weights[1] @ potential.log_v(end)


def fit(
    start: Array, end: Array, eps: float, components: int = 10, rounds: int = 40, iterations: int = 20,
    tolerance: float = 1e-9, seed: int = 0, report: Callable[[float, int], None] = lambda loss, done: None,
    weights: tuple[Array, Array] | None = None,
) -> Potential:  # fmt: skip
    """weights: of the samples, each of sum 1; equal by default. Centres begin at random samples of the end. A round is
    `iterations` of L-BFGS; it stops where one gains less than the tolerance. report(loss, rounds done): called after
    each; may raise."""
    rate_of(eps)
    x0, x1 = (torch.as_tensor(points(a, name)) for a, name in ((start, "start"), (end, "end")))
    if x0.shape[1] != x1.shape[1]:
        raise UsageError(f"start has {x0.shape[1]} coordinates, end has {x1.shape[1]}; they must have as many.")
    if not 1 <= components <= len(x1):
        raise UsageError(f"components must be from 1 to the number of end points, {len(x1)}, not {components}.")
    pair = weights or (np.full(len(x0), 1.0 / len(x0)), np.full(len(x1), 1.0 / len(x1)))
    shares = torch.as_tensor(pair[0]), torch.as_tensor(pair[1])
    chosen = torch.multinomial(shares[1], components, generator=torch.Generator().manual_seed(seed))
    a, b = shares[0] @ x0, shares[1] @ x1
    x0, x1 = x0 - a, x1 - b  # else means and covariances would be hard to tell apart
    shift, spread = float(a @ b) / eps, float((shares[1] @ x1**2).mean()) / eps
    potential = Potential.at(x1[chosen], min(1.0, spread), eps)
    for parameter in potential.parameters():
        parameter.requires_grad_(True)
    optimiser = torch.optim.LBFGS(
        potential.parameters(), max_iter=iterations, history_size=MOMENTS, tolerance_grad=1e-12,
        tolerance_change=0.0, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = objective(potential, x0, x1, shares)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    before = float("inf")
    for done in range(1, rounds + 1):
        optimiser.step(closure)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            loss = float(objective(potential, x0, x1, shares)) + shift
        if not np.isfinite(loss):
            raise RunFailed("the bridge's objective is no longer finite; take a larger eps or fewer components.")
        report(loss, done)
        if before - loss < tolerance:
            break
        before = loss
    for parameter in potential.parameters():
        parameter.requires_grad_(False)
    return potential.shifted(a, b)
