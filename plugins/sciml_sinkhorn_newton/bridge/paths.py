"""Samples of the bridge as a process, without discretisation: an end from π(x1 | x0), then a Brownian bridge between.

Given both ends the process is that of the reference, a Brownian motion of variance eps per unit of time (Léonard, A
survey of the Schrödinger problem, 2014, prop. 2.3), so that times need no step size. `drift` is the same process as an
SDE, dX = drift dt + sqrt(eps) dW (Korotin, Gushchin & Burnaev, ICLR 2024, prop. 3.3): (E[x1 | X_t] - X_t)/(1 - t).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .potential import Potential


def sample(potential: Potential, start: Tensor, times: Tensor, generator: torch.Generator) -> Tensor:
    """start: (n, d); times: (T,) rising, within [0, 1] -> (T, n, d)."""
    end = potential.sample_end(start, generator)
    at, now, path = start, 0.0, []
    for time in times.tolist():
        if time > now:
            share = (time - now) / (1.0 - now)
            variance = potential.eps * (time - now) * (1.0 - time) / (1.0 - now)
            noise = torch.randn(at.shape, dtype=at.dtype, generator=generator)
            at = at + share * (end - at) + variance**0.5 * noise
            now = time
        path.append(at)
    return torch.stack(path)


def drift(potential: Potential, x: Tensor, t: float) -> Tensor:
    """x: (n, d), 0 <= t < 1 -> (n, d).

    From x at time t the end has the density exp(-|x1 - x|²/(2 eps (1-t))) exp(|x1|²/(2 eps)) v(x1) up to a factor: a
    mixture of Gaussians with precisions Q_k/eps, Q_k = S_k^-1 + t/(1-t).
    """
    eps, rate = potential.eps, t / (1.0 - t)
    factor = potential.factor()
    eye = torch.eye(x.shape[1], dtype=x.dtype)
    precision = torch.cholesky_inverse(factor)  # S^-1
    own = torch.einsum("kde,ke->kd", precision, potential.means)
    q = precision + rate * eye
    h = own[:, None] + x[None] / (1.0 - t)  # (K, n, d)
    means = torch.linalg.solve(q, h.transpose(1, 2)).transpose(1, 2)
    exponents = 0.5 * ((h * means).sum(-1) - (own * potential.means).sum(-1)[:, None]) / eps
    logs = potential.logits - potential.logs.sum(1) - 0.5 * torch.linalg.slogdet(q)[1]
    weights = torch.softmax(logs[:, None] + exponents, 0)
    velocity: Tensor = ((weights[:, :, None] * means).sum(0) - x) / (1.0 - t)
    return velocity
