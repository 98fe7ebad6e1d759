"""INSR on incompressible flow by operator splitting: projection, order in the step, resumption, refusals."""

from __future__ import annotations

import functools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_insr import presets
from sciml_insr.chart import Chart
from sciml_insr.fitting import Fitter
from sciml_insr.solver import Insr
from sciml_insr.splitting import Splitting
from sciml_insr.stepping import Passage, Stepper

from sciml import Axis, Equation, Grid, Problem, Run
from sciml.errors import Stopped

SQUARE = (Axis("x", -1.0, 1.0, 16), Axis("y", -1.0, 1.0, 16))
VORTICES = {"u": "sin(pi*x)*cos(pi*y)", "v": "-cos(pi*x)*sin(pi*y)"}
PRESSURE = "p = inverse_laplacian(-(u_x**2 + 2*u_y*v_x + v_y**2))"
MOMENTUM = ("u_t = -u*u_x - v*u_y - p_x + nu*laplacian(u)", "v_t = -u*v_x - v*v_y - p_y + nu*laplacian(v)")
SMALL = {"width": 10, "depth": 2, "omega": 3.0, "points": 20, "integrator": "rk4"}
NU, END = 0.05, 0.2


def flow(
    statements: tuple[str, ...] = (PRESSURE, *MOMENTUM), initial: dict[str, str] = VORTICES, nu: float = NU,
    axes: tuple[Axis, ...] = SQUARE,
) -> Problem:  # fmt: skip
    equation = Equation.parse(list(statements), list(initial), [axis.name for axis in axes], {"nu": nu})
    return Problem("flow", equation, Grid(axes, np.array([0.0, END])), initial_text=initial)


@functools.cache
def solved(pressure: str, step: float) -> tuple[float, float]:
    """Decaying Taylor–Green vortices: the relative error at the end, and what the steps estimate of it."""
    problem, run = flow(), Run()
    solution = Insr.build(pressure=pressure, step=step, **SMALL).solve(problem, run)
    exact = problem.initial() * math.exp(-2 * NU * math.pi**2 * END)
    found = np.stack([solution.values[name][-1] for name in "uv"])
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact)), sum(run.logged["time_error"])


@pytest.mark.parametrize(("pressure", "order"), [("split", 1), ("incremental", 2)])
class TestOrder:
    @pytest.mark.slow
    def test_of_convergence(self, pressure: str, order: int) -> None:
        errors = [solved(pressure, step)[0] for step in (0.05, 0.025)]
        assert errors[0] > 1e-3  # far above that of the fits
        assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)

    def test_the_estimate_is_of_the_error(self, pressure: str, order: int) -> None:
        error, estimated = solved(pressure, 0.025)
        assert error < estimated < 4 * error


@pytest.mark.parametrize("pressure", ["split", "incremental"])
def test_a_projected_step_has_no_divergence(pressure: str) -> None:
    problem, run = flow(), Run()
    options = Insr.build(pressure=pressure, step=0.1, **SMALL)
    model = presets.model(options, problem)
    fitter = Fitter(options, problem, model, lambda: None)
    stepper = Stepper(options, [0.0, END], run)
    splitting = Splitting(options, fitter, stepper)
    theta = fitter.initial(run).theta
    weights = fitter.pressure(theta, [fitter.auxiliary[0].draw(run.rng("p"))], 0.0, initial=True)[0].theta
    # advanced without pressure in either case: then there is much to remove
    chart = Chart.at(model, theta, splitting.before(torch.zeros_like(weights)))
    passage = splitting.step(chart, weights, 0.0, 1, model.size(chart.atoms[:2]))
    assert isinstance(passage, Passage)
    rest = torch.zeros(chart.rank, dtype=torch.float64)
    advanced = stepper.method.advance(chart, None, rest, 0.0, 0.1, 1e-9)  # type: ignore[arg-type]
    before, after = (float(splitting.divergence(chart, y, 0.1).norm()) for y in (advanced.y, passage.chain[-1][0]))
    slopes = float(chart.derivatives(rest, 0.0)[splitting.slopes].norm())
    assert before > 0.1 * slopes
    assert after < 0.02 * before


