"""Noise levels k = 0 … K of a refinement (Lippe et al. 2023, arXiv 2308.05732).

β_k = v^((K-k)/K) is a variance, from v at k = 0 to 1 at k = K, and ᾱ_k = ∏_(i<=k) (1 - β_i), so that ᾱ_K = 0: at the
last level nothing of the signal is left. The released code calls v `min_noise_std`; it is a variance there too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sciml.errors import UsageError


@dataclass(frozen=True)
class Schedule:
    """variances: β_0 … β_K, ascending, the last one 1. All numbers here are Python floats, in double precision."""

    variances: tuple[float, ...]

    def __post_init__(self) -> None:
        values = self.variances
        if not values or values[-1] != 1.0 or not all(0 < a < b for a, b in pairwise(values)):
            raise UsageError("pde-refiner: the variances of the noise must ascend strictly from above 0 to 1.")

    @classmethod
    def geometric(cls, steps: int, least: float) -> Schedule:
        """K = `steps` refinements, β_0 = `least`; with K = 0 the one level β = 1, plain prediction."""
        return cls((*(least ** ((steps - k) / steps) for k in range(steps)), 1.0))

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Explicit variances, separated by spaces or commas."""
        try:
            return cls(tuple(float(word) for word in text.replace(",", " ").split()))
        except ValueError:
            raise UsageError(f"pde-refiner: the variances {text!r} are not a list of numbers.") from None

    @property
    def steps(self) -> int:
        """K."""
        return len(self.variances) - 1

    @property
    def log_signal(self) -> list[float]:
        """log ᾱ_k; -inf at k = K. Sums of log1p: ᾱ_0 = 1 - 4e-7 keeps its digits."""
        total, result = 0.0, []
        for variance in self.variances:
            total += math.log1p(-variance) if variance < 1 else -math.inf
            result.append(total)
        return result

    @property
    def signal(self) -> list[float]:
        """√ᾱ_k: share of the clean signal in level k."""
        return [math.exp(0.5 * value) for value in self.log_signal]

    @property
    def noise(self) -> list[float]:
        """√(1 - ᾱ_k): share of the noise in level k."""
        return [math.sqrt(-math.expm1(value)) for value in self.log_signal]

    def times(self) -> Sequence[float]:
        """The number embedded for each level: 1000 k/K, and 1000 for the one level of K = 0."""
        return [1000.0 * k / self.steps for k in range(self.steps + 1)] if self.steps else [1000.0]


BIAS = 1.05  # how much larger a candidate's deviation may be in use than in training


def hiding(error: float) -> float:
    """The least variance of noise beside which a mean squared error of the candidate goes unnoticed.

    A level is trained on y + noise of variance β and used on a prediction with an error of its own, whose deviation is
    then √(β + error): at most `BIAS` times √β where β >= error / (BIAS² - 1). Finer levels are used on what they were
    not trained for (the bound of 1.05 on that bias is from bias-constrained schedules, arXiv 2604.08357; the estimate
    from a validation error is ours).
    """
    return min(error / (BIAS**2 - 1), 1.0)
