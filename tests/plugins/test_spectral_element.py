"""Spectral elements: exact for polynomials, order p + 1, waves, given coefficients, singular cases said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sciml_classical.solver import Multigrid, SpectralElement
from sciml_classical.spectral_element.assembly import lobatto

from sciml import Axis, Equation, Grid, Problem, Run, RunFailed, Status
from sciml.files import problem_file
from sciml.reference.values import read_reference

PROBLEMS = Path(__file__).parents[2] / "problems"


@pytest.mark.parametrize("degree", [2, 3, 5, 8])
def test_lobatto_integrates_and_differentiates_polynomials(degree):
    nodes, weights, derivative = lobatto(degree)
    for k in range(2 * degree):
        assert weights @ nodes**k == pytest.approx((1 - (-1) ** (k + 1)) / (k + 1), abs=1e-13)
    for k in range(1, degree + 1):
        np.testing.assert_allclose(derivative @ nodes**k, k * nodes ** (k - 1), atol=1e-11)


def _problem(statement, n=9, faces="dirichlet", boundary=None, given=None):
    equation = Equation.parse([statement], ["u"], ["x", "y"], given=sorted(given or {}))
    axes = tuple(Axis(name, 0.0, 1.0, n, faces) for name in "xy")
    return Problem(
        "p", equation, Grid(axes, np.zeros(1)), kind="steady", boundary_text={"u": boundary} if boundary else {},
        given=given or {},
    )  # fmt: skip


def test_polynomials_of_the_degree_are_exact():
    data = {"x": {"lower": "0", "upper": "y**2"}, "y": {"lower": "0", "upper": "x**3"}}
    problem = _problem("laplacian(u) = 6*x*y**2 + 2*x**3", n=4, boundary=data)
    x, y = np.meshgrid(*(a.points() for a in problem.grid.axes), indexing="ij")
    found = SpectralElement(degree=3, estimate=False).solve(problem, Run())
    np.testing.assert_allclose(found.values["u"][0], x**3 * y**2, atol=1e-13)


@pytest.mark.parametrize("degree", [2, 3, 4])
def test_errors_at_corners_fall_with_twice_the_degree(degree):
    errors = []
    for n in (5, 9):
        problem = _problem("laplacian(u) = -2*pi**2*sin(pi*x)*sin(pi*y)", n)
        x, y = np.meshgrid(*(a.points() for a in problem.grid.axes), indexing="ij")
        u = SpectralElement(degree=degree, estimate=False).solve(problem, Run()).values["u"][0]
        errors.append(np.abs(u - np.sin(np.pi * x) * np.sin(np.pi * y)).max())
    assert abs(np.log2(errors[0] / errors[1]) - 2 * degree) < 0.35


def test_waves_with_fluxes_given():
    problem = _problem(
        "laplacian(u) + 900*u = 0", 33, "neumann", {"y": {"upper": "cos(pi*x)"}}
    )  # u = cos(πx) cos(my) / (-m sin m), m² = 900 - π²
    m = np.sqrt(900 - np.pi**2)
    x, y = np.meshgrid(*(a.points() for a in problem.grid.axes), indexing="ij")
    exact = -np.cos(np.pi * x) * np.cos(m * y) / (m * np.sin(m))
    found = SpectralElement(degree=5).solve(problem, Run())
    assert found.status is Status.OK
    error = np.abs(found.values["u"][0] - exact).max() / np.abs(exact).max()
    assert error < 1e-6 and error < found.cost["estimated_error"]


def test_a_coefficient_on_the_grid_is_the_problem_multigrid_solves():
    rng = np.random.default_rng(0)
    problem = _problem("d_x(a*u_x) + d_y(a*u_y) = -1", 17, given={"a": rng.uniform(1.0, 4.0, (17, 17))})
    ours = SpectralElement(degree=6, estimate=False).solve(problem, Run()).values["u"]
    other = Multigrid(points=257, accuracy=0.1).solve(problem, Run()).values["u"]
    assert np.abs(ours - other).max() < 2e-4 * np.abs(ours).max()


@pytest.mark.parametrize("name", ["darcy-wells", "darcy-channel"])
def test_shipped_darcy_problems(name):
    problem = problem_file.read(PROBLEMS / f"{name}.h5")
    reference = read_reference(PROBLEMS / f"{name}.h5", problem)
    found = SpectralElement().solve(problem, Run())
    assert np.abs(found.values["u"] - reference.values["u"]).max() < 1e-10


def test_what_has_no_single_solution_is_said():
    with pytest.raises(RunFailed, match="up to a constant only"):
        SpectralElement(estimate=False).solve(_problem("laplacian(u) = 0*x", faces="neumann"), Run())


def test_an_unresolved_wave_is_called_inaccurate():
    problem = _problem("laplacian(u) + 3000*u = 1", 9)
    found = SpectralElement(degree=2 + 1).solve(problem, Run())
    assert found.status is Status.INACCURATE and "estimated relative error" in found.message
