"""Baselines of which the error is known on paper."""

from __future__ import annotations

import numpy as np
import pytest

from sciml.metrics.trivial import trivial_errors, trivial_errors_of_members


def test_a_wave_that_travels_once_around():
    """u = sin(x - t) over whole periods of both: held, the error is that of sin(x - t) - sin(x), of mean square 1 over
    that of u, 1/2; the mean over time is 0."""
    t, x = (2 * np.pi / 64 * np.arange(64) for _ in range(2))
    u = np.sin(x - t[:, None])
    found = trivial_errors({"u": u}, {"u": u[0]})
    assert found == pytest.approx({"persistence": np.sqrt(2), "climatology": 1.0})


def test_the_worst_field_counts():
    t = np.linspace(0, 1, 11)
    found = trivial_errors({"still": np.ones((11, 4)), "moving": np.outer(t, np.ones(4))}, {"still": np.ones(4), "moving": np.zeros(4)})
    assert found["persistence"] == pytest.approx(1.0)
    assert found["climatology"] == pytest.approx(np.sqrt(((t - 0.5) ** 2).sum() / (t**2).sum()))


def test_nothing_that_evolves_is_compared_with_one_number():
    u = np.array([[1.0, 3.0]])
    assert trivial_errors({"u": u}, {}) == pytest.approx({"constant": np.sqrt(2 / 10)})


def test_of_members_the_mean():
    u = np.array([[[1.0], [1.0]], [[1.0], [3.0]]])  # held: errors 0 and 2/sqrt(10)
    assert trivial_errors_of_members({"u": u}, True)["persistence"] == pytest.approx(1 / np.sqrt(10))
    steady = np.array([[[1.0]], [[3.0]]])  # the members' mean is 2: errors 1 and 1/3
    assert trivial_errors_of_members({"u": steady}, False) == pytest.approx({"climatology": 2 / 3})
