"""pinn-causal: weights and ladder, exact problems, the march's promises."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sciml_pinn_causal.causal import Ladder, causal_weights
from sciml_pinn_causal.separable.time_basis import TimeBasis
from sciml_pinn_causal.solver import PinnCausal

from sciml import Axis, Equation, Grid, Problem
from sciml.errors import Stopped
from sciml.numerics.initial import fourier_basis, initial_coefficients
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.run import Run
from sciml.solution import Status

losses = st.lists(st.floats(0, 1e3), min_size=1, max_size=30).map(
    lambda v: torch.tensor(v, dtype=torch.float64)
)


def line(statement: str, initial: str, end: float = 0.1, size: int = 32, **parameters: float) -> Problem:
    equation = Equation.parse([statement], ["u"], ["x"], parameters)
    grid = Grid((Axis("x", 0.0, 2 * math.pi, size),), np.linspace(0.0, end, 11))
    return Problem("line", equation, grid, initial_text={"u": initial})


BURGERS = line("u_t = -u*u_x + 0.1*u_xx", "sin(x)", end=0.3)


@given(losses, st.floats(0, 1e8))
def test_weights_start_at_one_and_never_rise(values: torch.Tensor, epsilon: float) -> None:
    weights = causal_weights(values, epsilon)
    assert weights[0] == 1.0
    assert bool((weights >= 0).all())
    assert bool((weights.diff() <= 0).all())


@given(losses)
def test_weights_do_not_see_the_future(values: torch.Tensor) -> None:
    changed = values.clone()
    changed[-1] += 1.0
    assert torch.equal(causal_weights(values, 1.0), causal_weights(changed, 1.0))


def test_no_gradient_flows_through_the_weights() -> None:
    assert not causal_weights(torch.ones(3, requires_grad=True), 1.0).requires_grad


def test_the_ladder_climbs_only_as_far_as_the_losses_allow() -> None:
    ladder = Ladder((1e-2, 1.0, 1e2))
    assert not ladder.climb(torch.full((10,), 1e-2, dtype=torch.float64))
    assert ladder.rung == 1
    assert ladder.climb(torch.full((10,), 1e-9, dtype=torch.float64))
    assert ladder.rung == 2
    assert Ladder(active=False).climb(torch.ones(3, dtype=torch.float64))


def test_time_basis_is_orthonormal_and_starts_at_zero() -> None:
    basis = TimeBasis.draw(np.random.default_rng(0), 16, 24, 2.5)
    values, _ = basis.evaluate(basis.nodes)
    rows = basis.quadrature.sqrt()[:, None] * values
    assert basis.rank == 17  # sixteen tanh units and the output layer's bias
    assert torch.allclose(rows.T @ rows, torch.eye(17, dtype=torch.float64), atol=1e-12)
    assert float(basis.evaluate(torch.zeros(1, dtype=torch.float64))[0].abs().max()) < 1e-12


def test_time_basis_derivative_is_that_of_its_values() -> None:
    basis = TimeBasis.draw(np.random.default_rng(1), 8, 14, 2.5)
    s = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    numerical = (basis.evaluate(s + 1e-6)[0] - basis.evaluate(s - 1e-6)[0]) / 2e-6
    assert torch.allclose(basis.evaluate(s)[1], numerical, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("statement", "exact"),
    [
        ("u_t = 0.5*u_xx", lambda t, x: np.exp(-2 * t) * np.sin(2 * x)),
        ("u_t = -3*u_x", lambda t, x: np.sin(2 * (x - 3 * t))),
    ],
)  # fmt: skip
def test_linear_problems_are_exact(statement: str, exact: object) -> None:
    problem = line(statement, "sin(2*x)", end=1.0)
    solution = PinnCausal().solve(problem, Run())
    t, x = problem.grid.times[:, None], problem.grid.axes[0].points()
    assert np.abs(solution.values["u"] - exact(t, x)).max() < 1e-9  # type: ignore[operator]


def test_kuramoto_sivashinsky_agrees_with_runge_kutta() -> None:
    problem = line("u_t = -u*u_x - u_xx - 0.05*u_xxxx", "cos(x)*(1 + sin(x))", end=0.2)
    solution = PinnCausal(modes=15).solve(problem, Run())
    basis = fourier_basis(problem, (15,))
    system, u, h = PseudoSpectral(problem.equation, basis), initial_coefficients(problem, basis), 2e-4
    for _ in range(1000):
        a = system.rate(u, 0.0)
        b = system.rate(u + h / 2 * a, 0.0)
        c = system.rate(u + h / 2 * b, 0.0)
        u = u + h / 6 * (a + 2 * b + 2 * c + system.rate(u + h * c, 0.0))
    assert np.abs(solution.values["u"][-1] - basis.sample(u, (32,)).numpy()).max() < 1e-9


def test_ode_is_exact() -> None:
    equation = Equation.parse(["x_t = -y", "y_t = x", "z_t = z - z**2"], ["x", "y", "z"])
    grid = Grid((), np.linspace(0.0, 3.0, 31))
    problem = Problem("circle", equation, grid, initial_text={"x": "1", "y": "0", "z": "0.5"})
    values = PinnCausal().solve(problem, Run()).values
    assert np.abs(values["x"] - np.cos(grid.times)).max() < 1e-11
    assert np.abs(values["z"] - 1 / (1 + np.exp(-grid.times))).max() < 1e-11


def test_system_in_two_dimensions() -> None:
    equation = Equation.parse(
        ["u_t = 0.1*laplacian(u) - u*v**2 + 0.04*(1 - u)", "v_t = 0.05*laplacian(v) + u*v**2 - 0.1*v"],
        ["u", "v"], ["x", "y"],
    )  # fmt: skip
    axes = tuple(Axis(name, 0.0, 2 * math.pi, 16) for name in "xy")
    text = {"u": "1 + 0.1*cos(x)", "v": "0.3 + 0.1*sin(y)*cos(x)"}
    problem = Problem("gray-scott", equation, Grid(axes, np.linspace(0, 0.5, 3)), initial_text=text)
    solution = PinnCausal().solve(problem, Run())
    finer = PinnCausal(modes=14, tolerance=1e-9).solve(problem, Run())
    assert solution.status is Status.OK
    assert np.abs(solution.values["v"] - finer.values["v"]).max() < 1e-6


def test_initial_condition_is_met_exactly() -> None:
    assert np.array_equal(PinnCausal().solve(BURGERS, Run()).values["u"][0], BURGERS.initial()[0])


def test_residual_is_held_out_and_below_the_tolerance() -> None:
    run = Run()
    PinnCausal(tolerance=1e-8).solve(BURGERS, run)
    held_out = np.array(run.logged["held_out_residual"])
    assert held_out[np.array(run.logged["accepted"]) == 1].max() < 1e-8


def test_a_window_that_fits_only_its_collocation_times_is_rejected() -> None:
    """Eight features follow ten waves at ten times, but not between them."""
    run = Run()
    problem = line("u_t = -40*u_x", "sin(x)", end=1.0)
    solution = PinnCausal(features=8, times=9, window=0.25).solve(problem, run)
    assert run.logged["residual"][0] < 1e-8 < run.logged["held_out_residual"][0]
    assert solution.status is Status.PARTIAL


def test_impossible_tolerance_is_partial() -> None:
    solution = PinnCausal(tolerance=1e-19).solve(BURGERS, Run())
    solution.check(BURGERS)
    assert solution.status is Status.PARTIAL
    assert solution.reached == 0.0
    assert "reached t=0" in solution.message


@pytest.mark.parametrize("ansatz", ["separable", "joint"])
def test_resumed_run_is_bit_identical(tmp_path: Path, ansatz: str) -> None:
    solver = PinnCausal.from_strings({"ansatz": ansatz})
    first = Run()
    whole = solver.solve(BURGERS, first)

    class Interrupted(Run):
        def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
            if fraction > 0.4:
                self.save(state())
                raise Stopped("enough")

    with pytest.raises(Stopped):
        solver.solve(BURGERS, Interrupted(folder=tmp_path))
    second = Run(folder=tmp_path)
    resumed = solver.solve(BURGERS, second)
    assert np.array_equal(resumed.values["u"], whole.values["u"])
    assert second.logged["residual"] == first.logged["residual"]


def test_joint_agrees_with_separable() -> None:
    joint = PinnCausal(ansatz="joint").solve(BURGERS, Run()).values["u"]
    assert np.abs(joint - PinnCausal().solve(BURGERS, Run()).values["u"]).max() < 1e-6


@pytest.mark.parametrize("causal", [True, False])
def test_gauss_newton_with_conjugate_gradients_solves_a_long_window(causal: bool) -> None:
    problem = line("u_t = -u*u_x + 0.5*u_xx", "2*sin(x)", end=0.5)
    solution = PinnCausal(window=0.5, tolerance=1e-6, causal=causal, features=24).solve(problem, Run())
    assert solution.status is Status.OK
    assert np.abs(solution.values["u"] - PinnCausal().solve(problem, Run()).values["u"]).max() < 1e-6


def test_what_an_ansatz_cannot_do_is_refused() -> None:
    ode = Problem("decay", Equation.parse(["x_t = -x"], ["x"]), Grid((), np.linspace(0, 1, 3)), initial_text={"x": "1"})
    assert "ansatz=joint" in PinnCausal(ansatz="joint").refuses(ode)[0]
    assert "cannot determine" in PinnCausal(features=8, times=8).refuses(BURGERS)[0]
    assert PinnCausal().refuses(BURGERS) == []
