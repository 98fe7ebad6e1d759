"""Shipped references against what is known without any solver of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sciml.files import problem_file
from sciml.reference.values import read_reference

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


def test_burgers_shock_is_implicit_in_its_characteristics() -> None:
    """u = u0(x - u t), and equal areas: the mean stays 0.3 (the trapezoidal rule with a jump of at most 2 between points
    misses it by less than 2 over the points)."""
    path = PROBLEMS / "burgers-shock.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    assert reference is not None
    x, values = problem.grid.axes[0].points(), reference.values["u"]
    for t, u in zip(problem.grid.times, values, strict=True):
        assert np.abs(u - 0.3 - np.sin(2 * np.pi * (x - u * t))).max() < 2e-14
        falls = np.diff(np.append(u, u[0])) < -0.5
        assert falls.sum() == (t > 0.16)  # one shock from 1/(2π) on, down and never up
        if falls.any():
            shock = 0.5 + 0.3 * t
            assert abs(x[falls.argmax()] + 0.5 / 256 - shock) <= 0.5 / 256
        assert abs(u.mean() - 0.3) < 2 / 256


def test_sod_holds_the_jump_conditions() -> None:
    """Across the shock and the contact [f] = s [u] (Rankine–Hugoniot), and the known middle pressure 0.30313017805."""
    path = PROBLEMS / "sod.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    assert reference is not None
    x, t = problem.grid.axes[0].points(), float(problem.grid.times[-1])
    rho, m, energy = (reference.values[name][-1] for name in ("rho", "m", "E"))
    pressure = 0.4 * (energy - m**2 / rho / 2)
    states, fluxes = np.stack([rho, m, energy]), np.stack([m, m**2 / rho + pressure, m * (energy + pressure) / rho])
    jumps = [i for i in range(120, 200) if abs(rho[i + 1] - rho[i]) > 1e-3]
    assert len(jumps) == 2
    for i in jumps:
        moved, flowed = states[:, i + 1] - states[:, i], fluxes[:, i + 1] - fluxes[:, i]
        speed = flowed[0] / moved[0]
        np.testing.assert_allclose(flowed, speed * moved, atol=1e-13)
        assert x[i] <= 0.5 + speed * t <= x[i + 1]
    assert abs(pressure[jumps[0]] - 0.30313017805) < 1e-10