def test_a_steady_flow_is_kept_by_the_incremental_form() -> None:
    problem = flow(nu=0.0)
    solution = Insr.build(pressure="incremental", step=0.1, **SMALL).solve(problem, Run())
    start = problem.initial()
    for i, name in enumerate("uv"):
        assert np.linalg.norm(solution.values[name][-1] - start[i]) < 1e-3 * np.linalg.norm(start[i])
    assert solution.cost["auxiliary_parameters"] > 0


@pytest.mark.parametrize("calls", [4, 11])
def test_resumed_equals_uninterrupted(calls: int, tmp_path: Path) -> None:
    """Stopped inside the fits of a step, or between steps."""

    class Interrupted(Run):
        seen = 0

        def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
            if state is not None:
                self.seen += 1
                if self.seen == calls:
                    self.save(state())
                    raise Stopped("enough")

    problem, solver = flow(), Insr.build(pressure="incremental", step=0.05, **SMALL)
    whole = solver.solve(problem, Run())
    with pytest.raises(Stopped):
        solver.solve(problem, Interrupted(folder=tmp_path))
    run = Run(folder=tmp_path)
    again = solver.solve(problem, run)
    assert all(again.values[name].tobytes() == whole.values[name].tobytes() for name in "uv")
    assert again.message == whole.message and len(run.logged["pressure_error"]) == 4


REFUSED = {
    "no pressure": (("u_t = laplacian(u)", "v_t = u"), VORTICES, "gradient of a pressure"),
    "vorticity": (
        ("psi = inverse_laplacian(-w)", "w_t = -psi_y*w_x + psi_x*w_y"), {"w": "sin(pi*x)"}, "gradient of a pressure",
    ),
    "a pressure in one rate only": ((PRESSURE, MOMENTUM[0], "v_t = -u*v_x - v*v_y"), VORTICES, "gradient of a pressure"),
    "twice its gradient": ((PRESSURE, MOMENTUM[0], MOMENTUM[1] + " - p_y"), VORTICES, "gradient of a pressure"),
    "its value too": ((PRESSURE, MOMENTUM[0] + " + p", MOMENTUM[1]), VORTICES, "gradient of a pressure"),
    "axes exchanged": (
        (PRESSURE, "u_t = -u*u_x - v*u_y - p_y", "v_t = -u*v_x - v*v_y - p_x"), VORTICES, "gradient of a pressure",
    ),
    "a force the pressure does not know": ((PRESSURE, MOMENTUM[0] + " + sin(pi*x)", MOMENTUM[1]), VORTICES, "inverse Laplacian"),
    "divergence at the start": ((PRESSURE, *MOMENTUM), {"u": "sin(pi*x)", "v": "0"}, "initial velocity"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_split(name: str) -> None:
    statements, initial, reason = REFUSED[name]
    (sentence,) = Insr.build(pressure="split", step=0.1).refuses(flow(statements, initial))
    assert reason in sentence
    assert Insr.build(step=0.1).refuses(flow(statements, initial)) == []


@pytest.mark.parametrize(
    "statements",
    [
        (PRESSURE, *MOMENTUM),
        ("p = inverse_laplacian(-d_x(u*u_x + v*u_y) - d_y(u*v_x + v*v_y))", *MOMENTUM),
        ("p = inverse_laplacian(-(u_x**2 + 2*u_y*v_x + v_y**2) + pi*cos(pi*x))", MOMENTUM[0] + " + sin(pi*x)", MOMENTUM[1]),
        ("p = inverse_laplacian(-(u_x**2 + 2*u_y*v_x + v_y**2))", MOMENTUM[0] + " + sin(t)*cos(pi*y)", MOMENTUM[1]),
    ],
)  # fmt: skip
def test_what_can_be_split(statements: tuple[str, ...]) -> None:
    assert Insr.build(pressure="incremental", step=0.1).refuses(flow(statements)) == []


def test_a_split_step_is_a_fixed_one() -> None:
    (sentence,) = Insr.build(pressure="split").refuses(flow())
    assert "fixed step" in sentence
