"""Boundary-value problems: text, conditions on faces, files, scores, pictures, and who refuses them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np
import pytest

from sciml import Axis, Equation, Grid, Problem, Solution, registry
from sciml.equation import tree
from sciml.errors import UsageError
from sciml.files import problem_file
from sciml.files.spec_file import read_spec
from sciml.metrics.calibration import coverage_text
from sciml.plotting.problem import draw
from sciml.reference.builder import exact_reference
from sciml.reference.values import read_reference
from sciml.scoring.problem import score
from sciml.showing.problem import problem_text
from sciml.solution import SPREAD_FACTOR

NOW = np.zeros(1)


def poisson(boundary: str = "dirichlet", **more: object) -> Problem:
    equation = Equation.parse(["f = -a**2*sin(a*x)", "u_xx = f"], ["u"], ["x"], {"a": 3.0})
    grid = Grid((Axis("x", 0.0, 1.0, 21, boundary),), NOW)
    data = {"u": {"x": {"upper": "sin(a)"}}}
    return Problem("p", equation, grid, kind="steady", **({"boundary_text": data} | more))  # type: ignore[arg-type]


def test_the_residual_is_left_minus_right() -> None:
    equation = poisson().equation
    assert equation.steady
    strong = equation.strong
    assert strong.derivatives == (("u", (("x", 2),)),)
    x, slope = 0.3, 1.7

    def leaf(node: tree.Expr) -> float:
        return x if isinstance(node, tree.Coordinate) else slope

    found = tree.evaluate(strong.rates["u"], leaf, lambda name, value: getattr(math, name)(value))
    assert found == pytest.approx(slope + 9 * math.sin(0.9), rel=1e-14)


def test_a_field_alone_may_stand_on_the_left() -> None:
    equation = Equation.parse(["u = u_xx + x"], ["u"], ["x"])
    assert equation.steady and "u − " not in equation.unicode().splitlines()[0].split("=")[0]


def test_systems_are_matched_in_order() -> None:
    equation = Equation.parse(["u_x - v_y = 0", "u_y + v_x = 0"], ["u", "v"], ["x", "y"])
    assert equation.steady and set(equation.rates) == {"u", "v"}
    assert "∂" in equation.unicode() or "_" in equation.unicode()


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["u_t = u_xx", "u_xx = 0"], "cannot stand beside"),
        (["u_xx = 0", "u_x = 1"], "2 steady equation"),
        (["u_xx = t"], "cannot contain the time"),
        (["x = 3", "u_xx = 0"], "two meanings"),
    ],
)
def test_what_is_no_steady_equation_is_said(statements: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Equation.parse(statements, ["u"], ["x"])


def test_axes_with_ends_hold_both() -> None:
    axis = Axis("x", 0.0, 1.0, 5, "dirichlet-open")
    assert axis.faces == ("dirichlet", "open") and not axis.periodic
    assert list(axis.points()) == [0, 0.25, 0.5, 0.75, 1]
    with pytest.raises(UsageError, match="is not periodic, dirichlet"):
        Axis("x", 0.0, 1.0, 5, "periodic-dirichlet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boundary_text": {"v": {}}}, "'v', which is not a field"),
        ({"boundary_text": {"u": {"y": {"lower": "0"}}}}, "y.lower"),
        ({"boundary_text": {"u": {"x": {"left": "0"}}}}, "x.left"),
        ({"boundary_text": {"u": {"x": {"lower": "1/0"}}}}, "not finite"),
        ({"boundary_text": {"u": {"x": {"lower": "x"}}}}, "x has no meaning"),
        ({"boundary": "dirichlet-open"}, "x.upper, where none"),
        ({"initial_text": {"u": "0"}}, "no initial data"),
        ({"kind": "evolution"}, "belongs to kind evolution"),
    ],
)
def test_what_does_not_fit_a_steady_problem_is_said(change: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        poisson(**change) if "kind" not in change else Problem("p", poisson().equation, poisson().grid)  # type: ignore[arg-type]


def test_data_on_faces() -> None:
    problem = poisson()
    assert problem.boundary_values("u", "x", "upper", {}) == pytest.approx(math.sin(3))
    assert problem.boundary_values("u", "x", "lower", {}) == 0
    equation = Equation.parse(["u_t = laplacian(u)"], ["u"], ["x", "y"])
    axes = (Axis("x", 0, 1, 8, "dirichlet-neumann"), Axis("y", 0, 1, 8))
    moving = Problem(
        "m", equation, Grid(axes, np.array([0.0, 1.0])), initial_text={"u": "0"},
        boundary_text={"u": {"x": {"lower": "t*cos(2*pi*y)"}}},
    )  # fmt: skip
    y = np.linspace(0, 1, 5)
    found = moving.boundary_values("u", "x", "lower", {"y": y, "t": 2.0})
    assert np.allclose(found, 2 * np.cos(2 * np.pi * y), atol=1e-15)
    assert moving.features["boundary"] == {"dirichlet", "neumann", "periodic"}


def test_a_file_keeps_everything(tmp_path: Path) -> None:
    problem = poisson()
    reference = exact_reference(problem, {"u": "sin(a*x)"})
    problem_file.write(tmp_path / "p.h5", problem, reference)
    again = problem_file.read(tmp_path / "p.h5")
    assert again.content_hash == problem.content_hash and again.describe() == problem.describe()
    assert again.equation.steady and again.grid.axes[0].faces == ("dirichlet", "dirichlet")
    kept = read_reference(tmp_path / "p.h5", again)
    assert kept is not None and np.array_equal(kept.values["u"], reference.values["u"])
    with h5py.File(tmp_path / "p.h5") as file:
        (face,) = file["boundary_conditions"].values()
        assert face.attrs["bc_type"] == "WALL" and list(np.nonzero(face["mask"][:])[0]) == [0, 20]
        assert file["t0_fields/u"].shape == (1, 1, 21)


def test_a_specification(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(
        'kind = "steady"\nequation = ["u_xx = -a**2*sin(a*x)"]\nfields = ["u"]\n[parameters]\na = 3\n'
        '[[axes]]\nname = "x"\nlower = 0\nupper = 1\nsize = 21\nboundary = "dirichlet"\n'
        '[boundary.u.x]\nupper = "sin(a)"\n'
    )
    problem = read_spec(path)
    assert problem.kind == "steady" and problem.boundary_text == {"u": {"x": {"upper": "sin(a)"}}}
    path.write_text(path.read_text().replace("[boundary.u.x]\nupper", "[boundary.u]\nx"))
    with pytest.raises(UsageError, match=r"boundary\.u must be tables"):
        read_spec(path)


def test_resampling_between_ends_keeps_a_polynomial() -> None:
    equation = Equation.parse(["u_t = u_xx"], ["u"], ["x"])
    axis = Axis("x", -1.0, 1.0, 21, "dirichlet")
    values = axis.points() ** 5 - axis.points()
    problem = Problem("h", equation, Grid((axis,), np.array([0.0, 1.0])), initial_values={"u": values})
    fine = axis.points(50)
    assert np.abs(problem.initial((50,))[0] - (fine**5 - fine)).max() < 1e-13


def test_coverage_is_scored_and_shown() -> None:
    problem = poisson()
    reference = exact_reference(problem, {"u": "sin(a*x)"})
    error = np.linspace(0, 1, 21)
    std = np.full((1, 21), 0.52 / 1.959963984540054)
    scores = score(problem, Solution({"u": reference.values["u"] + error}, std={"u": std}), reference)
    assert scores.coverage == {"u": pytest.approx(11 / 21)} and scores.coverage_raw == {}
    factor = {SPREAD_FACTOR: np.array([2.0])}
    scores = score(problem, Solution({"u": reference.values["u"] + error}, std={"u": std}, history=factor), reference)
    assert scores.coverage_raw == {"u": pytest.approx(6 / 21)}
    assert coverage_text(0.95, None).endswith("95.0 % of the points (not calibrated)")
    assert coverage_text(0.95, 0.8).endswith("95.0 % of the points (before calibration 80.0 %)")


def test_it_is_shown_and_drawn() -> None:
    problem = poisson()
    reference = exact_reference(problem, {"u": "sin(a*x)"})
    text = problem_text(problem, reference)
    assert "u = sin(a) at x = 1" in text and "boundary-value problem" in text and "[0, 1]" in text
    solution = Solution(reference.values, std={"u": np.full((1, 21), 1e-3)})
    assert draw(problem, solution, reference, "test").startswith(b"\x89PNG")
    plane = Problem(
        "q", Equation.parse(["laplacian(u) = 1"], ["u"], ["x", "y"]),
        Grid((Axis("x", 0, 1, 8, "dirichlet"), Axis("y", 0, 1, 9, "dirichlet")), NOW), kind="steady",
    )  # fmt: skip
    assert draw(plane, Solution({"u": np.ones((1, 8, 9))}), None, "test").startswith(b"\x89PNG")


class TestWhoRefuses:
    EVOLUTION: ClassVar = ["etdrk4", "pinn-causal", "dop853", "taylor", "if-dop853", "spectral-taylor"]

    @pytest.mark.parametrize("name", EVOLUTION)
    def test_marching_solvers_do(self, name: str) -> None:
        reasons = registry.get_solver(name)().refuses(poisson())
        assert "it does not solve problems of kind steady" in reasons

    def test_periodic_solvers_refuse_faces(self) -> None:
        equation = Equation.parse(["u_t = u_xx"], ["u"], ["x"])
        axis = Axis("x", -1.0, 1.0, 21, "dirichlet")
        problem = Problem("h", equation, Grid((axis,), np.array([0.0, 1.0])), initial_text={"u": "0"})
        assert "it does not handle dirichlet boundaries" in registry.get_solver("etdrk4")().refuses(problem)
