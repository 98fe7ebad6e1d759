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
LENGTHS = (0.02, 2.0)  # in lengths of the axis; a longer one is the single harmonic that a long one is already
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


def learn(
    terms: Sequence[Evidence], features: Features, start: Mixture, iterations: int, tick: Callable[[], None]
) -> Learnt:
    """Maximise Σ log p(terms) over weights, lengths, frequencies and noises; `tick` is called at every evaluation."""
    q, scales = len(start.frequency), [term.scale for term in terms]
    noise_bounds = [(2 * np.log(LEAST_NOISE * s), 2 * np.log(s)) for s in scales]
    bounds = [
        *((w - 60, w + 30) for w in start.log_weight),
        *([tuple(np.log(LENGTHS))] * q),
        *((0.0, 0.0) if f == 0 else (max(0.0, f - 1), f + 1) for f in start.frequency),
        *noise_bounds,
    ]
    best: Learnt | None = None
    count = 0

    def counted(vector: Array) -> tuple[float, Array]:
        nonlocal count
        count += 1
        tick()
        return objective(terms, features, start, vector)

    for length, noise in STARTS:
        lengths = np.full(q, np.log(length))
        first = np.concatenate(
            [replace(start, log_length=lengths).vector, [2 * np.log(noise * scale) for scale in scales]]
        )
        found = minimize(
            counted, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": iterations, "maxcor": 20}
        )
        if best is None or -found.fun > best.value:
            mixture = start.with_vector(found.x[: 3 * q])
            best = Learnt(mixture, found.x[3 * q :], -float(found.fun), 0)
    assert best is not None
    return replace(best, evaluations=count)
