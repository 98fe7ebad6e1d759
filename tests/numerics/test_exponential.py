"""φ functions to full precision, and what one exponential step is exact for."""

from __future__ import annotations

import cmath
import math

import mpmath
import numpy as np
import pytest
import torch

from sciml.numerics.exponential import SERIES_RADIUS, Etdrk4, phi_functions

R = SERIES_RADIUS
ARGUMENTS = {
    "zero": [0j],
    "tiny": [1e-300, -1e-16, 1e-12j, -1e-9 + 1e-9j, 1e-5, -1e-3j],
    "negative": [-0.1, -1.0, -R * (1 - 1e-12), -R, -R * (1 + 1e-12), -2.0, -10.0, -100.0],
    "imaginary": [0.3j, -1.2j, R * 1j, -R * 1j, 3j, -17j, 40.5j],
    "complex": [-0.4 + 0.9j, -1.1 - 1.1j, -3 + 4j, -25 - 60j, 1 + 1j],
    "large": [-1e4, -1e8, -1e14, 1e5j, -1e6 + 1e6j],
    "growing": [0.5, 1.4, 1.6, 5.0, 50.0],
}


def exact_phi(k: int, z: complex) -> mpmath.mpc:
    with mpmath.workdps(60):
        z = mpmath.mpc(z)
        if abs(z) < 3:
            return mpmath.nsum(lambda j: z ** int(j) / mpmath.factorial(int(j) + k), [0, 60], method="direct")
        return (mpmath.exp(z) - mpmath.fsum(z**j / mpmath.factorial(j) for j in range(k))) / z**k


def relative(value: object, exact: mpmath.mpc) -> float:
    """Error of a (possibly extended) number, measured in 60 digits."""
    with mpmath.workdps(60):
        parts = [mpmath.mpf(np.format_float_positional(p, unique=True)) for p in (value.real, value.imag)]  # type: ignore[attr-defined]
        if exact == 0:
            return float(abs(mpmath.mpc(*parts)))
        return float(abs(mpmath.mpc(*parts) - exact) / abs(exact))


@pytest.mark.parametrize("kind", ARGUMENTS)
@pytest.mark.parametrize("form", ["numpy", "torch"])
def test_phi_in_double(kind: str, form: str) -> None:
    z = np.array(ARGUMENTS[kind], dtype=np.complex128)
    found = phi_functions(torch.from_numpy(z) if form == "torch" else z, 3)
    assert len(found) == 4
    for k in range(4):
        values = np.asarray(found[k])
        for value, argument in zip(values, z, strict=True):
            exact = exact_phi(k, complex(argument))
            if abs(exact) > 1e-290:  # exp(-1e4) is below the smallest double
                # the exponential of a large imaginary number is no better known than its argument
                assert relative(value, exact) <= 1e-13, (k, argument)


@pytest.mark.parametrize("kind", ["zero", "tiny", "negative", "imaginary", "complex", "growing"])
def test_phi_in_extended_precision(kind: str) -> None:
    if np.finfo(np.longdouble).eps > 2e-19:
        pytest.skip("longdouble has no 64-bit mantissa here")
    z = np.array(ARGUMENTS[kind], dtype=np.clongdouble)
    found = phi_functions(z, 3)
    for k in range(4):
        assert found[k].dtype == np.clongdouble
        for value, argument in zip(found[k], z, strict=True):
            assert relative(value, exact_phi(k, complex(argument))) <= 1e-17, (k, argument)


def test_phi_is_continuous_across_the_series_radius() -> None:
    angle = np.linspace(0, 2 * np.pi, 33)
    for k, (inner, outer) in enumerate(
        zip(phi_functions(R * (1 - 1e-15) * np.exp(1j * angle), 3),
            phi_functions(R * (1 + 1e-15) * np.exp(1j * angle), 3), strict=True)
    ):  # fmt: skip
        assert np.abs(inner - outer).max() < 2e-14, k


@pytest.mark.parametrize("linear", [-2000.0, -3.0, -1e-7, 0.0, 5j, -1 + 30j])
def test_a_step_is_exact_for_constant_and_linear_forcing(linear: complex) -> None:
    """N = a + b t does not depend on u: ETDRK4 integrates it without error."""
    a, b, h, t0 = 0.7, -1.3, 0.25, 0.4
    lam = np.array([linear], dtype=np.complex128)
    step = Etdrk4.build(lam, h)
    u = np.array([0.9 + 0.2j])

    def nonlinear(_: np.ndarray, t: float) -> np.ndarray:
        return np.array([a + b * t + 0j])

    found = step.advance(u, t0, nonlinear, nonlinear(u, t0))[0]
    phi1, phi2 = (complex(exact_phi(k, linear * h)) for k in (1, 2))
    exact = cmath.exp(linear * h) * u[0] + h * phi1 * (a + b * t0) + h * h * phi2 * b
    assert abs(found - exact) <= 1e-14 * max(1.0, abs(exact))


def test_without_a_linear_part_it_is_a_fourth_order_runge_kutta_step() -> None:
    def nonlinear(u: np.ndarray, t: float) -> np.ndarray:
        return np.cos(t) * u - u**2 / 4

    def end(count: int) -> float:
        h, u = 1 / count, np.array([0.8 + 0j])
        step = Etdrk4.build(np.zeros(1, dtype=np.complex128), h)
        for i in range(count):
            u = step.advance(u, i * h, nonlinear, nonlinear(u, i * h))
        return float(u[0].real)

    with mpmath.workdps(30):  # v = 1/u obeys v' = 1/4 - cos(t) v
        forced = mpmath.quad(lambda s: mpmath.exp(mpmath.sin(s)), [0, 1]) / 4
        exact = float(mpmath.exp(mpmath.sin(1)) / (mpmath.mpf(1) / mpmath.mpf(0.8) + forced))
    errors = [abs(end(n) - exact) for n in (20, 40, 80)]
    rates = [math.log2(a / b) for a, b in zip(errors, errors[1:], strict=False)]
    assert rates == pytest.approx([4, 4], abs=0.15)
