"""Taylor series against known solutions, in double and in forty digits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from sciml import Equation
from sciml.errors import UsageError
from sciml.numerics.taylor import TaylorField, evaluate_series, safe_step

# rate of y, start, exact y(t) (from t = 0) in mpmath
SCALAR: dict[str, tuple[str, float, Callable[[Any], Any]]] = {
    "exp": ("y", 1.0, mpmath.exp),
    "decay": ("-y", 2.0, lambda t: 2 * mpmath.exp(-t)),
    "logistic": ("y*(1 - y)", 0.25, lambda t: 1 / (1 + 3 * mpmath.exp(-t))),
    "tan": ("1 + y**2", 0.0, mpmath.tan),
    "tanh": ("1 - y**2", 0.0, mpmath.tanh),
    "cube": ("-y**3", 1.0, lambda t: 1 / mpmath.sqrt(1 + 2 * t)),
    "fifth": ("-y**5/4", 1.0, lambda t: (1 + t) ** mpmath.mpf("-0.25")),
    "inverse": ("1/y", 1.0, lambda t: mpmath.sqrt(1 + 2 * t)),
    "half power": ("y**0.5", 1.0, lambda t: (1 + t / 2) ** 2),
    "of sqrt": ("sqrt(y)", 1.0, lambda t: (1 + t / 2) ** 2),
    "of exp": ("exp(-y)", 0.0, lambda t: mpmath.log(1 + t)),
    "of log": ("y*log(y)", 2.0, lambda t: mpmath.exp(mpmath.log(2) * mpmath.exp(t))),
    "of sin": ("sin(y)", 1.0, lambda t: 2 * mpmath.atan(mpmath.tan(mpmath.mpf("0.5")) * mpmath.exp(t))),
    "of cos": ("cos(y)", 0.0, lambda t: 2 * mpmath.atan(mpmath.tanh(t / 2))),
    "of tan": ("tan(y)", 0.5, lambda t: mpmath.asin(mpmath.sin(mpmath.mpf("0.5")) * mpmath.exp(t))),
    "of sinh": ("sinh(y)", 0.5, lambda t: 2 * mpmath.atanh(mpmath.tanh(mpmath.mpf("0.25")) * mpmath.exp(t))),
    "of cosh": ("cosh(y)", 0.0, lambda t: 2 * mpmath.atanh(mpmath.tan(t / 2))),
    "of tanh": ("tanh(y)", 1.0, lambda t: mpmath.asinh(mpmath.sinh(1) * mpmath.exp(t))),
    "forced": ("2*t - sin(t)", 3.0, lambda t: 2 + t**2 + mpmath.cos(t)),
    "forced product": ("y*cos(t)", 1.0, lambda t: mpmath.exp(mpmath.sin(t))),
}


@pytest.mark.parametrize("name", SCALAR)
def test_series_in_double(name: str) -> None:
    rate, start, exact = SCALAR[name]
    series = TaylorField(Equation.parse([f"y_t = {rate}"], ["y"])).expand([start], 0.0, 24)
    assert len(series) == 1
    assert len(series[0]) == 25
    for h in (0.0625, -0.0625, 0.125):
        assert evaluate_series(series[0], h) == pytest.approx(float(exact(mpmath.mpf(h))), rel=2e-15, abs=1e-16)


@pytest.mark.parametrize("name", SCALAR)
def test_series_in_forty_digits(name: str) -> None:
    rate, start, exact = SCALAR[name]
    with mpmath.workdps(40):
        field = TaylorField(Equation.parse([f"y_t = {rate}"], ["y"]), mpmath.mpf, mpmath)
        series = field.expand([mpmath.mpf(start)], mpmath.mpf(0), 40)[0]
        h = mpmath.mpf(1) / 64
        assert abs(evaluate_series(series, h) - exact(h)) <= mpmath.mpf(10) ** -38 * (1 + abs(exact(h)))


def test_coefficients_of_the_exponential_are_inverse_factorials() -> None:
    with mpmath.workdps(40):
        field = TaylorField(Equation.parse(["y_t = y"], ["y"]), mpmath.mpf, mpmath)
        for n, c in enumerate(field.expand([mpmath.mpf(1)], mpmath.mpf(0), 30)[0]):
            assert abs(c * mpmath.factorial(n) - 1) < mpmath.mpf(10) ** -38


def test_harmonic_oscillator() -> None:
    field = TaylorField(Equation.parse(["x_t = w*y", "y_t = -w*x"], ["x", "y"], (), {"w": 3.0}))
    state, t = [1.0, 0.0], 0.0
    for _ in range(20):
        series = field.expand(state, t, 26)
        state, t = [evaluate_series(s, 0.25) for s in series], t + 0.25
    assert state == pytest.approx([math.cos(15.0), -math.sin(15.0)], abs=5e-14)


def test_expansion_about_a_later_time() -> None:
    field = TaylorField(Equation.parse(["y_t = cos(2*t) + t**2"], ["y"]))
    series = field.expand([0.5], 1.5, 24)[0]
    exact = 0.5 + (math.sin(3.2) - math.sin(3.0)) / 2 + (1.6**3 - 1.5**3) / 3
    assert evaluate_series(series, 0.1) == pytest.approx(exact, rel=2e-15)


@pytest.mark.parametrize("power", range(2, 13))
def test_whole_powers_are_regular_at_zero(power: int) -> None:
    """y' = 1 + y^p from y = 0 is t + t^(p+1)/(p+1) + …: nothing is singular there."""
    series = TaylorField(Equation.parse([f"y_t = 1 + y**{power}"], ["y"])).expand([0.0], 0.0, power + 2)[0]
    wanted = [0.0] * (power + 3)
    wanted[1], wanted[power + 1] = 1.0, 1 / (power + 1)
    assert series == pytest.approx(wanted, abs=1e-16)


def test_longdouble_gains_digits() -> None:
    field = TaylorField(Equation.parse(["y_t = y"], ["y"]), np.longdouble, np)
    value = evaluate_series(field.expand([np.longdouble(1)], np.longdouble(0), 30)[0], np.longdouble("0.5"))
    assert abs(value - np.exp(np.longdouble("0.5"))) <= 4 * np.finfo(np.longdouble).eps


@pytest.mark.parametrize("tolerance", [1e-8, 1e-17])
def test_the_safe_step_bounds_the_last_terms(tolerance: float) -> None:
    series = TaylorField(Equation.parse(["y_t = -y"], ["y"])).expand([3.0], 0.0, 20)
    h = safe_step(series, tolerance)
    last = [abs(series[0][n]) * h**n for n in (19, 20)]
    assert max(last) == pytest.approx(3.0 * tolerance, rel=1e-10)
    assert safe_step([[1.0, 2.0, 0.0, 0.0]], tolerance) == math.inf


def test_a_derivative_in_space_has_no_series() -> None:
    with pytest.raises(UsageError, match="Derivative"):
        TaylorField(Equation.parse(["u_t = u_x"], ["u"], ["x"])).expand([1.0], 0.0, 3)
