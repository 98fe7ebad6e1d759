"""Distances between long trajectories, against what they must be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sciml.metrics.attractors import BINS, SMOOTHING, spectral_distance, state_space_divergence


def normal(n: int, dim: int, shift: float = 0.0, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, dim)) + shift


@pytest.mark.parametrize("dim", [1, 3, 5])
def test_a_trajectory_is_no_distance_from_itself(dim):
    a = normal(2000, dim)
    assert abs(state_space_divergence(a, a)) < 1e-12 and spectral_distance(a, a) < 1e-7


def test_binned_divergence_is_the_formula():
    reference, value = np.linspace(0.0, 1.0, 31)[:-1, None] + 1 / 60, np.repeat([[0.01], [0.5]], 15, axis=0)
    edges = np.linspace(reference.min(), reference.max(), BINS + 1)
    p, q = ((np.histogram(a, edges)[0] + SMOOTHING) / (30 + SMOOTHING * BINS) for a in (reference, value))
    assert state_space_divergence(value, reference) == pytest.approx(float((p * np.log(p / q)).sum()), rel=1e-9)


def test_what_lies_outside_is_mass_lost():
    reference = normal(20_000, 2)
    half = np.where(np.arange(20_000)[:, None] % 2, normal(20_000, 2, seed=1), 100.0)
    floor = state_space_divergence(normal(20_000, 2, seed=1), reference)
    assert state_space_divergence(half, reference) > floor + 0.9 * math.log(2)


def test_divergence_of_two_normal_laws():
    """In one dimension ½ d² (Kullback and Leibler); of smoothed unit mixtures ½ d²/2, their variance being 2."""
    reference, value = normal(200_000, 1), normal(200_000, 1, 0.5, seed=1)
    assert state_space_divergence(value, reference) == pytest.approx(0.125, rel=0.1)
    reference, value = normal(20_000, 4), normal(20_000, 4, 0.5, seed=1)
    assert state_space_divergence(value, reference) == pytest.approx(0.25, abs=4 * np.sqrt(0.5 / 1000))


def test_spectral_distance_of_other_frequencies():
    t = np.arange(10_000) * 0.01
    slow, fast = np.sin(2 * np.pi * t)[:, None], np.sin(2 * np.pi * 5 * t)[:, None]
    assert spectral_distance(slow, fast) > 0.99
    assert spectral_distance(3 * slow + 1, slow) < 1e-6  # neither size nor mean counts
    assert spectral_distance(np.zeros_like(slow), slow) > 0.9


def test_what_is_not_finite_is_as_far_as_can_be():
    bad = np.full((100, 3), np.nan)
    assert state_space_divergence(bad, normal(100, 3)) == math.inf and spectral_distance(bad, normal(100, 3)) == 1.0
