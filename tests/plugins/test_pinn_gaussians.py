"""The sum of Gaussians: jets, Jacobian, periodicity, windows, and what training all of its weights adds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_pinn_causal.gaussians.ansatz import ROWS, GaussianSum
from sciml_pinn_causal.gaussians.network import Gaussians
from sciml_pinn_causal.methods import levenberg
from sciml_pinn_causal.solver import PinnCausal
from sciml_pinn_causal.trained import jets
from sciml_pinn_causal.trained.ansatz import Settings
from small_problems import stopping
from torch import Tensor

from sciml import Axis, Equation, Grid, Problem
from sciml.errors import Stopped
from sciml.numerics.initial import fourier_basis, initial_coefficients
from sciml.run import Run


def problem(statements: list[str], initial: dict[str, str], end: float = 1.0, axes: str = "x") -> Problem:
    equation = Equation.parse(statements, list(initial), list(axes))
    grid = Grid(tuple(Axis(name, 0.0, 2 * math.pi, 32) for name in axes), np.linspace(0.0, end, 3))
    return Problem("test", equation, grid, initial_text=initial)


HEAT = problem(["u_t = 0.1*u_xx"], {"u": "sin(x) + 0.5*cos(2*x)"})
BURGERS = problem(["u_t = -u*u_x + 0.1*u_xx"], {"u": "sin(x)"})


def ansatz(task: Problem, modes: int = 8, **settings: object) -> GaussianSum:
    given = {"tolerance": 1e-7, "train": levenberg.train, "slope": 0.5, **settings}
    return GaussianSum(task, fourier_basis(task, (modes,)), Settings(**given))  # type: ignore[arg-type]


def weights(network: Gaussians, seed: int = 0) -> Tensor:
    """Centres on and off the circle, widths all different, some sharpnesses negative."""
    return torch.as_tensor(np.random.default_rng(seed).standard_normal(network.count))


# -- derivatives -----------------------------------------------------------------------------------
def test_the_sum_is_the_formula() -> None:
    network = Gaussians(3, 2)
    theta = weights(network)
    m, s, c, constant = (part.numpy() for part in network.split(theta))
    tau, x = 0.3, 1.1
    z = np.array([2 * tau - 1, math.cos(2 * x), math.sin(2 * x)])
    expected = c @ np.exp(-0.5 * (s**2 * (z - m) ** 2).sum(1)) + constant
    flat = jets.Layout((0,))
    point = [torch.tensor([v], dtype=torch.float64) for v in (tau, x)]
    out = network.forward(theta, jets.embedding(point[0], [point[1]], [2.0], 1, flat), flat)[0][0, 0]
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-13)


def test_jets_are_the_derivatives_of_automatic_differentiation() -> None:
    layout, flat, network = jets.Layout((5,)), jets.Layout((0,)), Gaussians(4, 2)
    theta = weights(network)
    tau, x = (torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in (0.3, 1.1))
    jet = network.forward(theta, jets.embedding(tau.detach(), [x.detach()], [2.0], 1, layout), layout)[0]
    for output in range(2):
        derivative = network.forward(theta, jets.embedding(tau, [x], [2.0], 1, flat), flat)[0][0, 0, output]
        (rate,) = torch.autograd.grad(derivative, tau, retain_graph=True)
        torch.testing.assert_close(jet[1, 0, output], rate[0])
        for order in range(6):
            taylor = jet[layout.row(0, order), 0, output] * math.factorial(order)
            torch.testing.assert_close(taylor, derivative, rtol=1e-9, atol=1e-9)
            derivative = torch.autograd.grad(derivative, x, create_graph=True)[0][0]


def test_jacobian_is_the_derivative_of_the_residual() -> None:
    task = problem(["u_t = v*u_x + sin(x)*u**2 - u_xxxx", "v_t = u_xx + t*v*u"], {"u": "sin(x)", "v": "cos(x)"})
    net = ansatz(task, width=5, times=3)
    objective = net.objective(net.points, initial_coefficients(task, net.basis), 0.2, 0.01)
    theta = weights(net.network)
    residual, jacobian = objective.jacobian(theta)
    torch.testing.assert_close(residual, objective.residual(theta))
    exact = torch.autograd.functional.jacobian(objective.residual, theta).reshape(jacobian.shape)
    assert float(exact.abs().amax(0).min()) > 0  # every weight acts
    torch.testing.assert_close(jacobian, exact, rtol=1e-9, atol=1e-10)
    _, head = objective.jacobian(theta, head=True)
    torch.testing.assert_close(head, exact[:, -net.network.head :], rtol=1e-9, atol=1e-10)
    direction, h = weights(net.network, 1), 1e-5
    difference = (objective.residual(theta + h * direction) - objective.residual(theta - h * direction)) / (2 * h)
    torch.testing.assert_close(jacobian @ direction, difference.flatten(), rtol=1e-5, atol=1e-6)


def test_initial_condition_and_periodicity_hold_for_any_weights() -> None:
    net = ansatz(HEAT, width=20)
    theta = weights(net.network)
    assert float(net.points.change(theta, torch.zeros(1, dtype=torch.float64)).abs().max()) == 0
    layout = jets.Layout((3,))
    ends = torch.tensor([0.0, 2 * math.pi], dtype=torch.float64)
    tau = torch.full((2,), 0.4, dtype=torch.float64)
    out = net.network.forward(theta, jets.embedding(tau, [ends], [1.0], 1, layout), layout)[0]
    torch.testing.assert_close(out[:, 0], out[:, 1], rtol=1e-11, atol=1e-11)


# -- the start -------------------------------------------------------------------------------------
def test_centres_are_spread_over_the_window_and_the_period() -> None:
    network = Gaussians(24, 1)
    centre, sharpness, amplitude, constant = network.split(network.spread(4, 0.5))
    assert amplitude.abs().max() == 0 and constant.abs().max() == 0
    np.testing.assert_allclose(sorted(set(centre[:, 0].tolist())), [-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_allclose(centre[:, 1:].norm(dim=1).numpy(), 1.0)
    for row in (-0.75, 0.75):
        angles = np.sort(np.arctan2(*centre[centre[:, 0] == row][:, [2, 1]].T.numpy()))
        np.testing.assert_allclose(np.diff(angles), 2 * math.pi / 6)
        widths = 1 / sharpness[centre[:, 0] == row][:, 1].numpy()
        assert np.all((widths > 2 * math.pi / 6) & (widths < 4 * math.pi / 6))


def test_sizes_follow_from_the_modes_unless_given() -> None:
    assert ansatz(HEAT, modes=8).network.units == ROWS * 18
    assert ansatz(HEAT, modes=16).network.units == ROWS * 34
    assert ansatz(HEAT, width=21).network.units == 21


# -- training --------------------------------------------------------------------------------------
def test_a_window_of_the_heat_equation_is_exact() -> None:
    net = ansatz(HEAT)
    fit = net.fit(initial_coefficients(HEAT, net.basis), 0.0, 0.05)
    end = fit.at(torch.tensor([0.05], dtype=torch.float64))[0, 0]
    assert fit.worst < 1e-6 and fit.converged
    assert abs(complex(end[1]) / -0.5j - math.exp(-0.1 * 0.05)) < 1e-7
    assert abs(complex(end[2]) / 0.25 - math.exp(-0.4 * 0.05)) < 1e-6


def test_a_march_of_advection_and_one_of_a_system_are_exact() -> None:
    for statements, exact in (
        (["u_t = -u_x", "v_t = -v_x"], (lambda x: np.sin(x - 0.5), lambda x: np.cos(x - 0.5))),
        (["u_t = -v_x", "v_t = -u_x"], (lambda x: np.sin(x - 0.5), lambda x: np.sin(x - 0.5))),
    ):
        initial = {"u": "sin(x)", "v": "cos(x)" if "v_t = -v_x" in statements else "sin(x)"}
        task = problem(statements, initial, end=0.5)
        solution = PinnCausal(ansatz="gaussians", modes=4).solve(task, Run(seed=0))
        assert solution.message == ""
        x = task.grid.axes[0].points()
        for name, value in zip(("u", "v"), exact, strict=True):
            assert np.abs(solution.values[name][-1] - value(x)).max() < 1e-6


def test_all_weights_are_trained_and_that_lowers_the_residual() -> None:
    """Few Gaussians, narrow in time: moving and reshaping them gains what the amplitudes by themselves cannot."""
    net = ansatz(BURGERS, width=18, slope=2.0, iterations=60)
    fit = net.fit(initial_coefficients(BURGERS, net.basis), 0.0, 0.2)
    assert fit.memory is not None
    shape = slice(0, net.network.count - net.network.head)
    moved = (fit.memory - net.origin())[shape].abs().reshape(2, 18, 3)
    assert float(moved.amin()) > 0
    assert fit.worst < 0.3 * fit.head


@pytest.mark.parametrize("method", ["gauss-newton", "ssbroyden", "adam"])
def test_every_method_trains_it(method: str) -> None:
    task = problem(["u_t = 0.5*u_xx"], {"u": "sin(x)"}, end=0.2)
    options = PinnCausal(
        ansatz="gaussians", method=method, window=0.2, iterations=2000, tolerance=8e-2, modes=4, features=24
    )
    solution = options.solve(task, Run(seed=0))
    exact = math.exp(-0.1) * np.sin(task.grid.axes[0].points())
    assert solution.message == ""
    error = np.abs(solution.values["u"][-1] - exact).max()
    assert error < {"gauss-newton": 1e-4, "ssbroyden": 2e-2, "adam": 0.075}[method]  # unchanged, u is off by 0.095


# -- as users run it -------------------------------------------------------------------------------
def test_a_march_that_was_stopped_ends_with_the_same_bytes(tmp_path: Path) -> None:
    options = PinnCausal(ansatz="gaussians", modes=8, tolerance=1e-5)
    task = problem(["u_t = -u*u_x + 0.1*u_xx"], {"u": "sin(x)"}, end=0.1)
    whole = options.solve(task, Run(seed=0)).values["u"]

    pieces = 0
    while True:
        try:
            again = options.solve(task, stopping(tmp_path)).values["u"]
            break
        except Stopped:
            pieces += 1
    assert pieces > 1
    assert again.tobytes() == whole.tobytes()


@pytest.mark.parametrize(
    ("options", "task", "said"),
    [
        ({"depth": 2}, HEAT, "belong to ansatz=mlp, not to gaussians"),
        ({"gated": False}, HEAT, "belong to ansatz=mlp, not to gaussians"),
        ({}, problem(["u_t = u_xx + u_yy"], {"u": "sin(x)"}, axes="xy"), "works in one space dimension, not 2"),
    ],
)
def test_what_it_cannot_do_is_refused(options: dict[str, object], task: Problem, said: str) -> None:
    assert any(said in reason for reason in PinnCausal(ansatz="gaussians", **options).refuses(task))  # type: ignore[arg-type]
