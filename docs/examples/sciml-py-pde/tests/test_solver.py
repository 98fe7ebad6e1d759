"""The conformance kit, and what is this wrapper's own."""

import numpy as np
import pytest
from sciml_py_pde.solver import PyPde
from sciml_py_pde.translate import rate_text

from sciml import Axis, Equation, Grid, Problem, Run
from sciml.testing import parametrize_solver_checks


@parametrize_solver_checks(PyPde, tolerance=1e-2)
def test_conformance(check):
    check()


def posed(statement: str, size: int = 32) -> Problem:
    equation = Equation.parse([statement], ["u"], ["x"], {"d": 0.1})
    grid = Grid((Axis("x", 0.0, 2 * np.pi, size),), np.linspace(0.0, 1.0, 3))
    return Problem("posed", equation, grid, initial_text={"u": "sin(x)"})


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("u_t = d*u_xx", "0.1*d2_dx2(u)"),
        ("u_t = -u_xxx", "-1.0*d_dx(d2_dx2(u))"),
        ("u_t = sin(x)*u**2", "sin(x)*(u)**(2.0)"),
    ],
)
def test_terms_in_py_pdes_words(statement, text):
    assert rate_text(posed(statement)) == text


def test_errors_fall_by_four_when_points_double():
    errors = []
    for refine in (1, 2, 4):
        found = PyPde(refine=refine, tolerance=1e-9).solve(posed("u_t = d*u_xx"), Run()).values["u"][-1]
        errors.append(np.abs(found - np.exp(-0.1) * np.sin(posed("u_t = d*u_xx").grid.axes[0].points())).max())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.05) and errors[1] / errors[2] == pytest.approx(4, rel=0.05)


def test_what_it_has_no_word_for_is_refused():
    equation = Equation.parse(["u_t = inverse_laplacian(u)"], ["u"], ["x"], {})
    grid = Grid((Axis("x", 0.0, 2 * np.pi, 32),), np.linspace(0.0, 1.0, 3))
    assert PyPde().refuses(Problem("p", equation, grid, initial_text={"u": "sin(x)"}))
