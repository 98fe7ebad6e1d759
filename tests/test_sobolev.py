"""Sobolev norms on single modes, against analysis."""

from __future__ import annotations

import numpy as np
import pytest

from sciml import Axis
from sciml.metrics.sobolev import h1_norm, l2_norm, relative_h1, relative_l2


@pytest.mark.parametrize("n", [16, 17])
def test_a_periodic_mode(n: int) -> None:
    length, m = 3.0, 5
    k = 2 * np.pi * m / length
    u = 2.0 * np.sin(k * Axis("x", 0.0, length, n).points())
    assert l2_norm(u, [length], [True]) == pytest.approx(np.sqrt(2 * length), rel=1e-13)
    assert h1_norm(u, [length], [True]) == pytest.approx(np.sqrt((1 + k**2) * 2 * length), rel=1e-13)


def test_a_periodic_mode_in_two_dimensions() -> None:
    lengths, m = (2.0, 5.0), (3, -2)
    x, y = np.meshgrid(*(Axis("x", 0.0, a, n).points() for a, n in zip(lengths, (12, 9), strict=True)), indexing="ij")
    k = 2 * np.pi * np.array(m) / lengths
    u = np.cos(k[0] * x + k[1] * y)
    assert h1_norm(u, lengths, [True, True]) == pytest.approx(np.sqrt((1 + k @ k) * 10 / 2), rel=1e-13)


def test_it_is_the_sum_over_wavenumbers() -> None:
    u = np.random.default_rng(0).normal(size=(8, 6))
    k = [2 * np.pi * np.fft.fftfreq(n, a / n) for n, a in zip(u.shape, (1.5, 4.0), strict=True)]
    coefficients = np.fft.fft2(u, norm="forward")
    total = 6.0 * np.sum((1 + k[0][:, None] ** 2 + k[1] ** 2) * np.abs(coefficients) ** 2)
    assert h1_norm(u, (1.5, 4.0), (True, True)) == pytest.approx(np.sqrt(total), rel=1e-13)


def test_an_axis_with_ends_is_exact_for_linear_fields_and_of_second_order_else() -> None:
    length = 2.0
    line = Axis("x", 0.0, length, 9, "dirichlet").points()
    slope = np.sqrt(h1_norm(3 * line, [length], [False]) ** 2 - l2_norm(3 * line, [length], [False]) ** 2)
    assert slope == pytest.approx(3 * np.sqrt(length), rel=1e-13)
    exact = np.sqrt((1 + (3 * np.pi / length) ** 2) * length / 2)
    errors = []
    for n in (33, 65):
        u = np.sin(3 * np.pi * Axis("x", 0.0, length, n, "dirichlet").points() / length)
        assert l2_norm(u, [length], [False]) == pytest.approx(np.sqrt(length / 2), rel=1e-13)
        errors.append(abs(h1_norm(u, [length], [False]) - exact))
    assert errors[0] / errors[1] == pytest.approx(4, abs=0.1)


def test_axes_of_both_kinds() -> None:
    n, lengths, periodic = (200, 12), (1.0, 2 * np.pi), (False, True)
    x = Axis("x", 0.0, 1.0, n[0], "dirichlet").points()[:, None]
    u = np.sin(np.pi * x) * np.cos(4 * Axis("y", 0.0, lengths[1], n[1]).points())
    assert l2_norm(u, lengths, periodic) == pytest.approx(np.sqrt(np.pi / 2), rel=1e-12)
    assert h1_norm(u, lengths, periodic) == pytest.approx(np.sqrt((1 + np.pi**2 + 16) * np.pi / 2), rel=1e-4)


def test_errors_are_relative_and_one_for_each_field() -> None:
    reference = np.random.default_rng(1).normal(size=(2, 3, 7, 8))
    scale = np.array([[0.1, 0.2, 0.3], [0.0, 1.0, 2.0]])[..., None, None]
    for error in (relative_l2, relative_h1):
        found = error(reference * (1 + scale), reference, (1.0, 2.0), (False, True))
        assert found.shape == (2, 3)
        assert found == pytest.approx(scale[..., 0, 0], rel=1e-12, abs=1e-15)


def test_h1_sees_ripples_that_l2_does_not() -> None:
    x = Axis("x", 0.0, 1.0, 65, "dirichlet").points()
    u = np.sin(np.pi * x)
    ripple = u + 0.01 * np.sin(32 * np.pi * x)
    assert relative_l2(ripple, u, [1.0], [False]) == pytest.approx(0.01, rel=1e-6)
    assert relative_h1(ripple, u, [1.0], [False]) > 0.25
