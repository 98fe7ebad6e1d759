"""The joint network: its derivative matrices, its Jacobian, and windows whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sciml_pinn_causal.joint.ansatz import Joint, Settings, size, solve
from sciml_pinn_causal.joint.features import Features

from sciml import Axis, Equation, Grid, Problem
from sciml.errors import UsageError
from sciml.numerics.initial import fourier_basis, initial_coefficients
from sciml.run import Run


def problem(statements: list[str], initial: dict[str, str], upper: float = 2 * math.pi) -> Problem:
    equation = Equation.parse(statements, list(initial), ["x"])
    grid = Grid((Axis("x", 0.0, upper, 64),), np.linspace(0.0, 1.0, 3))
    return Problem("test", equation, grid, initial_text=initial)


def ansatz(task: Problem, modes: int, seed: int = 0, **settings: float) -> Joint:
    basis = fourier_basis(task, (modes,))
    return Joint(task, basis, Run(seed=seed), Settings(**{"tolerance": 1e-8, **settings}))


KS = problem(["u_t = -5*u*u_x - 0.5*u_xx - 0.005*u_xxxx"], {"u": "-sin(pi*x)"}, upper=2.0)


def test_derivative_matrices_are_those_of_automatic_differentiation() -> None:
    features = Features.draw(np.random.default_rng(3), 7, 4, 0.8, 0.5, math.pi)
    tau = torch.tensor([0.1, 0.9], dtype=torch.float64)
    x = torch.tensor([0.0, 0.4, 1.3], dtype=torch.float64)
    rate, jet = features.jet(tau, x, 4)
    t, y = torch.meshgrid(tau, x, indexing="ij")
    t, y = t.clone().requires_grad_(), y.clone().requires_grad_()
    kappa = math.pi * torch.arange(1, 5, dtype=torch.float64)
    angle = y[..., None] * kappa
    embedded = angle.cos() @ features.cosine + angle.sin() @ features.sine
    phi = torch.tanh(features.rate * t[..., None] + embedded + features.bias)
    for f in range(7):
        value = phi[..., f]
        torch.testing.assert_close(jet[0][..., f], value)
        (slope,) = torch.autograd.grad(value.sum(), t, retain_graph=True)
        torch.testing.assert_close(rate[..., f], slope)
        for order in range(1, 5):
            (value,) = torch.autograd.grad(value.sum(), y, create_graph=True)
            torch.testing.assert_close(jet[order][..., f], value, rtol=1e-10, atol=1e-9)


def test_jacobian_is_the_derivative_of_the_filtered_residual() -> None:
    rates = ["u_t = v*u_x + sin(x)*u**2 - u_xxxx", "v_t = u_xx + t*v*u"]
    task = problem(rates, {"u": "sin(x)", "v": "cos(x)"})
    joint = ansatz(task, 8)
    points = joint.points
    start = points.start_atoms(initial_coefficients(task, joint.basis))
    filters = joint.length(0.01).filters
    c = torch.as_tensor(np.random.default_rng(1).normal(size=(2, points.slopes.shape[1])))

    def residual(c: torch.Tensor) -> torch.Tensor:
        return (points.residual(points.atoms(start, c), c, 0.3, 0.01) @ filters).flatten()

    exact = torch.autograd.functional.jacobian(residual, c).flatten(1)
    ours = points.jacobian(points.atoms(start, c), filters, 0.3, 0.01)
    torch.testing.assert_close(ours, exact, rtol=1e-9, atol=1e-9 * float(exact.abs().max()))


def test_preconditioned_and_dense_solutions_agree() -> None:
    joint = ansatz(KS, 24)
    start = initial_coefficients(KS, joint.basis)
    known, points = joint.length(1e-3), joint.points
    c = torch.zeros(1, points.slopes.shape[1], dtype=torch.float64)
    atoms = points.atoms(points.start_atoms(start), c)
    residual = points.residual(atoms, c, 0.0, 1e-3) @ known.filters
    jacobian = points.jacobian(atoms, known.filters, 0.0, 1e-3)
    ones = torch.ones(len(points.tau), dtype=torch.float64)
    step, inner = solve(jacobian, residual, ones, known.factor)
    assert inner > 0
    image = (jacobian @ step.flatten()).reshape(residual.shape)
    dense = torch.linalg.lstsq(jacobian, residual.reshape(-1, 1)).solution
    exact = (jacobian @ dense).reshape(residual.shape)
    assert float(size(image - exact).max()) < 1e-3 * float(size(exact).max())
    late = torch.where(points.tau > 0.5, 0.0, 1.0)  # times that no weight sees yet must not run away
    step, inner = solve(jacobian, residual, late, known.factor)
    assert inner == 0
    image = (jacobian @ step.flatten()).reshape(residual.shape)
    assert float(size(image).max()) < 10 * float(size(residual).max())


@pytest.mark.parametrize("seed", [0, 1])
def test_heat_equation_exactly(seed: int) -> None:
    task = problem(["u_t = 0.3*u_xx"], {"u": "cos(x) + 0.5*sin(3*x)"})
    joint = ansatz(task, 24, seed)
    fit = joint.fit(initial_coefficients(task, joint.basis), 0.0, 0.02)
    assert fit.converged
    assert fit.worst < 1e-8
    times = torch.tensor([0.0, 0.013, 0.02], dtype=torch.float64)
    modes = fit.at(times)[:, 0]
    torch.testing.assert_close(modes[:, 1].real, 0.5 * torch.exp(-0.3 * times), rtol=0, atol=1e-8)
    torch.testing.assert_close(modes[:, 3].imag, -0.25 * torch.exp(-2.7 * times), rtol=0, atol=1e-8)


def test_system_of_two_fields() -> None:
    """u_t = v_x, v_t = u_x carry sin(x) both ways: nothing of it is in the preconditioner."""
    task = problem(["u_t = v_x", "v_t = u_x"], {"u": "sin(x)", "v": "0"})
    joint = ansatz(task, 24)
    fit = joint.fit(initial_coefficients(task, joint.basis), 0.0, 0.05)
    end = fit.at(torch.tensor([0.05], dtype=torch.float64))[0]
    assert fit.converged
    assert abs(end[0, 1].imag + 0.5 * math.cos(0.05)) < 1e-7
    assert abs(end[1, 1].real - 0.5 * math.sin(0.05)) < 1e-7


def test_kuramoto_sivashinsky_window_agrees_with_two_halves() -> None:
    joint = ansatz(KS, 32)
    start = initial_coefficients(KS, joint.basis)
    whole = joint.fit(start, 0.0, 1e-3)
    assert whole.converged
    assert whole.worst < 1e-8
    half = joint.fit(start, 0.0, 5e-4).at(torch.tensor([5e-4], dtype=torch.float64))[0]
    other = joint.fit(half, 5e-4, 5e-4).at(torch.tensor([1e-3], dtype=torch.float64))[0]
    end = whole.at(torch.tensor([1e-3], dtype=torch.float64))[0]
    assert float((end - other).abs().max()) < 1e-8


def test_long_window_without_weights_is_reported_as_failed() -> None:
    joint = ansatz(KS, 16, causal=False, iterations=6)
    fit = joint.fit(initial_coefficients(KS, joint.basis), 0.0, 0.5)
    assert not fit.worst < 1e-4


def test_same_seed_gives_the_same_bits_after_any_history() -> None:
    start = initial_coefficients(KS, fourier_basis(KS, (24,)))
    fresh, used = ansatz(KS, 24), ansatz(KS, 24)
    used.fit(start, 0.0, 4e-4)
    ends = [j.fit(start, 0.0, 1e-3).at(torch.tensor([1e-3], dtype=torch.float64)) for j in (fresh, used)]
    assert torch.equal(*ends)
    other = ansatz(KS, 24, seed=1).fit(start, 0.0, 1e-3).at(torch.tensor([1e-3], dtype=torch.float64))
    assert not torch.equal(ends[0], other)


def test_one_space_dimension_only() -> None:
    equation = Equation.parse(["u_t = -u"], ["u"])
    task = Problem("ode", equation, Grid((), np.linspace(0.0, 1.0, 3)), initial_text={"u": "1"})
    with pytest.raises(UsageError, match="one space dimension"):
        Joint(task, fourier_basis(task, ()), Run(), Settings(1e-8))
