"""Hyper-parameters by maximum marginal likelihood, with its analytic gradient. Nothing else chooses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from sciml.problem import Array

from .evidence import Evaluation, Evidence
from .features import Features
from .kernel import Mixture

LEAST_NOISE = 1e-15  # relative to the data: the rounding of double precision
SHORTEST = 0.02  # length scale, in lengths of the axis; the longest is the period: a longer one is one harmonic too
STARTS = ((0.5, 1e-4), (0.1, 1e-8))  # (length, relative noise) to start from; the likelihood decides


@dataclass(frozen=True)
class Learnt:
    mixture: Mixture
    log_noise: Array  # log σ² of every set of data
    value: float  # log marginal likelihood
    evaluations: int


def evaluate(terms: Sequence[Evidence], features: Features, learnt: Learnt) -> list[Evaluation]:
    log_variance = learnt.mixture.log_variance(features.harmonics, features.period)[0][features.pairs()]
    return [term.evaluate(log_variance, noise) for term, noise in zip(terms, learnt.log_noise, strict=True)]


def objective(
    terms: Sequence[Evidence], features: Features, mixture: Mixture, vector: Array
) -> tuple[float, Array]:
    """-log p and its gradient by (mixture.vector, log σ² of every term)."""
    noise = vector[-len(terms) :]
    log_variance, slopes = mixture.with_vector(vector[: -len(terms)]).log_variance(features.harmonics, features.period)
    pairs, value = features.pairs(), 0.0
    by_variance, by_noise = np.zeros(len(log_variance)), np.zeros(len(terms))
    for i, term in enumerate(terms):
        found = term.evaluate(log_variance[pairs], float(noise[i]))
        value -= found.value
        by_variance -= np.bincount(pairs, found.by_log_variance, minlength=len(log_variance))
        by_noise[i] = -found.by_log_noise
    return value, np.concatenate([slopes.T @ by_variance, by_noise])


def cold(terms: Sequence[Evidence], base: Mixture) -> list[Array]:
    """Starting points without knowledge: a long and a short length, noise far and near."""
    starts = []
    for length, noise in STARTS:
        lengths = np.full(len(base.frequency), np.log(length))
        noises = [2 * np.log(noise * term.scale) for term in terms]
        starts.append(np.concatenate([replace(base, log_length=lengths).vector, noises]))
    return starts


def warm(before: Learnt) -> Array:
    return np.concatenate([before.mixture.vector, before.log_noise])


def learn(
    terms: Sequence[Evidence], features: Features, base: Mixture, starts: Sequence[Array], iterations: int,
    tick: Callable[[], None],
) -> Learnt:  # fmt: skip
    """Maximise Σ log p(terms) over weights, lengths, frequencies and noises; the best of all starts.

    base: where the bounds are centred; a frequency moves by at most one cycle, that of zero not at all.
    """
    q = len(base.frequency)
    bounds = [
        *((w - 60, w + 30) for w in base.log_weight),
        *([(np.log(SHORTEST), np.log(features.period))] * q),
        *((0.0, 0.0) if f == 0 else (max(0.0, f - 1), f + 1) for f in base.frequency),
        *((2 * np.log(LEAST_NOISE * term.scale), 2 * np.log(term.scale)) for term in terms),
    ]
    count, tried = 0, []

    def counted(vector: Array) -> tuple[float, Array]:
        nonlocal count
        count += 1
        tick()
        return objective(terms, features, base, vector)

    for start in starts:
        inside = np.clip(start, [low for low, _ in bounds], [high for _, high in bounds])
        options = {"maxiter": iterations, "maxcor": 20}
        tried.append(minimize(counted, inside, jac=True, method="L-BFGS-B", bounds=bounds, options=options))
    best = min(tried, key=lambda found: float(found.fun))
    return Learnt(base.with_vector(best.x[: 3 * q]), best.x[3 * q :], -float(best.fun), count)
