"""The compiled kernels compute what `HostNonlinear`, `PseudoSpectral` and `Etdrk4` compute, for every kind of equation
and grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciml import Equation
from sciml.kernels import spectral
from sciml.numerics.compiled import compiled, tables
from sciml.numerics.exponential import Etdrk4
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.host import HostNonlinear
from sciml.numerics.pseudospectral import PseudoSpectral

pytestmark = pytest.mark.skipif(not spectral.available(1), reason="no C++ compiler here")

SYSTEMS = {
    "ks": (["u_t = -u*u_x - u_xx - 0.05*u_xxxx"], ["u"]),
    "kdv": (["u_t = -6*u*u_x - u_xxx"], ["u"]),
    "linear": (["u_t = -u_x + 0.1*u_xx"], ["u"]),
    "nonlocal": (["u_t = inverse_laplacian(u) + u*d_x(inverse_laplacian(u)) + inverse_laplacian(u**2)"], ["u"]),
    "coupled": (["u_t = v_x - u*v_x + 0.1*u_xx", "v_t = u - 3*v + u**2*v - v_xxx"], ["u", "v"]),
    "the same product twice": (["u_t = u*v + u_xx", "v_t = d_x(u*v) + v_xx"], ["u", "v"]),
    "an atom as product": (["u_t = x*u + u_xx", "v_t = d_x(u/(1+0*x)) - v"], ["u", "v"]),
    "only forcing": (["u_t = u_xx + cos(4*pi*x/3)*sin(2*t)"], ["u"]),
    "forced": (["u_t = -u*u_x + cos(4*pi*x/3)*u*exp(-t) + t"], ["u"]),
    "functions": (["u_t = sin(u)*tanh(u_x) + exp(-u**2) - sqrt(1 + u**2)*cosh(u/4) + u_xx"], ["u"]),
    "more functions": (["u_t = cos(u)*sinh(u_x/9) + log(2 + u**2) + tan(u/20) + (3 + u**2)**1.5 + u**7/99"], ["u"]),
    "one of two at rest": (["u_t = -u*u_x", "v_t = 0*v"], ["u", "v"]),
}


def made(name: str, modes: int, threads: int = 1) -> tuple[HostNonlinear, spectral.Spectral]:
    statements, fields = SYSTEMS[name]
    basis = FourierBasis(("x",), (-0.4,), (3.0,), (modes,))
    system = PseudoSpectral(Equation.parse(statements, fields, ["x"]), basis)
    return HostNonlinear(system), compiled(system, threads)


def states(host: HostNonlinear, batch: int, seed: int = 0) -> np.ndarray:
    """Smooth random ones, (batch, fields, K+1)."""
    rng = np.random.default_rng(seed)
    shape = (batch, len(host.outer), host.count)
    u = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / (1 + np.arange(host.count)) ** 2
    u[..., 0] = u[..., 0].real
    return u


def far(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("modes", [1, 8, 21])
@pytest.mark.parametrize("name", SYSTEMS)
def test_parity_with_numpy(name: str, modes: int) -> None:
    host, kernel = made(name, modes)
    u = states(host, 3)
    times = np.array([0.0, 0.37, 2.0])
    kernel._arrays(u.shape).out[...] = np.nan  # what is not written shows
    before = u.copy()
    found = kernel.nonlinear(u, times)
    assert np.array_equal(u, before)
    assert far(found, np.stack([host(u[i], times[i]) for i in range(3)])) < 2e-14


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 1500), st.integers(0, 2**32))
def test_every_length(modes: int, seed: int) -> None:
    host, kernel = made("ks", modes)
    u = states(host, 1, seed)[0]
    assert far(kernel.nonlinear(u, 0.0), host(u, 0.0)) < 2e-14 + 3e-16 * modes  # rounding, times a wavenumber


@pytest.mark.parametrize("name", ["ks", "coupled", "forced"])
def test_steps_are_those_of_the_scheme(name: str) -> None:
    host, kernel = made(name, 21)
    u, h, t = states(host, 1)[0], 1e-3, 0.2
    scheme = Etdrk4.build(host.diagonal, h)
    expected = u
    for step in range(5):
        at = t + step * h
        expected = scheme.advance(expected, at, host, host(expected, at))
    assert far(kernel.advance(u, t, tables(scheme), steps=5), expected) < 1e-14
    known = kernel.advance(u, t, tables(scheme), rate=host(u, t))
    assert far(known, scheme.advance(u, t, host, host(u, t))) < 1e-14


def test_two_tables_side_by_side() -> None:
    host, kernel = made("coupled", 21)
    u = states(host, 1)[0]
    whole, half = (tables(Etdrk4.build(host.diagonal, h)) for h in (1e-3, 5e-4))
    both = kernel.advance(u, 0.1, whole.beside(half), rate=host(u, 0.1))
    for one, table in zip(both, (whole, half), strict=True):
        assert np.array_equal(one, kernel.advance(u, 0.1, table, rate=host(u, 0.1)))


def test_neither_batch_nor_threads_change_a_bit() -> None:
    host, kernel = made("ks", 30)
    _, threaded = made("ks", 30, threads=2)  # enough of them to be shared out
    u, table = states(host, 203), tables(Etdrk4.build(host.diagonal, 1e-4))
    alone = np.stack([kernel.advance(member, 0.0, table, steps=7) for member in u])
    assert np.array_equal(kernel.advance(u, 0.0, table, steps=7), alone)
    assert np.array_equal(threaded.advance(u, 0.0, table, steps=7), alone)
    assert np.array_equal(threaded.nonlinear(u, 0.0), kernel.nonlinear(u, 0.0))


@pytest.mark.parametrize(("name", "end"), [("ks", 0.02), ("kdv", 0.01), ("forced", 0.5)])
def test_order_four(name: str, end: float) -> None:
    """On a dissipative, a dispersive and a forced equation."""
    host, kernel = made(name, 8)  # few: |hL| passes soon through where the order shows late
    u = 0.5 * states(host, 1)[0]

    def march(parts: int) -> np.ndarray:
        return kernel.advance(u, 0.0, tables(Etdrk4.build(host.diagonal, end / parts)), steps=parts)

    base = {"ks": 100, "kdv": 400, "forced": 10}[name]
    exact = march(16 * base)
    errors = [np.abs(march(parts) - exact).max() for parts in (base, 2 * base)]
    assert errors[1] > 1e-13  # above rounding
    assert 3.85 < np.log2(errors[0] / errors[1]) < 4.15


PLANES = {
    "vorticity": (
        ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x", "w_t = -dot_grad(u, v, w) + 0.01*laplacian(w)"], ["w"]
    ),
    "gray-scott": (
        ["u_t = 0.02*laplacian(u) - u*v**2 + 0.04*(1 - u)", "v_t = 0.01*laplacian(v) + u*v**2 - 0.1*v"], ["u", "v"]
    ),
    "coupled": (["u_t = v_x - u*v_y + laplacian(u)", "v_t = u - 3*v + x*cos(y)*u*v"], ["u", "v"]),
    "forced": (["u_t = -u*u_x + sin(2*pi*x/3)*exp(-t)*u_y + t"], ["u"]),
    "at rest": (["u_t = u*u_y", "v_t = 0*v"], ["u", "v"]),
}  # fmt: skip


def plane(name: str, modes: tuple[int, int], threads: int = 1) -> tuple[PseudoSpectral, spectral.Spectral]:
    statements, fields = PLANES[name]
    basis = FourierBasis(("x", "y"), (-0.4, 0.3), (3.0, 2.0), modes)
    system = PseudoSpectral(Equation.parse(statements, fields, ["x", "y"]), basis)
    return system, compiled(system, threads)


def fields_on(system: PseudoSpectral, batch: int, seed: int = 0) -> np.ndarray:
    """Real fields' coefficients, decaying, (batch, fields, 2K+1, K+1)."""
    basis = system.basis
    shape = (batch, len(system.fields), *(2 * k + 1 for k in basis.modes))
    values = torch.from_numpy(np.random.default_rng(seed).normal(size=shape))
    smooth = 1 / (1 + sum(kappa**2 for kappa in basis.wavenumbers.values()))
    return (basis.from_grid(values) * smooth).numpy()


