"""Truncated Fourier series: grids, truncation, symbols, de-aliasing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from sciml import Equation
from sciml.equation import Monomial
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import PseudoSpectral

MODES = [(1,), (7,), (16,), (3, 5), (6, 1), (2, 3, 4)]


def box(modes: tuple[int, ...]) -> FourierBasis:
    dim = len(modes)
    return FourierBasis(("x", "y", "z")[:dim], (-1.0, 0.5, 2.0)[:dim], (2.0, 3.0, 0.7)[:dim], modes)


def real_field(basis: FourierBasis, seed: int = 0, batch: tuple[int, ...] = (2,)) -> torch.Tensor:
    """Coefficients of a random real field with all modes present."""
    shape = (*batch, *(2 * k + 1 for k in basis.modes))
    return basis.from_grid(torch.from_numpy(np.random.default_rng(seed).normal(size=shape)))


def series(basis: FourierBasis, state: torch.Tensor, shape: tuple[int, ...]) -> np.ndarray:
    """u = Σ û_k exp(iκ·(x - lower)) summed over all modes, the conjugate half included, without an FFT."""
    total = np.zeros((*state.shape[: -basis.dim], *shape))
    grids = np.meshgrid(*(length / n * np.arange(n) for length, n in zip(basis.lengths, shape, strict=True)), indexing="ij")
    for index in itertools.product(*(range(n) for n in basis.shape)):
        k = [i if i <= K else i - 2 * K - 1 for i, K in zip(index[:-1], basis.modes[:-1], strict=True)] + [index[-1]]
        phase = sum(2 * np.pi * n / length * g for n, length, g in zip(k, basis.lengths, grids, strict=True))
        wave = np.exp(1j * phase) * (1 if index[-1] == 0 else 2)
        total += np.real(np.multiply.outer(state[(..., *index)].numpy(), wave))
    return total


@pytest.mark.parametrize("modes", MODES)
@pytest.mark.parametrize("extra", [1, 2, 3, 8])
def test_round_trip_on_odd_and_even_grids(modes: tuple[int, ...], extra: int) -> None:
    basis = box(modes)
    state = real_field(basis)
    shape = tuple(2 * k + extra + d for d, k in enumerate(modes))
    values = basis.to_grid(state, shape)
    assert values.dtype == torch.float64
    assert values.shape == (2, *shape)
    assert np.abs(values.numpy() - series(basis, state, shape)).max() < 2e-14 * float(values.abs().max())
    assert torch.allclose(basis.from_grid(values), state, rtol=0, atol=1e-15)


def test_large_arrays_take_the_other_transform() -> None:
    basis = box((40,))
    state = real_field(basis, batch=(200,))  # more entries than SMALL
    together = basis.to_grid(state, (128,))
    apart = torch.stack([basis.to_grid(row, (128,)) for row in state])
    assert torch.allclose(together, apart, rtol=0, atol=1e-14)
    assert torch.allclose(basis.from_grid(together), state, rtol=0, atol=1e-15)


def test_gradients_pass_through_both_ways() -> None:
    basis = box((3, 4))
    values = real_field(basis).clone().requires_grad_()
    again = basis.from_grid(basis.to_grid(values, (9, 10)))
    (basis.weights * again.abs() ** 2).sum().backward()
    assert values.grad is not None
    assert float(values.grad.abs().max()) > 0


@pytest.mark.parametrize("modes", MODES)
def test_a_grid_that_is_too_coarse_is_refused(modes: tuple[int, ...]) -> None:
    basis = box(modes)
    for d in range(len(modes)):
        shape = [2 * k + 1 for k in modes]
        shape[d] -= 1
        with pytest.raises(ValueError, match="too coarse"):
            basis.to_grid(real_field(basis), shape)


@pytest.mark.parametrize("modes", MODES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 12, 40])
def test_sample_is_exact_on_any_grid(modes: tuple[int, ...], size: int) -> None:
    basis = box(modes)
    if size == 40 and len(modes) == 3:
        size = 11
    state = real_field(basis, seed=1)
    shape = tuple(size + d for d in range(len(modes)))
    found = basis.sample(state, shape)
    assert found.shape == (2, *shape)
    assert np.abs(found.numpy() - series(basis, state, shape)).max() < 1e-13


@pytest.mark.parametrize("modes", MODES)
def test_from_a_grid_that_cannot_hold_the_modes(modes: tuple[int, ...]) -> None:
    """What a coarse grid does hold is kept, the rest is zero."""
    small = box(modes)
    large = small.with_modes(tuple(2 * k + 3 for k in modes))
    state = real_field(small)
    values = small.to_grid(state, tuple(2 * k + 1 for k in modes))
    assert torch.allclose(large.from_grid(values), small.resize(state, large), rtol=0, atol=1e-15)


@pytest.mark.parametrize("modes", MODES)
def test_resize_keeps_the_series(modes: tuple[int, ...]) -> None:
    basis = box(modes)
    state = real_field(basis)
    wide = basis.with_modes(tuple(k + 2 + d for d, k in enumerate(modes)))
    grown = basis.resize(state, wide)
    shape = tuple(2 * k + 1 for k in wide.modes)
    assert grown.shape == (2, *wide.shape)
    assert torch.allclose(wide.to_grid(grown, shape), basis.to_grid(state, shape), rtol=0, atol=2e-14)
    assert torch.equal(wide.resize(grown, basis), state)
    narrow = basis.with_modes(tuple(max(k - 1, 1) for k in modes))
    fine = tuple(2 * k + 2 for k in modes)
    cut = narrow.from_grid(basis.to_grid(state, fine))
    assert torch.allclose(basis.resize(state, narrow), cut, rtol=0, atol=1e-15)


def test_resize_grows_one_axis_and_shrinks_another() -> None:
    basis, other = box((4, 6)), box((7, 2))
    state = real_field(basis)
    cut = other.from_grid(basis.to_grid(state, (20, 20)))
    cut[:, 5:10] = 0
    assert torch.allclose(basis.resize(state, other), cut, rtol=0, atol=1e-15)


@pytest.mark.parametrize("modes", MODES)
def test_parseval(modes: tuple[int, ...]) -> None:
    basis = box(modes)
    u, v = real_field(basis, 1), real_field(basis, 2)
    shape = tuple(2 * k + 3 for k in modes)
    mean = (basis.to_grid(u, shape) * basis.to_grid(v, shape)).mean()
    found = (basis.weights * (u.conj() * v).real).reshape(2, -1).sum(1).mean()
    assert float(found) == pytest.approx(float(mean), rel=1e-12, abs=1e-14)
    square = (basis.to_grid(u, shape) ** 2).mean()
    assert float((basis.weights * u.abs() ** 2).sum() / 2) == pytest.approx(float(square), rel=1e-14)


WAVES = [(1, 0), (0, 1), (2, 3), (-1, 2), (3, -2), (-3, -4)]


@pytest.mark.parametrize("orders", [(1, 0), (0, 1), (2, 0), (3, 1), (0, 4), (1, 1), (5, 0)])
@pytest.mark.parametrize("wave", WAVES)
def test_symbols_are_derivatives(orders: tuple[int, int], wave: tuple[int, int]) -> None:
    basis = box((4, 5))
    grid = (11, 13)
    x, y = (p.numpy() for p in basis.points(grid).values())
    kx, ky = (2 * math.pi * n / length for n, length in zip(wave, basis.lengths, strict=True))
    phase = kx * x + ky * y + 0.3
    turn = sum(orders) * math.pi / 2  # each derivative turns the phase by a quarter
    exact = 2.5 * kx ** orders[0] * ky ** orders[1] * np.cos(phase + turn)
    state = basis.from_grid(torch.from_numpy(np.cos(phase)))
    powers = tuple((a, n) for a, n in zip("xy", orders, strict=True) if n)
    found = basis.to_grid(basis.symbol(Monomial(2.5, powers)) * state, grid).numpy()
    assert np.abs(found - exact).max() < 1e-13 * max(np.abs(basis.symbol(Monomial(2.5, powers))).max(), 1)


@pytest.mark.parametrize("wave", WAVES)
def test_inverse_laplacian(wave: tuple[int, int]) -> None:
    basis, grid = box((4, 5)), (11, 13)
    x, y = (p.numpy() for p in basis.points(grid).values())
    kx, ky = (2 * math.pi * n / length for n, length in zip(wave, basis.lengths, strict=True))
    u = np.sin(kx * x + ky * y) + 7.0  # the mean has no inverse: it becomes zero
    found = basis.to_grid(basis.symbol(Monomial(1.0, (), 2)) * basis.from_grid(torch.from_numpy(u)), grid)
    assert np.abs(found.numpy() - (u - 7.0) / (kx**2 + ky**2) ** 2).max() < 1e-15


@pytest.mark.parametrize("order", range(1, 9))
def test_symbols_are_purely_real_or_imaginary(order: int) -> None:
    symbol = box((40,)).symbol(Monomial(-0.7, (("x", order),)))
    part = symbol.imag if order % 2 == 0 else symbol.real
    assert float(part.abs().max()) == 0.0


def test_operators_add_up() -> None:
    basis = box((4, 5))
    laplacian = (Monomial(1.0, (("x", 2),)), Monomial(1.0, (("y", 2),)))
    product = basis.symbol(laplacian) * basis.inverse_laplacian
    expected = torch.ones(basis.shape, dtype=torch.complex128)
    expected[0, 0] = 0
    assert torch.allclose(product, expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("degree", [2, 3, 4, 5])
@pytest.mark.parametrize("modes", [(5,), (8,), (3, 4), (2, 3, 2)])
def test_products_are_exact_projections(degree: int, modes: tuple[int, ...]) -> None:
    basis = box(modes)
    equation = Equation.parse([f"u_t = u**{degree}"], ["u"], basis.axes)
    state = real_field(basis, 3, (1,))
    system = PseudoSpectral(equation, basis)
    fine = tuple(2 * degree * k + 3 for k in modes)  # holds every mode of the product
    exact = basis.from_grid(basis.to_grid(state, fine) ** degree)
    found = system.nonlinear(state, 0.0)
    assert float((found - exact).abs().max()) < 1e-14 * float(exact.abs().max())
    assert all(n >= (degree + 1) * k + 1 for n, k in zip(system.shape, modes, strict=True))


@pytest.mark.parametrize("degree", [2, 3])
def test_a_grid_one_point_too_small_would_alias(degree: int) -> None:
    """The bound n >= (degree + 1) K + 1 is sharp: with n = (degree + 1) K the top mode is polluted."""
    K = 8
    basis = FourierBasis(("x",), (0.0,), (2 * math.pi,), (K,))
    state = torch.zeros(K + 1, dtype=torch.complex128)
    state[K] = 0.5
    values = {n: basis.from_grid(basis.to_grid(state, (n,)) ** degree) for n in ((degree + 1) * K, (degree + 1) * K + 1)}
    true = 0.375 if degree == 3 else 0.0  # cos³ = (3 cos + cos 3·)/4
    polluted, clean = (abs(float(v[K].real) - true) for v in values.values())
    assert clean < 1e-15
    assert polluted > 0.1


def test_product_grids_are_even_and_fast() -> None:
    for k in range(1, 200):
        basis = FourierBasis(("x",), (0.0,), (1.0,), (k,))
        for degree in (1, 2, 3, None):
            (n,) = basis.product_grid(degree)
            assert n % 2 == 0
            rest = n
            for prime in (2, 3, 5):
                while rest % prime == 0:
                    rest //= prime
            assert rest == 1
            assert n >= ((degree or 3) + 1) * k + 1 or (degree == 1 and n >= 3 * k + 1)


def test_tail_sees_each_axis() -> None:
    basis = box((20, 20))
    state = torch.zeros((1, *basis.shape), dtype=torch.complex128)
    state[0, 0, 0], state[0, 1, 0] = 1e6, 2.0
    assert basis.tail(state) == [0.0, 0.0]
    state[0, -19, 3] = 2e-5  # k_x = -19
    assert basis.tail(state) == pytest.approx([1e-5, 0.0])
    state[0, 2, 20] = 2e-7
    assert basis.tail(state) == pytest.approx([1e-5, 1e-7])
    assert basis.tail(torch.zeros_like(state)) == [0.0, 0.0]


def test_an_ode_has_a_basis_without_axes() -> None:
    basis = FourierBasis((), (), (), ())
    state = torch.tensor([1.0, -2.0], dtype=torch.float64)
    assert basis.shape == ()
    assert torch.equal(basis.to_grid(basis.from_grid(state), ()), state)
    assert float(basis.weights) == 1.0
