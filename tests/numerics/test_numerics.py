"""Fourier bases, φ-functions, Taylor series, and the host path, against what is known exactly."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch

from sciml import Equation
from sciml.numerics.exponential import phi_functions
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.host import HostNonlinear
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.numerics.taylor import TaylorField, evaluate_series


@pytest.mark.parametrize("modes", [(5,), (4, 7), (3, 2, 4)])
def test_grid_round_trip_and_parseval(modes: tuple[int, ...]) -> None:
    dim = len(modes)
    basis = FourierBasis(tuple("xyz"[:dim]), (0.0,) * dim, (1.0, 2.0, 3.0)[:dim], modes)
    generator = torch.Generator().manual_seed(0)
    state = basis.from_grid(torch.randn((2, *(2 * k + 3 for k in modes)), generator=generator, dtype=torch.float64))
    for extra in (1, 2, 5):
        values = basis.to_grid(state, tuple(2 * k + extra for k in modes))
        assert torch.allclose(basis.from_grid(values), state, atol=1e-14)
        mean = (values**2).reshape(2, -1).mean(1)
        assert torch.allclose(mean, (basis.weights * state.abs() ** 2).reshape(2, -1).sum(1))
    fine = basis.sample(state, tuple(12 for _ in modes))
    coarse = basis.sample(state, tuple(4 for _ in modes))
    assert torch.allclose(coarse, fine[(..., *(slice(None, None, 3),) * dim)], atol=1e-13)
    wide = basis.with_modes(tuple(k + 3 for k in modes))
    assert torch.equal(wide.resize(basis.resize(state, wide), basis), state)


def test_products_are_free_of_aliasing() -> None:
    basis = FourierBasis(("x",), (0.0,), (2 * math.pi,), (7,))
    system = PseudoSpectral(Equation.parse(["u_t = u**3"], ["u"], ["x"]), basis)
    state = torch.zeros((1, 8), dtype=torch.complex128)
    state[0, 7] = 0.5  # cos 7x; its cube is (3 cos 7x + cos 21x)/4
    result = system.nonlinear(state, 0.0)
    assert result[0, 7].real == pytest.approx(0.375, abs=1e-15)
    assert float(result[0, :7].abs().max()) < 1e-15


ARGUMENTS = [-1e-9, -0.3, -1.49, -1.51, -30.0, -1e5, 1e-5j, 0.7j, 1.6j, 40j, -0.5 + 1j, -3 + 2j, 2.5]


@pytest.mark.parametrize("extended", [False, True])
def test_phi_functions(extended: bool) -> None:
    z = np.array(ARGUMENTS, dtype=np.clongdouble if extended else np.complex128)
    found = phi_functions(z if extended else torch.as_tensor(z), 3)
    with mpmath.workdps(60):
        for k in range(1, 4):
            for value, argument in zip(found[k], ARGUMENTS, strict=True):
                a = mpmath.mpc(argument)
                exact = complex((mpmath.exp(a) - sum(a**j / mpmath.factorial(j) for j in range(k))) / a**k)
                assert abs(complex(value) - exact) <= 4e-15 * abs(exact) + 1e-300


EXACT = [
    ("-y", lambda t: math.exp(-t), 1.0), ("y - y**2", lambda t: 1 / (1 + math.exp(-t)), 0.5),
    ("1 + y**2", math.tan, 0.0), ("cos(t)", math.sin, 0.0), ("sqrt(y)", lambda t: (1 + t / 2) ** 2, 1.0),
    ("exp(-y)", lambda t: math.log(1 + t), 0.0), ("1/y", lambda t: math.sqrt(1 + 2 * t), 1.0),
    ("1 - tanh(y)**2", lambda t: float(mpmath.findroot(lambda y: y / 2 + mpmath.sinh(2 * y) / 4 - t, t)), 0.0),
    ("1 + 0*tan(y)*log(2 + y)*cosh(y)*sin(y)", lambda t: t, 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("rate", "exact", "start"), EXACT)
def test_taylor_series_of_known_solutions(rate: str, exact, start: float) -> None:
    series = TaylorField(Equation.parse([f"y_t = {rate}"], ["y"])).expand([start], 0.0, 24)[0]
    assert evaluate_series(series, 0.1) == pytest.approx(exact(0.1), rel=1e-14)


def test_taylor_in_forty_digits() -> None:
    with mpmath.workdps(40):
        series = TaylorField(Equation.parse(["y_t = y"], ["y"]), mpmath.mpf, mpmath).expand([mpmath.mpf(1)], 0, 40)[0]
        assert abs(evaluate_series(series, mpmath.mpf("0.5")) - mpmath.exp("0.5")) < mpmath.mpf("1e-38")


@pytest.mark.parametrize(
    ("statements", "fields"),
    [
        (["u_t = -u*u_x - u_xxx"], ["u"]),
        (["u_t = v_x + 0.1*u_xx - u*v**2 + cos(3*x)*sin(t)", "v_t = u - v*u_x"], ["u", "v"]),
        (["u_t = sin(u) + u_x**2"], ["u"]),
    ],
)
def test_host_path_is_the_tensor_path(statements, fields) -> None:
    basis = FourierBasis(("x",), (-1.0,), (3.0,), (20,))
    system = PseudoSpectral(Equation.parse(statements, fields, ["x"]), basis)
    generator = torch.Generator().manual_seed(2)
    state = basis.from_grid(torch.randn((len(fields), 64), generator=generator, dtype=torch.float64))
    expected = system.nonlinear(state, 0.4) + torch.einsum("gfk,fk->gk", system.coupling, state)
    for extended in (False, True):
        host = HostNonlinear(system, extended)
        found = host(state.numpy().astype(host.diagonal.dtype), 0.4)
        assert np.abs(found - expected.numpy()).max() < 1e-13 * float(expected.abs().max())
        assert np.abs(host.diagonal - system.diagonal.numpy()).max() <= 1e-12 * float(system.diagonal.abs().max())