def whole(system: PseudoSpectral, u: np.ndarray, t: float) -> np.ndarray:
    """N with the coupling, by torch."""
    state = torch.from_numpy(u)
    return (system.nonlinear(state, t) + torch.einsum("gf...,f...->g...", system.coupling, state)).numpy()


@pytest.mark.parametrize("modes", [(1, 1), (2, 5), (9, 4), (21, 17)])
@pytest.mark.parametrize("name", PLANES)
def test_planes_agree_with_torch(name: str, modes: tuple[int, int]) -> None:
    system, kernel = plane(name, modes)
    u, times = fields_on(system, 2), np.array([0.0, 0.37])
    kernel._arrays(u.shape).out[...] = np.nan
    found = kernel.nonlinear(u, times)
    assert far(found, np.stack([whole(system, u[i], times[i]) for i in range(2)])) < 1e-14


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**32))
def test_planes_of_every_shape(first: int, second: int, seed: int) -> None:
    system, kernel = plane("vorticity", (first, second))
    u = fields_on(system, 1, seed)[0]
    assert far(kernel.nonlinear(u, 0.0), whole(system, u, 0.0)) < 1e-14


@pytest.mark.parametrize("name", ["vorticity", "coupled", "gray-scott"])
def test_steps_on_a_plane_are_those_of_the_scheme(name: str) -> None:
    system, kernel = plane(name, (9, 12))
    u, h, t = fields_on(system, 1)[0], 1e-3, 0.2
    scheme = Etdrk4.build(system.diagonal.numpy(), h)
    expected = u
    for step in range(4):
        at = t + step * h
        expected = scheme.advance(expected, at, lambda w, s: whole(system, w, s), whole(system, expected, at))
    assert far(kernel.advance(u, t, tables(scheme), steps=4), expected) < 1e-14
    table, half = tables(scheme), tables(Etdrk4.build(system.diagonal.numpy(), h / 2))
    known = kernel.nonlinear(u, t)
    one, two = kernel.advance(u, t, table.beside(half), rate=known)
    assert np.array_equal(one, kernel.advance(u, t, table)) and np.array_equal(two, kernel.advance(u, t, half))


def test_neither_batch_nor_threads_change_a_bit_of_a_plane() -> None:
    system, kernel = plane("gray-scott", (13, 20))
    _, threaded = plane("gray-scott", (13, 20), threads=3)
    u, table = fields_on(system, 5), tables(Etdrk4.build(system.diagonal.numpy(), 1e-2))
    alone = np.stack([kernel.advance(member, 0.0, table, steps=7) for member in u])
    assert np.array_equal(kernel.advance(u, 0.0, table, steps=7), alone)
    assert np.array_equal(threaded.advance(u, 0.0, table, steps=7), alone)


def test_a_grid_without_a_fast_transform_is_refused() -> None:
    told = spectral.Description(("x",), (3,), 1, 0, [], [], [])
    with pytest.raises(ValueError, match="no fast transform on a grid of \\(14,\\) points"):
        spectral.Spectral(told, (14,), [np.arange(14.0)])
