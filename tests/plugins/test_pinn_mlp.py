"""The network whose weights are all trained: jets, Jacobian, windows, and the methods that train it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_pinn_causal.causal import Ladder
from sciml_pinn_causal.methods import adam, levenberg, ssbroyden
from sciml_pinn_causal.methods.objective import Goal, Objective
from sciml_pinn_causal.mlp.ansatz import Mlp, Settings
from sciml_pinn_causal.mlp.network import Network
from sciml_pinn_causal.solver import PinnCausal
from sciml_pinn_causal.trained import jets
from small_problems import stopping
from torch import Tensor

from sciml import Axis, Equation, Grid, Problem
from sciml.errors import Stopped, UsageError
from sciml.numerics.initial import fourier_basis, initial_coefficients
from sciml.run import Run

METHODS = {"gauss-newton": levenberg.train, "ssbroyden": ssbroyden.train, "adam": adam.train}


def problem(statements: list[str], initial: dict[str, str], end: float = 1.0) -> Problem:
    equation = Equation.parse(statements, list(initial), ["x"])
    grid = Grid((Axis("x", 0.0, 2 * math.pi, 64),), np.linspace(0.0, end, 3))
    return Problem("test", equation, grid, initial_text=initial)


HEAT = problem(["u_t = 0.1*u_xx"], {"u": "sin(x) + 0.5*cos(2*x)"})
BURGERS = problem(["u_t = -u*u_x + 0.1*u_xx"], {"u": "sin(x)"})


def ansatz(task: Problem, modes: int = 8, **settings: object) -> Mlp:
    given = {"tolerance": 1e-7, "train": levenberg.train, "width": 24, **settings}
    return Mlp(task, fourier_basis(task, (modes,)), Run(seed=0), Settings(**given))  # type: ignore[arg-type]


# -- derivatives -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("depth", "gated"), [(1, False), (1, True), (3, True)])
def test_jets_are_the_derivatives_of_automatic_differentiation(depth: int, gated: bool) -> None:
    layout, omegas = jets.Layout((4, 2)), [1.0, 2.0]
    network = Network(1 + 2 * 2 * 2, 5, depth, 2, gated)
    theta = torch.as_tensor(np.random.default_rng(1).standard_normal(network.count))

    def value(tau: Tensor, x: Tensor, y: Tensor) -> Tensor:
        flat = jets.Layout((0, 0))
        return network.forward(theta, jets.embedding(tau, [x, y], omegas, 2, flat), flat)[0][0]

    tau, x, y = (torch.tensor([v], dtype=torch.float64, requires_grad=True) for v in (0.3, 1.1, 0.7))
    jet = network.forward(theta, jets.embedding(tau.detach(), [x.detach(), y.detach()], omegas, 2, layout), layout)[0]
    for output in range(2):
        whole = value(tau, x, y)[0, output]
        torch.testing.assert_close(jet[0, 0, output], whole)
        torch.testing.assert_close(jet[1, 0, output], torch.autograd.grad(whole, tau, retain_graph=True)[0][0])
        for axis, (variable, highest) in enumerate(((x, 4), (y, 2))):
            derivative = whole
            for order in range(1, highest + 1):
                (derivative,) = torch.autograd.grad(derivative, variable, create_graph=True)
                taylor = jet[layout.row(axis, order), 0, output] * math.factorial(order)
                torch.testing.assert_close(taylor, derivative[0], rtol=1e-9, atol=1e-9)
                derivative = derivative[0]


@pytest.mark.parametrize(("depth", "gated"), [(1, False), (2, True)])
def test_jacobian_is_the_derivative_of_the_residual(depth: int, gated: bool) -> None:
    task = problem(["u_t = v*u_x + sin(x)*u**2 - u_xxxx", "v_t = u_xx + t*v*u"], {"u": "sin(x)", "v": "cos(x)"})
    net = ansatz(task, depth=depth, gated=gated, width=6, times=3)
    objective = net.objective(net.points, initial_coefficients(task, net.basis), 0.2, 0.01)
    theta = torch.as_tensor(0.5 * np.random.default_rng(0).standard_normal(net.network.count))
    residual, jacobian = objective.jacobian(theta)
    torch.testing.assert_close(residual, objective.residual(theta))
    exact = torch.autograd.functional.jacobian(objective.residual, theta).reshape(jacobian.shape)
    torch.testing.assert_close(jacobian, exact, rtol=1e-9, atol=1e-10)
    _, head = objective.jacobian(theta, head=True)
    torch.testing.assert_close(head, exact[:, -net.network.head :], rtol=1e-9, atol=1e-10)


def test_initial_condition_and_periodicity_hold_for_any_weights() -> None:
    net = ansatz(HEAT)
    theta = torch.as_tensor(np.random.default_rng(0).standard_normal(net.network.count))
    assert float(net.points.change(theta, torch.zeros(1, dtype=torch.float64)).abs().max()) == 0
    flat = jets.Layout((3,))
    ends = torch.tensor([0.0, 2 * math.pi], dtype=torch.float64)
    tau = torch.full((2,), 0.4, dtype=torch.float64)
    modes = (net.network.shapes[0][1] - 1) // 2
    out = net.network.forward(theta, jets.embedding(tau, [ends], [1.0], modes, flat), flat)[0]
    torch.testing.assert_close(out[:, 0], out[:, 1], rtol=1e-11, atol=1e-11)


# -- training --------------------------------------------------------------------------------------
@pytest.mark.parametrize("gated", [False, True])
def test_a_window_of_the_heat_equation_is_exact(gated: bool) -> None:
    net = ansatz(HEAT, gated=gated, width=60)
    fit = net.fit(initial_coefficients(HEAT, net.basis), 0.0, 0.05)
    end = fit.at(torch.tensor([0.05], dtype=torch.float64))[0, 0]
    assert fit.worst < 1e-6 and fit.converged
    assert abs(complex(end[1]) / -0.5j - math.exp(-0.1 * 0.05)) < 1e-7
    assert abs(complex(end[2]) / 0.25 - math.exp(-0.4 * 0.05)) < 1e-6


def test_all_weights_are_trained_and_what_that_adds_is_known() -> None:
    """A narrow network: the output layer by itself ends well above what all weights reach."""
    net = ansatz(BURGERS, width=8, gated=False, iterations=60)
    start = initial_coefficients(BURGERS, net.basis)
    fit = net.fit(start, 0.0, 0.2)
    drawn = net.network.draw(Run(seed=0).rng(f"pinn-causal/mlp/{net.network.count}"), 0.25, 0.22)
    assert fit.memory is not None
    hidden = slice(0, net.network.count - net.network.head)
    assert float((fit.memory - drawn)[hidden].abs().min()) > 0
    assert fit.residual < 0.2 * fit.head


@pytest.mark.parametrize("name", ["ssbroyden", "adam"])
def test_gradient_methods_lower_the_same_residual(name: str) -> None:
    iterations = {"ssbroyden": 150, "adam": 400}[name]
    net = ansatz(BURGERS, width=12, gated=True, train=METHODS[name], iterations=iterations, tolerance=1e-4)
    start = initial_coefficients(BURGERS, net.basis)
    before = net.objective(net.points, start, 0.0, 0.05)
    origin = float(before.losses(torch.zeros(net.network.count, dtype=torch.float64)).max().sqrt())
    fit = net.fit(start, 0.0, 0.05)
    assert fit.residual < {"ssbroyden": 5e-2, "adam": 0.7}[name] * origin


class Quadratic(Objective):
    """Two times, so that the ladder has something to weigh; minimum 0 at `target`."""

    def __init__(self, scales: Tensor) -> None:
        self.scales, self.target = scales, torch.linspace(-1, 1, len(scales), dtype=torch.float64)

    def losses(self, theta: Tensor) -> Tensor:
        rest = self.scales * (theta - self.target) ** 2
        return torch.stack([rest[::2].sum(), rest[1::2].sum()])


def test_ssbroyden_solves_an_ill_conditioned_quadratic() -> None:
    objective = Quadratic(torch.logspace(0, -5, 12, dtype=torch.float64))
    start = torch.zeros(12, dtype=torch.float64)
    found = ssbroyden.train(objective, start, Ladder(), Goal(1e-12, 400))
    assert found.done and found.worst < 1e-12
    torch.testing.assert_close(found.theta, objective.target, rtol=1e-8, atol=1e-8)


def test_ssbroyden_solves_rosenbrocks_valley() -> None:
    def valley(point: Tensor) -> tuple[float, Tensor]:
        point = point.detach().requires_grad_()
        value = (100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2).sum()
        return float(value.detach()), torch.autograd.grad(value, point)[0]

    stepper = ssbroyden.Stepper(valley, torch.full((6,), -1.2, dtype=torch.float64))
    for _ in range(300):
        if stepper.value < 1e-20 or not stepper.step():
            break
    assert stepper.value < 1e-18
    torch.testing.assert_close(stepper.point, torch.ones(6, dtype=torch.float64), rtol=1e-8, atol=1e-8)


def test_the_inverse_hessian_stays_positive_and_satisfies_the_secant_condition() -> None:
    rng = np.random.default_rng(5)
    inverse = torch.eye(7, dtype=torch.float64)
    for first in (True, False, False):
        gradient = torch.as_tensor(rng.standard_normal(7))
        s = -0.7 * inverse @ gradient
        y = torch.as_tensor(rng.standard_normal(7))
        y = y + s * (1.0 + abs(float(y @ s))) / float(s @ s)
        inverse = ssbroyden.update(inverse, s, y, gradient, 0.7, first)
        torch.testing.assert_close(inverse @ y, s, rtol=1e-9, atol=1e-9)
        assert float(torch.linalg.eigvalsh(0.5 * (inverse + inverse.T)).min()) > 0


def test_ssbroyden_refuses_a_hessian_that_would_not_fit() -> None:
    with pytest.raises(UsageError, match="dense inverse Hessian"):
        ssbroyden.train(Quadratic(torch.ones(2, dtype=torch.float64)), torch.zeros(10**5), Ladder(), Goal(1e-3, 1))


def test_adam_really_applies_the_ladder() -> None:
    """The released code of the paper keeps the first ε in its gradients; here every rung changes them."""
    seen: list[float] = []

    class Watched(Quadratic):
        def losses(self, theta: Tensor) -> Tensor:
            if theta.requires_grad:
                seen.append(ladder.rungs[ladder.rung])
            return super().losses(theta)

    ladder = Ladder()
    adam.train(Watched(torch.ones(4, dtype=torch.float64)), torch.zeros(4, dtype=torch.float64), ladder, Goal(0.0, 50))
    assert sorted(set(seen)) == list(ladder.rungs)


# -- as users run it -------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["separable", "joint", "mlp"])
@pytest.mark.parametrize("method", ["gauss-newton", "ssbroyden", "adam"])
def test_every_ansatz_with_every_method(kind: str, method: str) -> None:
    task = problem(["u_t = 0.5*u_xx"], {"u": "sin(x)"}, end=0.2)
    options = PinnCausal(ansatz=kind, method=method, window=0.2, iterations=2000, tolerance=8e-2, modes=4, features=24)
    solution = options.solve(task, Run(seed=0))
    x = task.grid.axes[0].points()
    exact = math.exp(-0.1) * np.sin(x)
    assert solution.message == ""
    error = np.abs(solution.values["u"][-1] - exact).max()
    assert error < {"gauss-newton": 1e-4, "ssbroyden": 2e-2, "adam": 0.075}[method]  # unchanged, u is off by 0.095


def test_a_march_that_was_stopped_ends_with_the_same_bytes(tmp_path: Path) -> None:
    options = PinnCausal(ansatz="mlp", features=24, modes=8, tolerance=1e-5)
    task = problem(["u_t = -u*u_x + 0.1*u_xx"], {"u": "sin(x)"}, end=0.02)
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
    ("options", "said"),
    [
        ({"ansatz": "joint", "depth": 2}, "belong to ansatz=mlp"),
        ({"gated": False}, "belong to ansatz=mlp"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, object], said: str) -> None:
    assert any(said in reason for reason in PinnCausal(**options).refuses(HEAT))  # type: ignore[arg-type]
