"""pde-refiner with variances=adaptive: the continuum of levels, and the grid that is chosen on it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sciml_pde_refiner.choosing import choose
from sciml_pde_refiner.continuum import PLAIN, Continuum
from sciml_pde_refiner.refining import Refinement
from sciml_pde_refiner.schedule import BIAS, Schedule


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


# -- the continuum --------------------------------------------------------------------------------
def test_its_levels_include_the_published_ones() -> None:
    """At 1 - ᾱ_k candidate, target and share of signal are those of the published schedule."""
    published = Refinement(Schedule.geometric(3, 1e-4), dtype=torch.float64)
    variances = published.noise**2
    continuum = Continuum(1e-4, variances.tolist(), dtype=torch.float64)
    y, noise = torch.randn(2, 4, 1, 7, dtype=torch.float64, generator=generator())
    for mine, theirs in zip(
        continuum.noised(y, variances, noise), published.noised(y, torch.arange(4), noise), strict=True
    ):
        assert torch.allclose(mine, theirs, atol=1e-12)
    geometric = torch.tensor([1e-4 ** ((3 - k) / 3) for k in range(4)], dtype=torch.float64)
    assert torch.allclose(continuum.numbers(geometric), torch.tensor(Schedule.geometric(3, 1e-4).times()).double())


def test_training_draws_every_level_and_plain_prediction() -> None:
    drawn = Continuum(1e-4, [1.0]).draw(np.random.default_rng(0), 40_000).double()
    noisy = drawn[drawn < 1]
    assert len(noisy) / 40_000 == pytest.approx(1 - PLAIN, abs=0.01)
    assert noisy.min() > 0.99e-4
    assert float((noisy.log() / math.log(1e-4)).mean()) == pytest.approx(0.5, abs=0.01)
    assert float((noisy.log() / math.log(1e-4)).var()) == pytest.approx(1 / 12, rel=0.03)


def test_a_known_target_is_found_on_any_grid() -> None:
    continuum = Continuum(1e-6, [3e-5, 0.2, 0.21, 1.0], dtype=torch.float64)
    y = torch.linspace(-1, 1, 9, dtype=torch.float64)

    def denoise(candidate: torch.Tensor, k: int) -> torch.Tensor:
        return (continuum.signal[k] * candidate - y) / continuum.noise[k]

    assert torch.allclose(continuum.sample(denoise, torch.zeros_like(y), generator()), y, atol=1e-9)


def test_the_candidate_of_a_level_has_its_variance() -> None:
    """Handed on are estimate and fresh noise, in the shares that the level was trained with."""
    grid = [0.01, 0.09, 1.0]
    continuum = Continuum(1e-3, grid, dtype=torch.float64)
    seen = {}

    def denoise(candidate: torch.Tensor, k: int) -> torch.Tensor:
        seen[k] = candidate
        return (continuum.signal[k] * candidate - 2.0) / continuum.noise[k]  # the estimate is 2

    continuum.sample(denoise, torch.zeros(200_000, dtype=torch.float64), generator())
    assert not seen[2].any()
    for k in (0, 1):
        assert float(seen[k].mean()) == pytest.approx(2 * math.sqrt(1 - grid[k]), abs=5e-3)
        assert float(seen[k].var()) == pytest.approx(grid[k], rel=0.02)
    left = (seen[0] - 2 * math.sqrt(1 - grid[0])) * (seen[1] - 2 * math.sqrt(1 - grid[1]))
    assert abs(float(left.mean())) < 5 * math.sqrt(grid[0] * grid[1] / 200_000)


# -- the grid -------------------------------------------------------------------------------------
SHARE, FIRST = 0.1, 0.3  # what the denoiser leaves of a candidate's deviation; its error without a candidate


def denoiser(truth: torch.Tensor, floor: float = 0.0):
    """Leaves SHARE of whatever the candidate differs by from s·truth, and `floor` of its own, other at every call; says
    FIRST too much, in random signs, at variance 1. With the truth its error is SHARE σ, with an estimate off by e SHARE √(s²e² + σ²)."""
    own = generator().manual_seed(5)

    def signs() -> torch.Tensor:
        return torch.randn(truth.shape, generator=own).sign().double()

    def clean(candidate: torch.Tensor, variance: float) -> torch.Tensor:
        if variance == 1.0:
            return truth + FIRST * signs()
        return truth + SHARE * (candidate - math.sqrt(1 - variance) * truth) + floor * signs()

    return clean


@pytest.mark.parametrize("bias", [BIAS, 1.5])
def test_the_grid_of_a_denoiser_with_known_errors(bias: float) -> None:
    """The bound is met at σ² (bias² - 1) = (1 - σ²) e²; the error left is bias SHARE σ. Both are written out here."""
    truth = torch.randn(400_000, dtype=torch.float64, generator=generator())
    found = choose(truth, denoiser(truth), 1e-9, 3, generator(), halvings=20, bias=bias)
    error, expected = FIRST, [1.0]
    for _ in range(3):
        expected.insert(0, error**2 / (bias**2 - 1 + error**2))
        error = bias * SHARE * math.sqrt(expected[0])
    assert found == pytest.approx(expected, rel=0.02)


def test_the_search_ends_within_its_resolution() -> None:
    truth = torch.randn(100_000, dtype=torch.float64, generator=generator())
    exact = FIRST**2 / (BIAS**2 - 1 + FIRST**2)
    level = choose(truth, denoiser(truth), 1e-4, 1, generator(), halvings=5)[0]
    assert exact * 0.97 < level < exact * 1e-4 ** (-1 / 2**5) * 1.03  # a halving of log σ² is 1e-4^(1/2)


def test_its_own_error_hides_an_estimates() -> None:
    """With f of its own the bound is met at σ² (BIAS² - 1 + e²) = e² - (BIAS² - 1) f²/SHARE², in the end everywhere."""
    truth, floor = torch.randn(400_000, dtype=torch.float64, generator=generator()), 0.02
    found = choose(truth, denoiser(truth, floor), 1e-9, 8, generator(), halvings=20)
    error, expected, slack = FIRST, [1.0], BIAS**2 - 1
    for _ in range(2):
        expected.insert(0, (error**2 - slack * (floor / SHARE) ** 2) / (slack + error**2))
        error = BIAS * math.sqrt(SHARE**2 * expected[0] + floor**2)
    assert error**2 < slack * (floor / SHARE) ** 2
    assert found == pytest.approx([1e-9, *expected], rel=0.05)


@pytest.mark.parametrize(("share", "grid"), [(0.985, [1.0]), (0.97, [1e-4, 1.0])])
def test_a_level_that_brings_less_than_two_percent_is_left_out(share: float, grid: list[float]) -> None:
    truth = torch.randn(1000, dtype=torch.float64, generator=generator())
    found = choose(truth, lambda c, variance: truth + (FIRST if variance == 1 else share * FIRST), 1e-4, 8, generator())
    assert found == grid


def test_one_that_spoils_every_estimate_is_not_asked_again() -> None:
    truth = torch.randn(10_000, dtype=torch.float64, generator=generator())
    assert choose(truth, denoiser(truth, 0.5), 1e-9, 8, generator()) == [1.0]


def test_no_level_below_those_trained() -> None:
    truth = torch.randn(100_000, dtype=torch.float64, generator=generator())
    found = choose(truth, denoiser(truth), 0.1, 8, generator())
    assert found[0] == 0.1 and found[-1] == 1.0 and len(found) <= 3
