"""Which noise levels a trained denoiser is to visit, by its errors on validation data.

After bias-constrained schedules (arXiv 2604.08357). A level is trained on truth + noise and used on estimate + noise;
what the estimate's error adds to the error of the answer is the level's bias, and noise hides it the better the more
there is. From an estimate the next level is the least variance at which the answer's error is at most `bias` times
what it would be from the truth (published: 1.05). The grid ends where a level no longer improves the answer. Our
reading of the published bound; the search is ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from .schedule import BIAS

GAIN = 0.98  # a level must bring the error below this times what it was
Clean = Callable[[Tensor, float], Tensor]  # (candidate, variance) -> estimate of y, all of one shape


def choose(
    truth: Tensor, clean: Clean, least: float, most: int, generator: torch.Generator, halvings: int = 8,
    bias: float = BIAS,
) -> list[float]:  # fmt: skip
    """Variances, ascending to 1, at most `most` below 1. truth: y of all validation samples.

    A level is found by bisection in log σ² between `least` and the level before, in `halvings` evaluations.
    """
    found = [1.0]
    estimate = clean(torch.zeros_like(truth), 1.0)
    error = _size(estimate - truth)
    while len(found) <= most:
        noise = torch.randn(truth.shape, generator=generator, dtype=truth.dtype).to(truth.device)

        def after(start: Tensor, variance: float, noise: Tensor = noise) -> Tensor:
            return clean(math.sqrt(1 - variance) * start + math.sqrt(variance) * noise, variance)

        def hidden(variance: float, estimate: Tensor = estimate) -> Tensor | None:
            """The answer from the estimate, if its error is within the bound; the same noise for both candidates."""
            answer = after(estimate, variance)
            allowed = bias * _size(after(truth, variance) - truth)
            return answer if _size(answer - truth) <= allowed else None

        level, answer = least, hidden(least)
        if answer is None:
            low, high = math.log(least), math.log(found[0])
            for _ in range(halvings):
                middle = 0.5 * (low + high)
                tried = hidden(math.exp(middle))
                if tried is None:
                    low = middle
                else:
                    high, answer, level = middle, tried, math.exp(middle)
        if answer is None or level >= found[0] or _size(answer - truth) >= GAIN * error:
            return found
        found.insert(0, level)
        estimate, error = answer, _size(answer - truth)
    return found


def _size(error: Tensor) -> float:
    """Root mean square."""
    return float(error.square().mean().sqrt())
