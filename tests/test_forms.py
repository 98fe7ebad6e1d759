"""The two readings of an equation against each other, and the linearisation against differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sciml import Equation
from sciml.equation import tree
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import PseudoSpectral, torch_function

LOW = 2  # modes of the random data; all products of degree <= 4 stay below FULL
FULL = 10
EQUATIONS = {
    "ks": (["u_t = -u*u_x - 0.5*u_xx - 0.1*u_xxxx"], ["u"], ["x"]),
    "kdv-modified": (["u_t = 6*u**2*u_x - u_xxx"], ["u"], ["x"]),
    "cahn-hilliard": (["u_t = laplacian(u**3 - u - 0.25*laplacian(u))"], ["u"], ["x"]),
    "porous": (["u_t = d_x(u*d_x(u**2 + u)) - u_x**2*u"], ["u"], ["x"]),
    "forced": (["u_t = u_xx + u*cos(x)*sin(t) - t*u**2 + cos(2*x)"], ["u"], ["x"]),
    "definitions": (["f = u**2/2", "g = d_x(f)", "u_t = -g*u + 0.1*f_xx"], ["u"], ["x"]),
    "coupled": (["u_t = v_x - u*v_xx", "v_t = u - 0.5*d_x(u*v) + v**3"], ["u", "v"], ["x"]),
    "burgers-2d": (
        ["u_t = -dot_grad(u, v, u) + 0.1*laplacian(u)", "v_t = -dot_grad(u, v, v) + 0.1*laplacian(v)"],
        ["u", "v"], ["x", "y"],
    ),
    "gray-scott": (
        ["u_t = 0.2*laplacian(u) - u*v**2 + 0.04*(1 - u)", "v_t = 0.1*laplacian(v) + u*v**2 - 0.1*v"],
        ["u", "v"], ["x", "y"],
    ),
    "zk": (["u_t = -u*u_x - u_xxx - u_xyy + d_xy(u**2)"], ["u"], ["x", "y"]),
}  # fmt: skip


def box(axes: tuple[str, ...], modes: int) -> FourierBasis:
    """Sides 2π times whole numbers in x, so that cos(x) is periodic; another length in y."""
    dim = len(axes)
    return FourierBasis(axes, (0.3, -1.0)[:dim], (2 * np.pi, 3.0)[:dim], (modes,) * dim)


def polynomial(basis: FourierBasis, fields: int, seed: int, low: int = LOW) -> torch.Tensor:
    small = basis.with_modes((low,) * basis.dim)
    values = np.random.default_rng(seed).normal(size=(fields, *(2 * low + 1,) * basis.dim))
    return small.resize(small.from_grid(torch.from_numpy(0.4 * values)), basis)


def strong_rates(equation: Equation, basis: FourierBasis, state: torch.Tensor, t: float) -> torch.Tensor:
    """F(u, u_x, …) at points, its derivatives summed term by term from the series, not by an FFT."""
    shape = (4 * FULL + 1,) * basis.dim
    points = basis.points(shape)
    index = torch.meshgrid(*(torch.arange(n) for n in basis.shape), indexing="ij")
    kappa = [basis.wavenumbers[a].reshape(-1)[i.reshape(-1)] for a, i in zip(basis.axes, index, strict=True)]
    flat = [p.reshape(-1) for p in torch.meshgrid(*(points[a].reshape(-1) for a in basis.axes), indexing="ij")]
    phase = sum(torch.outer(x - low, k) for x, k, low in zip(flat, kappa, basis.lower, strict=True))
    waves = torch.polar(basis.weights.reshape(-1).expand_as(phase), phase)
    atoms = []
    for name, orders in equation.strong.derivatives:
        symbol = torch.ones(len(kappa[0]), dtype=torch.complex128)
        for axis, order in orders:
            symbol = symbol * (1j * kappa[basis.axes.index(axis)]) ** order
        values = waves @ (symbol * state[equation.fields.index(name)].reshape(-1))
        atoms.append(values.real.reshape(shape))

    def leaf(node: tree.Expr) -> torch.Tensor | float:
        if isinstance(node, tree.Atom):
            return atoms[node.index]
        assert isinstance(node, tree.Coordinate)
        return t if node.name == "t" else points[node.name]

    rates = [tree.evaluate(equation.strong.rates[f], leaf, torch_function) for f in equation.fields]
    return torch.stack([torch.as_tensor(r, dtype=torch.float64).expand(shape) for r in rates])


@pytest.mark.parametrize("name", EQUATIONS)
@settings(max_examples=5, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), t=st.floats(0.0, 2.0))
def test_both_readings_agree(name: str, seed: int, t: float) -> None:
    equation = Equation.parse(*EQUATIONS[name])
    basis = box(equation.axes, FULL)
    state = polynomial(basis, len(equation.fields), seed)
    exact = strong_rates(equation, basis, state, t)
    found = basis.to_grid(PseudoSpectral(equation, basis).rate(state, t), exact.shape[1:])
    assert float((found - exact).abs().max()) <= 1e-10 * max(1.0, float(exact.abs().max()))


def test_nonlocal_reading_solves_its_poisson_equation() -> None:
    equation = Equation.parse(["w_t = inverse_laplacian(w) + inverse_laplacian(w**2)"], ["w"], ["x", "y"])
    basis = box(("x", "y"), FULL)
    state = polynomial(basis, 1, 5)
    rate = PseudoSpectral(equation, basis).rate(state, 0.0)
    kappa = basis.wavenumbers
    grid = (4 * FULL,) * 2
    values = basis.to_grid(state, grid)
    right = basis.from_grid(values + values**2)
    right[..., 0, 0] = 0.0
    assert torch.allclose(-(kappa["x"] ** 2 + kappa["y"] ** 2) * rate, right, rtol=0, atol=1e-13)
    assert complex(rate[0, 0, 0]) == 0.0


TANGENTS = {k: EQUATIONS[k] for k in ("ks", "cahn-hilliard", "forced", "coupled", "gray-scott", "zk")} | {
    "sine": (["u_t = sin(u)*u_x + exp(-u**2)"], ["u"], ["x"]),
    "vorticity": (
        ["psi = inverse_laplacian(-w)", "w_t = -dot_grad(psi_y, -psi_x, w) + 0.1*laplacian(w)"], ["w"], ["x", "y"],
    ),
}  # fmt: skip


def inner(basis: FourierBasis, a: torch.Tensor, b: torch.Tensor) -> float:
    return float((basis.weights * (a.conj() * b).real).sum())


@pytest.mark.parametrize("name", TANGENTS)
def test_tangent_is_the_limit_of_differences(name: str) -> None:
    equation = Equation.parse(*TANGENTS[name])
    basis, t, h = box(equation.axes, 5), 0.7, 1e-3
    system = PseudoSpectral(equation, basis)
    u, v = (polynomial(basis, len(equation.fields), seed, 5) for seed in (1, 2))

    def slope(h: float) -> torch.Tensor:
        return (system.nonlinear(u + h * v, t) - system.nonlinear(u - h * v, t)) / (2 * h)

    limit = (4 * slope(h / 2) - slope(h)) / 3  # Richardson: error O(h⁴)
    found = system.linearise(u, t).apply(v)
    assert float(found.abs().max()) > 1e-2
    assert float((found - limit).abs().max()) <= 1e-9 * float(found.abs().max())


@pytest.mark.parametrize("name", TANGENTS)
def test_adjoint_identities(name: str) -> None:
    equation = Equation.parse(*TANGENTS[name])
    basis, t = box(equation.axes, 5), 0.7
    system = PseudoSpectral(equation, basis)
    u, v, w = (polynomial(basis, len(equation.fields), seed, 5) for seed in (1, 2, 3))
    tangent = system.linearise(u, t)
    pairs = [(tangent.apply(v), tangent.adjoint(w)), (system.apply_linear(v), system.adjoint_linear(w))]
    for forward, backward in pairs:
        scale = np.sqrt(inner(basis, w, w) * inner(basis, forward, forward)) + 1e-300
        assert abs(inner(basis, w, forward) - inner(basis, backward, v)) <= 1e-13 * scale


def test_a_batch_is_its_members() -> None:
    equation = Equation.parse(*EQUATIONS["forced"])
    basis = box(("x",), 6)
    system = PseudoSpectral(equation, basis)
    batch = torch.stack([polynomial(basis, 1, seed, 6) for seed in range(3)])
    times = torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64)
    rates, tangents = system.rate(batch, times), system.linearise(batch, times).apply(batch)
    for i, t in enumerate(times.tolist()):
        assert torch.allclose(rates[i], system.rate(batch[i], t), rtol=0, atol=1e-14)
        assert torch.allclose(tangents[i], system.linearise(batch[i], t).apply(batch[i]), rtol=0, atol=1e-14)


NONLOCAL = {
    "vorticity": (
        ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x", "w_t = -u*w_x - v*w_y + 0.1*laplacian(w)"],
        ["w"], ["x", "y"],
    ),
    "ideal flow": (
        ["p = inverse_laplacian(-(u_x**2 + 2*u_y*v_x + v_y**2))", "u_t = -u*u_x - v*u_y - p_x",
         "v_t = -u*v_x - v*v_y - p_y"], ["u", "v"], ["x", "y"],
    ),
    "nested": (["w_t = d_xy(inverse_laplacian(w**2 + inverse_laplacian(w))) + inverse_laplacian(w)"], ["w"], ["x", "y"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NONLOCAL)
def test_the_localised_reading_agrees(name: str) -> None:
    """Auxiliary fields, each from its Poisson equation by FFT, give the same rates as the pseudo-spectral reading."""
    equation = Equation.parse(*NONLOCAL[name])
    form, basis, grid = equation.localised, box(equation.axes, FULL), (4 * FULL + 1,) * 2
    state = polynomial(basis, len(equation.fields), 3)
    kappa = basis.wavenumbers
    square = kappa["x"] ** 2 + kappa["y"] ** 2
    coefficients = dict(zip(equation.fields, state, strict=True))

    def leaf(node: tree.Expr) -> torch.Tensor:
        assert isinstance(node, tree.Atom)
        field, orders = form.derivatives[node.index]
        spectrum = coefficients[field]
        for axis, order in orders:
            spectrum = spectrum * (1j * kappa[axis]) ** order
        return basis.to_grid(spectrum[None], grid)[0]

    for auxiliary, source in form.sources.items():
        right = basis.from_grid(tree.evaluate(source, leaf, torch_function)[None])[0]
        coefficients[auxiliary] = torch.where(square > 0, -right / torch.where(square > 0, square, 1.0), 0.0)
    exact = basis.to_grid(PseudoSpectral(equation, basis).rate(state, 0.0), grid)
    for i, field in enumerate(equation.fields):
        rate = basis.from_grid(tree.evaluate(form.rates[field], leaf, torch_function)[None])
        assert float((basis.to_grid(rate, grid)[0] - exact[i]).abs().max()) < 1e-11 * float(exact.abs().max() + 1)


def test_local_equations_have_no_auxiliary_fields() -> None:
    equation = Equation.parse(*EQUATIONS["coupled"])
    assert equation.localised == equation.strong and not equation.strong.sources


BASDEVANT = ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x", "w_t = 3*w**2 - 2*dot_grad(u, v, w) + laplacian(w)"]


def test_vorticity_takes_two_transforms_each_way() -> None:
    """And not four and one; in three dimensions, where the identity does not hold, nothing is rewritten."""
    plane = Equation.parse([*BASDEVANT[:3], "w_t = -dot_grad(u, v, w)"], ["w"], ["x", "y"]).semilinear
    assert (len(plane.atoms), len(plane.products)) == (2, 2)
    box = Equation.parse([*BASDEVANT[:3], "w_t = -u*w_x - v*w_y"], ["w"], ["x", "y", "z"]).semilinear
    assert (len(box.atoms), len(box.products)) == (4, 1)


@pytest.mark.parametrize("rate", [
    "-dot_grad(u, v, w)", "3*w**2 - 2*dot_grad(u, v, w)", "u*w_y", "u*w_x - v*w_y", "u*w_x + 2*v*w_y", "u*v_x + v*u_y",
    "-u*w_x - v*w_y + w*cos(x)", "2*d_x(dot_grad(u, v, w))",
])  # fmt: skip
def test_the_divergence_form_is_the_same_equation(rate: str) -> None:
    """Against the plain form, evaluated without aliasing: only the pair g_y w_x - g_x w_y is rewritten."""
    from sciml.equation.forms import semilinear
    from sciml.numerics.fourier import FourierBasis
    from sciml.numerics.pseudospectral import PseudoSpectral

    equation = Equation.parse([*BASDEVANT[:3], f"w_t = {rate}"], ["w"], ["x", "y"])
    basis = FourierBasis(("x", "y"), (0.0, 0.0), (2 * np.pi, 3.0), (6, 9))
    u = basis.from_grid(torch.from_numpy(np.random.default_rng(1).normal(size=(1, 13, 19))))
    rewritten = PseudoSpectral(equation, basis).rate(u, 0.0)
    object.__setattr__(equation, "semilinear", semilinear(equation.fields, equation.numeric_rates()))
    assert len(equation.semilinear.atoms) >= 2
    plain = PseudoSpectral(equation, basis).rate(u, 0.0)
    assert float((rewritten - plain).abs().max()) < 1e-13 * float(plain.abs().max())
