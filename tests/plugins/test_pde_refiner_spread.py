"""pde-refiner: factors for the spread of several rollouts, on ensembles whose law is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sciml_pde_refiner.spread import Spread, fit

from sciml.metrics.calibration import NORMAL_95, coverage, few_samples, inflation
from sciml.solution import SPREAD_FACTOR, raw_std

LEAD = 0.8 * np.arange(1.0, 61)


def drawn(narrow: np.ndarray, members: int, samples: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and deviation of samples N(0, 1) and a truth N(0, narrow(t)²): (members, T, 50 points)."""
    rng = np.random.default_rng(seed)
    cases = rng.standard_normal((samples, members, len(LEAD), 50))
    truth = narrow[:, None] * rng.standard_normal((members, len(LEAD), 50))
    return cases.mean(0), cases.std(0, ddof=1), truth


def test_inflation_makes_the_coverage_what_is_stated() -> None:
    rng = np.random.default_rng(0)
    std = rng.uniform(0.5, 2, 100_000)
    truth = 3 * std * rng.standard_normal(100_000)
    assert coverage(np.zeros_like(std), std, truth) == pytest.approx(math.erf(NORMAL_95 / 3 / math.sqrt(2)), abs=5e-3)
    assert inflation(np.zeros_like(std), std, truth) == pytest.approx(3, rel=0.01)
    assert coverage(np.zeros_like(std), 3 * std, truth) == pytest.approx(0.95, abs=3e-3)


@pytest.mark.parametrize("count", [2, 3, 8, 50])
def test_few_samples_of_one_normal_law(count: int) -> None:
    mean, std, truth = drawn(np.ones(60), 40, count, seed=1)
    assert coverage(mean, few_samples(count) * std, truth) == pytest.approx(0.95, abs=3e-3)
    assert coverage(mean, std, truth) < 0.95 - 0.3 / count


def test_one_factor_where_time_does_not_matter() -> None:
    """A truth three times as wide as the samples: f² (1 + 1/M) = 9 + 1/M, but for the shape of the tails."""
    found = fit(LEAD, *drawn(np.full(60, 3.0), 32, 8, seed=2), 8)
    assert len(found.factor) == 1
    assert found.factor[0] == pytest.approx(math.sqrt((9 + 1 / 8) / (1 + 1 / 8)), rel=0.02)
    assert found.before < 0.55 and found.after == pytest.approx(0.95, abs=5e-3)
    for samples in (4, 8, 20):  # fitted with eight, used with others, on fresh draws
        mean, std, truth = drawn(np.full(60, 3.0), 32, samples, seed=3)
        scaled = found.at(LEAD, samples)[:, None] * std
        assert coverage(mean, scaled, truth) == pytest.approx(0.95, abs=0.01)


def test_factors_by_lead_time_where_it_does() -> None:
    narrow = np.where(LEAD < 12, 1.0, 4.0)
    found = fit(LEAD, *drawn(narrow, 32, 8, seed=4), 8)
    assert len(found.factor) > 5
    mean, std, truth = drawn(narrow, 32, 8, seed=5)
    scaled = found.at(LEAD, 8)[:, None] * std
    early, late = LEAD < 12 / 1.5, LEAD > 12 * 1.5**2
    for times in (early, late):  # away from the jump, over which the fit smooths
        assert coverage(mean[:, times], scaled[:, times], truth[:, times]) == pytest.approx(0.95, abs=0.01)
    one = inflation(mean, std, truth)
    assert coverage(mean[:, early], one * std[:, early], truth[:, early]) > 0.99  # what one factor would state


def test_beyond_the_lead_times_fitted_the_ends_hold() -> None:
    spread = Spread([1.0, 4.0], [2.0, 3.0], 8, 32, 0.8, 0.95)
    found = spread.at(np.array([0.0, 0.5, 1.0, 2.0, 4.0, 100.0]), 8) / few_samples(8)
    assert found == pytest.approx([2.0, 2.0, 2.0, 2.5, 3.0, 3.0])


def test_coverage_after_is_of_members_not_fitted_to() -> None:
    """Two halves of opposite laws: each half's factor fails on the other, and the number kept says so."""
    mean, std, truth = drawn(np.ones(60), 2, 8, seed=6)
    truth[1] *= 10
    found = fit(LEAD, mean, std, truth, 8)
    assert found.after < 0.9
    assert coverage(mean, found.at(LEAD, 8)[:, None] * std, truth) == pytest.approx(0.95, abs=5e-3)


def test_the_raw_spread_of_one_solution_and_of_members() -> None:
    factor = np.array([1.0, 2.0, 4.0])
    one, members = np.ones((3, 5)), np.ones((2, 3, 5, 6))
    expected = {1.0, 0.5, 0.25}
    assert set(raw_std({"u": one}, {SPREAD_FACTOR: factor})["u"][:, 0]) == expected
    found = raw_std({"u": members}, {SPREAD_FACTOR: factor}, axis=1)["u"]
    assert found.shape == members.shape and set(found[1, :, 0, 0]) == expected
