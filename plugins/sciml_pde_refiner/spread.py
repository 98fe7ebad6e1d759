"""Factors that make the spread of several rollouts cover what it says, fitted to validation data.

The standard deviation of M samples is multiplied by c(M) f(t): c is what a normal law asks for so few samples
(`few_samples`), f what the model's own law is too narrow by, t after the start: one number, or one at each of a few
lead times where that holds measurably better on members that were not fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sciml.metrics.calibration import NORMAL_95, coverage, few_samples, inflation
from sciml.problem import Array

WINDOW = 1.5  # a lead time's factor is fitted to all from 1/WINDOW of it to WINDOW times it
BETTER = 0.8  # share of one factor's deviation from 95 % that factors by lead time must come below


@dataclass(frozen=True)
class Spread:
    """lead: times since the start, ascending; factor: f there; one of each means that f does not depend on time.

    samples, members: what it was fitted to. before, after: coverage on validation members, the latter of factors
    fitted to the other half of them.
    """

    lead: list[float]
    factor: list[float]
    samples: int
    members: int
    before: float
    after: float

    def describe(self) -> dict[str, Any]:
        return asdict(self)

    def metrics(self) -> dict[str, float]:
        return {"coverage": self.before, "coverage calibrated": self.after}

    def at(self, lead: Array, samples: int) -> Array:
        """c(M) f at times since the start, of the shape of `lead`; constant beyond the ends of those fitted."""
        place = np.log(np.maximum(lead, self.lead[0]))
        return few_samples(samples) * np.asarray(np.interp(place, np.log(self.lead), self.factor))


def fit(lead: Array, mean: Array, std: Array, truth: Array, samples: int) -> Spread:
    """lead: (T,), above 0; mean, std, truth: (members >= 2, T, points), of rollouts with `samples` samples each."""
    halves = [np.arange(len(mean)) % 2 == side for side in (0, 1)]
    kinds: dict[str, list[Array]] = {"one": [], "by lead": []}
    for fitted, tried in (halves, halves[::-1]):
        for kind, covered in kinds.items():
            places, factors = _factors(kind, lead, mean[fitted], std[fitted], truth[fitted])
            scaled = std[tried] * np.interp(np.log(lead), np.log(places), factors)[:, None]
            inside = np.abs(mean[tried] - truth[tried]) <= NORMAL_95 * scaled
            covered.append(inside.mean((0, 2)))
    apart = {kind: float(np.mean([abs(c - 0.95).mean() for c in covered])) for kind, covered in kinds.items()}
    kind = "by lead" if apart["by lead"] < BETTER * apart["one"] else "one"
    places, factors = _factors(kind, lead, mean, std, truth)
    return Spread(
        [float(p) for p in places], [f / few_samples(samples) for f in factors], samples, len(mean),
        coverage(mean, std, truth), float(np.mean(kinds[kind])),
    )  # fmt: skip


def _factors(kind: str, lead: Array, mean: Array, std: Array, truth: Array) -> tuple[Sequence[float], list[float]]:
    """Lead times and the whole factor there."""
    if kind == "one":
        return [float(lead[0])], [inflation(mean, std, truth)]
    count = 1 + int(np.ceil(np.log(lead[-1] / lead[0]) / np.log(WINDOW)))
    places = np.geomspace(lead[0], lead[-1], count)
    factors = []
    for place in places:
        near = np.abs(np.log(lead / place)) <= np.log(WINDOW) * (1 + 1e-9)
        factors.append(inflation(mean[:, near], std[:, near], truth[:, near]))
    return [float(p) for p in places], factors
