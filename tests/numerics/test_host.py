"""The numpy path of small 1-D states computes the same sums as the tensor path."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sciml import Equation
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.host import MOST_MODES, HostNonlinear, suits
from sciml.numerics.pseudospectral import PseudoSpectral

SYSTEMS = {
    "ks": (["u_t = -u*u_x - u_xx - 0.05*u_xxxx"], ["u"]),
    "kdv": (["u_t = -6*u*u_x - u_xxx"], ["u"]),
    "cahn-hilliard": (["u_t = laplacian(u**3 - u - 0.01*laplacian(u))"], ["u"]),
    "linear": (["u_t = -u_x + 0.1*u_xx"], ["u"]),
    "nonlocal": (["u_t = inverse_laplacian(u) + u*d_x(inverse_laplacian(u)) + inverse_laplacian(u**2)"], ["u"]),
    "coupled": (["u_t = v_x - u*v_x + 0.1*u_xx", "v_t = u - 3*v + u**2*v - v_xxx"], ["u", "v"]),
    "mixed atoms": (["u_t = (u + v_x)**2 - u", "v_t = v*d_x(u - v)"], ["u", "v"]),
    "only forcing": (["u_t = u_xx + cos(4*pi*x/3)*sin(2*t)"], ["u"]),
    "constant": (["u_t = u_xx + 0.7"], ["u"]),
    "forced": (["u_t = -u*u_x + cos(4*pi*x/3)*u*exp(-t) + t"], ["u"]),
    "transcendental": (["u_t = sin(u)*tanh(u_x) + exp(-u**2) - sqrt(1 + u**2)*cosh(u/4)"], ["u"]),
    "one of two at rest": (["u_t = -u*u_x", "v_t = 0*v"], ["u", "v"]),
}


def system(name: str, modes: int = 21) -> PseudoSpectral:
    statements, fields = SYSTEMS[name]
    return PseudoSpectral(Equation.parse(statements, fields, ["x"]), FourierBasis(("x",), (-0.4,), (3.0,), (modes,)))


def state(of: PseudoSpectral, seed: int = 0) -> torch.Tensor:
    values = np.random.default_rng(seed).normal(size=(len(of.fields), 2 * of.basis.modes[0] + 1))
    return of.basis.from_grid(torch.from_numpy(values))


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("modes", [1, 8, 21])
@pytest.mark.parametrize("name", SYSTEMS)
def test_parity(name: str, modes: int, extended: bool) -> None:
    tensors = system(name, modes)
    host, u, t = HostNonlinear(tensors, extended), state(tensors), 0.37
    expected = tensors.nonlinear(u, t) + torch.einsum("gfk,fk->gk", tensors.coupling, u)
    before = u.numpy().astype(host.diagonal.dtype)
    kept = before.copy()
    found = host(before, t)
    assert found.dtype == (np.clongdouble if extended else np.complex128)
    assert np.array_equal(before, kept)
    # a product of κ-fold derivatives carries the rounding of its largest part
    size = max(1.0, float(expected.abs().max()))
    assert np.abs(found - expected.numpy()).max() <= 2e-14 * size
    scale = max(1.0, float(tensors.diagonal.abs().max()))
    assert np.abs(host.diagonal - tensors.diagonal.numpy()).max() <= 4e-15 * scale  # κ⁴ rounds four times


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_whole_rate(name: str) -> None:
    tensors = system(name)
    host, u = HostNonlinear(tensors), state(tensors, 4)
    expected = tensors.rate(u, 1.5).numpy()
    found = host.diagonal * u.numpy() + host(u.numpy(), 1.5)
    assert np.abs(found - expected).max() <= 2e-14 * max(1.0, np.abs(expected).max())


def test_coupling_is_kept_apart_only_where_there_is_some() -> None:
    assert HostNonlinear(system("ks")).coupling is None
    coupling = HostNonlinear(system("coupled")).coupling
    assert coupling is not None
    assert np.array_equal(np.abs(coupling).sum(-1) > 0, [[False, True], [True, False]])


def test_extended_precision_is_more_precise() -> None:
    """(u²)_x of u = cos has coefficients known exactly."""
    if np.finfo(np.longdouble).eps > 2e-19:
        pytest.skip("longdouble has no 64-bit mantissa here")
    basis = FourierBasis(("x",), (0.0,), (3.0,), (4,))
    host = HostNonlinear(PseudoSpectral(Equation.parse(["u_t = d_x(u**2)"], ["u"], ["x"]), basis), True)
    u = np.zeros((1, 5), dtype=np.clongdouble)
    u[0, 1] = np.longdouble(1) / 3
    found = host(u, 0.0)[0, 2]
    pi = np.longdouble("3.14159265358979323846264338327950288")
    assert abs(found - 1j * (4 * pi / 3) / 9) < 1e-18


def test_which_systems_it_suits() -> None:
    equation = Equation.parse(["u_t = u_xx"], ["u"], ["x"])
    assert suits(PseudoSpectral(equation, FourierBasis(("x",), (0.0,), (1.0,), (MOST_MODES,))))
    assert not suits(PseudoSpectral(equation, FourierBasis(("x",), (0.0,), (1.0,), (MOST_MODES + 1,))))
    plane = Equation.parse(["u_t = laplacian(u)"], ["u"], ["x", "y"])
    assert not suits(PseudoSpectral(plane, FourierBasis(("x", "y"), (0.0, 0.0), (1.0, 1.0), (3, 3))))
