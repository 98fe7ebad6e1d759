"""What several seeds say about a number: a mean with its interval, or less, and which of them it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

FEW = 5  # values from which on a 95 % interval of the mean is stated
LEVEL = 0.975
WORDS = {
    "t": "mean over {} seeds and 95 % t-interval",
    "range": "median and range of {} seeds: too few for an interval",
    "members": "mean over {} members and 95 % t-interval, one seed",
    "one": "one run, no interval",
    "none": "not known",
}


@dataclass(frozen=True)
class Estimate:
    """kind: a key of WORDS. count: how many values it is made of."""

    value: float
    low: float
    high: float
    count: int
    kind: str

    @property
    def known(self) -> bool:
        return not math.isnan(self.value)

    @property
    def words(self) -> str:
        return WORDS[self.kind].format(self.count)

    def overlaps(self, other: Estimate, slack: float = 0.0) -> bool:
        """Whether the two cannot be told apart; slack: by how much either may be off beside its interval."""
        return self.low - slack <= other.high + slack and other.low - slack <= self.high + slack


UNKNOWN = Estimate(math.nan, math.nan, math.nan, 0, "none")


def over_seeds(values: Sequence[float]) -> Estimate:
    """Values that are not finite are left out; the caller counts them as failures."""
    known = sorted(v for v in values if math.isfinite(v))
    n = len(known)
    if n == 0:
        return UNKNOWN
    if n == 1:
        return Estimate(known[0], known[0], known[0], 1, "one")
    if n < FEW:
        middle = known[n // 2] if n % 2 else 0.5 * (known[n // 2 - 1] + known[n // 2])
        return Estimate(middle, known[0], known[-1], n, "range")
    mean = math.fsum(known) / n
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in known) / (n - 1))
    return _around(mean, deviation / math.sqrt(n), n, "t")


def over_members(mean: float, standard_error: float, count: int) -> Estimate:
    """Of one run on `count` members of a family."""
    if math.isnan(standard_error) or count < 2:
        return over_seeds([mean])
    return _around(mean, standard_error, count, "members")


def _around(mean: float, standard_error: float, count: int, kind: str) -> Estimate:
    from scipy.special import stdtrit

    half = float(stdtrit(count - 1, LEVEL)) * standard_error
    low = mean - half if mean < 0 else max(mean - half, 0.0)  # of errors, times and memory none is below 0
    return Estimate(mean, low, mean + half, count, kind)
