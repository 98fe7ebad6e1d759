"""Colours say what a field is: white is zero, dark is small, and nothing else decides."""

from __future__ import annotations

import numpy as np
import pytest

from sciml.palette import DECADES, above_zero, log_error, of_field


@pytest.mark.parametrize(("low", "high", "kind"), [
    (-2, 3, "RdBu_r"), (-3, 1, "RdBu_r"), (0, 1, "viridis"), (0.2, 1, "viridis"), (-1, 0, "viridis"), (-0.05, 1, "viridis"),
])  # fmt: skip
def test_a_field_that_changes_sign_has_white_at_zero(low: float, high: float, kind: str) -> None:
    found = of_field(np.array([low, 0.5 * (low + high), np.nan, high]))
    assert found["cmap"] == kind
    if kind == "RdBu_r":
        assert found["vmin"] == -found["vmax"] == -max(abs(low), abs(high))
    else:
        assert (found["vmin"], found["vmax"]) == (low, high)


def test_exact_zeros_do_not_stretch_an_error_map() -> None:
    error = np.full((30, 30), 1e-3)
    error[0], error[1], error[2, 0] = 0, np.nan, 1e-30
    error[3:9] = 1e-5
    shown, colours = log_error(error)
    assert colours["vmax"] == pytest.approx(-3) and colours["vmin"] == pytest.approx(-5)
    assert np.isnan(shown[1]).all() and shown[0, 0] == pytest.approx(-18)
    assert log_error(np.array([1.0, 1e-17]))[1]["vmin"] == pytest.approx(-DECADES)
    assert log_error(np.zeros(3))[1]["vmin"] < log_error(np.zeros(3))[1]["vmax"]  # no error at all


def test_a_curve_leaves_zeros_out_unless_there_is_nothing_else() -> None:
    np.testing.assert_array_equal(above_zero(np.array([0.0, -2.0])), [np.nan, 2.0])
    np.testing.assert_array_equal(above_zero(np.zeros(2)), [1e-18, 1e-18])
