"""Correlation times, spectra and the price of training, by their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from sciml.metrics.breakeven import breakeven
from sciml.metrics.correlation import correlation, first_crossing, mean_and_error
from sciml.metrics.spectrum import energy_spectrum, shell_spectrum


def test_correlation_of_shifted_waves_is_the_cosine_of_the_shift():
    x = 2 * np.pi * np.arange(32) / 32
    shifts = np.linspace(0, np.pi, 7)
    a, b = np.sin(x)[None].repeat(7, 0), 3 + 2 * np.sin(x + shifts[:, None])
    np.testing.assert_allclose(correlation(b, a), np.cos(shifts), atol=1e-14)


def test_correlation_where_a_field_is_constant():
    flat, wave = np.ones((1, 8)), np.sin(np.arange(8.0))[None]
    assert correlation(flat, wave)[0] == 0.0 and correlation(flat, 2 * flat)[0] == 1.0


def test_the_first_fall_counts_and_later_recovery_does_not():
    times = np.array([0.0, 0.8, 1.6, 2.4])
    series = np.array([[1.0, 0.9, 0.7, 0.95], [1.0, 1.0, 1.0, 1.0], [0.5, 1.0, 1.0, 1.0]])
    np.testing.assert_allclose(first_crossing(series, times, 0.8), [1.6, 2.4, 0.0])
    # counting steps above the threshold, as some published code does, would give 2.4 for the first row
    assert mean_and_error(np.array([1.0, 3.0])) == (2.0, pytest.approx(1.0))


@pytest.mark.parametrize("n", [16, 17])
def test_a_wave_has_half_its_square_in_its_own_wavenumber(n):
    x = 2 * np.pi * np.arange(n) / n
    u = 1.5 + 3 * np.cos(4 * x + 0.3)
    spectrum = energy_spectrum(u[None])
    expected = np.zeros(n // 2 + 1)
    expected[0], expected[4] = 2.25, 4.5
    np.testing.assert_allclose(spectrum, expected, atol=1e-13)
    noise = np.random.default_rng(0).normal(size=(5, n))
    assert energy_spectrum(noise).sum() == pytest.approx((noise**2).mean())


def test_shells_collect_waves_of_equal_length():
    x = 2 * np.pi * np.arange(16) / 16
    u = 2 * np.cos(3 * x[:, None] + 0 * x) + np.cos(0 * x[:, None] + 3 * x) + np.cos(3 * x[:, None] + 4 * x)
    spectrum = shell_spectrum(u[None])
    assert spectrum[3] == pytest.approx(2.0 + 0.5) and spectrum[5] == pytest.approx(0.5)


def test_training_pays_after_so_many_solves():
    assert breakeven(100.0, 1.0, 6.0) == 20
    assert breakeven(100.0, 2.0, 1.0) == np.inf
