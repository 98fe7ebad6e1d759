"""Shipped references against what is known without any solver of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sciml import problem_file
from sciml.reference import read_reference

PROBLEMS = Path(__file__).parents[1] / "problems"


@pytest.mark.parametrize("index", [7, 40, 100])
def test_burgers_is_the_cole_hopf_solution(index: int) -> None:
    """u = -∫ sin(πy) f(y) g ds / ∫ f(y) g ds with y = x - s, g the heat kernel and f = exp(-cos(πy)/(2πν)), by the
    trapezoidal rule in extended precision (Basdevant et al., Computers & Fluids 14, 1986, eq. 2.8)."""
    path = PROBLEMS / "burgers.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    assert reference is not None
    real = np.longdouble
    pi = real("3.14159265358979323846264338327950288")
    nu = real(problem.equation.parameters["nu"])
    t, (axis,) = real(problem.grid.times[index]), problem.grid.axes
    x = axis.points()[::4].astype(real)
    reach = real(1.05) * t + 9 * np.sqrt(4 * nu * t)  # |u| <= 1, and nine widths of the kernel
    s = np.linspace(-1, 1, 3001).astype(real) * reach
    y = x[:, None] - s
    exponent = -np.cos(pi * y) / (2 * pi * nu) - s**2 / (4 * nu * t)
    weight = np.exp(exponent - exponent.max(1, keepdims=True))
    exact = -(np.sin(pi * y) * weight).sum(1) / weight.sum(1)
    found = reference.values["u"][index][::4]
    error = np.linalg.norm((found - exact).astype(float)) / np.linalg.norm(exact.astype(float))
    assert error < 1e-12


def test_taylor_green_is_its_formula() -> None:
    path = PROBLEMS / "taylor-green.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    assert reference is not None
    x, y = np.meshgrid(*(axis.points() for axis in problem.grid.axes), indexing="ij")
    nu = problem.equation.parameters["nu"]
    for t, values in zip(problem.grid.times, reference.values["w"], strict=True):
        np.testing.assert_allclose(values, 2 * np.cos(x) * np.cos(y) * np.exp(-2 * nu * t), atol=1e-15)
