"""Classical solvers: orders of convergence, exact solutions, resumption."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from sciml_classical.solver import Dop853, Etdrk4, IntegratingFactor, Taylor

from sciml import Axis, Equation, Grid, Problem, Run, Status
from sciml.errors import RunFailed, Stopped


def line(statements: list[str], initial: dict[str, str], end: float, size: int = 32, times: int = 3) -> Problem:
    equation = Equation.parse(statements, list(initial), ["x"])
    return Problem(
        "line", equation, Grid((Axis("x", 0.0, 2 * math.pi, size),), np.linspace(0, end, times)), initial_text=initial
    )


ORDERS = {
    "dissipative": (["u_t = -u*u_x + 0.1*u_xx"], "cos(x) + 0.5*sin(2*x)", 1.0, (40, 80, 160)),
    "dispersive": (["u_t = -3*u*u_x - 0.1*u_xxx"], "cos(x)", 0.5, (100, 200, 400)),
    "forced": (["u_t = 0.5*u_xx - u**3 + sin(3*t)*cos(x)"], "sin(x)", 2.0, (10, 20, 40)),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_etdrk4_is_of_fourth_order(kind: str) -> None:
    statements, initial, end, counts = ORDERS[kind]
    problem = line(statements, {"u": initial}, end, times=2)
    exact = Etdrk4(tolerance=1e-14, modes=20, precision="extended").solve(problem, Run()).values["u"][-1]
    errors = []
    for count in counts:
        value = Etdrk4(step=end / count, modes=20).solve(problem, Run()).values["u"][-1]
        errors.append(np.abs(value - exact).max())
    rates = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    assert np.abs(rates[-1] - 4) < 0.15, (errors, rates)


@pytest.mark.parametrize("solver", [Etdrk4(), IntegratingFactor()])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_heat_and_advection_are_exact(solver, dim: int) -> None:
    axes = "xyz"[:dim]
    equation = Equation.parse(["u_t = 0.2*laplacian(u) - 0.5*u_x"], ["u"], list(axes))
    grid = Grid(tuple(Axis(a, 0.0, 2 * math.pi, 8) for a in axes), np.linspace(0, 1, 3))
    problem = Problem("heat", equation, grid, initial_text={"u": "*".join(f"cos({a})" for a in axes)})
    found = solver.solve(problem, Run()).values["u"][-1]
    points = np.meshgrid(*(a.points() for a in grid.axes), indexing="ij")
    exact = math.exp(-0.2 * dim) * np.cos(points[0] - 0.5) * np.prod([np.cos(p) for p in points[1:]], axis=0)
    assert np.abs(found - exact).max() < 1e-13


def test_taylor_green_vortex() -> None:
    equation = Equation.parse(
        ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x", "w_t = -u*w_x - v*w_y + 0.1*laplacian(w)"],
        ["w"], ["x", "y"],
    )  # fmt: skip
    grid = Grid(tuple(Axis(a, 0.0, 2 * math.pi, 16) for a in "xy"), np.linspace(0, 2, 3))
    problem = Problem("tg", equation, grid, initial_text={"w": "2*cos(x)*cos(y)"})
    found = Etdrk4().solve(problem, Run()).values["w"]
    assert np.abs(found[-1] - problem.initial()[0] * math.exp(-0.4)).max() < 1e-13


def test_linear_coupling_between_fields() -> None:
    problem = line(["u_t = v_x", "v_t = u_x"], {"u": "cos(x)", "v": "0"}, 1.0)
    found = Etdrk4().solve(problem, Run()).values
    x = problem.grid.axes[0].points()
    assert np.abs(found["u"][-1] - np.cos(x) * math.cos(1.0)).max() < 1e-9
    assert np.abs(found["v"][-1] + np.sin(x) * math.sin(1.0)).max() < 1e-9


def test_two_methods_agree_and_the_first_slice_is_given() -> None:
    problem = line(["u_t = -u*u_x + 0.05*u_xx"], {"u": "sin(x)"}, 2.0, size=64)
    a, b = (solver.solve(problem, Run()) for solver in (Etdrk4(), IntegratingFactor()))
    assert a.status is Status.OK
    assert np.abs(a.values["u"] - b.values["u"]).max() < 1e-9
    assert np.array_equal(a.values["u"][0], problem.initial()[0])


def test_extended_precision_agrees_with_double() -> None:
    problem = line(["u_t = -u*u_x + 0.2*u_xx"], {"u": "sin(x)"}, 0.5)
    double, extended = (Etdrk4(precision=p, tolerance=1e-12).solve(problem, Run()) for p in ("double", "extended"))
    assert np.abs(double.values["u"] - extended.values["u"]).max() < 1e-13


def test_unresolved_spectra_are_owned_up_to() -> None:
    problem = line(["u_t = -u*u_x + 0.01*u_xx"], {"u": "sin(x)"}, 2.0)
    assert Etdrk4(modes=20).solve(problem, Run()).status is Status.INACCURATE


LORENZ = Problem(
    "lorenz", Equation.parse(["x_t = 10*(y - x)", "y_t = x*(28 - z) - y", "z_t = x*y - 8/3*z"], ["x", "y", "z"]),
    Grid((), np.linspace(0, 3, 31)), initial_text={"x": "1", "y": "1", "z": "1"},
)  # fmt: skip


def test_ode_solvers_agree() -> None:
    runs = [solver.solve(LORENZ, Run()).values for solver in (Taylor(), Dop853(), Taylor(digits=40, tolerance=1e-34, series_order=36))]
    for name in "xyz":
        assert np.abs(runs[0][name] - runs[2][name]).max() < 1e-12
        assert np.abs(runs[1][name] - runs[2][name]).max() < 1e-10


KS = line(["u_t = -u*u_x - u_xx - 0.05*u_xxxx"], {"u": "cos(x)"}, 0.5, times=11)


@pytest.mark.parametrize(
    ("solver", "problem"),
    [
        (Etdrk4(), KS), (Etdrk4(precision="extended"), KS), (IntegratingFactor(), KS), (Taylor(), LORENZ),
        (Taylor(digits=30), LORENZ), (Dop853(), LORENZ),
    ],
)  # fmt: skip
def test_resumed_equals_uninterrupted(solver, problem: Problem, tmp_path: Path) -> None:
    class Interrupted(Run):
        def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
            if fraction > 0.4:
                self.save(state() if callable(state) else state)
                raise Stopped("enough")

    whole = solver.solve(problem, Run()).values
    with pytest.raises(Stopped):
        solver.solve(problem, Interrupted(folder=tmp_path))
    resumed = solver.solve(problem, Run(folder=tmp_path)).values
    for name, values in whole.items():
        assert values.tobytes() == resumed[name].tobytes()


def test_blow_up_is_a_sentence() -> None:
    with pytest.raises(RunFailed, match="too small|not finite"):
        Etdrk4(modes=16).solve(line(["u_t = u**2"], {"u": "1 + 0.1*cos(x)"}, 2.0), Run())
    ode = Problem("b", Equation.parse(["x_t = x**2"], ["x"]), Grid((), np.linspace(0, 2, 5)), initial_text={"x": "1"})
    with pytest.raises(RunFailed, match="too small|not finite"):
        Taylor().solve(ode, Run())
