"""Taylor series of Fourier coefficients: known coefficients, exact solutions, stability, resumption."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from sciml_classical.solver import Etdrk4, SpectralTaylor

from sciml import Axis, Equation, Grid, Problem, Run, Status
from sciml.errors import RunFailed, Stopped
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.host import HostNonlinear
from sciml.numerics.initial import fourier_basis, initial_coefficients
from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.numerics.spectral_taylor import SpectralSeries, stable_step
from sciml.numerics.taylor import evaluate_series

EXTENDED = SpectralTaylor(precision="extended")


def line(statements: list[str], initial: dict[str, str], end: float, size: int = 32, times: int = 3) -> Problem:
    equation = Equation.parse(statements, list(initial), ["x"])
    return Problem(
        "line", equation, Grid((Axis("x", 0.0, 2 * math.pi, size),), np.linspace(0, end, times)), initial_text=initial
    )


def series(statements: list[str], fields: list[str], modes: int = 8) -> SpectralSeries:
    system = PseudoSpectral(
        Equation.parse(statements, fields, ["x"]), FourierBasis(("x",), (-0.4,), (2 * math.pi,), (modes,))
    )
    return SpectralSeries(HostNonlinear(system, extended=True))


SYSTEMS = {
    "burgers": (["u_t = -u*u_x + 0.1*u_xx"], ["u"]),
    "cubic": (["u_t = 0.5*u_xx + u - u**3"], ["u"]),
    "derivatives": (["u_t = u_x**2 - u*u_xx"], ["u"]),
    "nonlocal": (["u_t = u*d_x(inverse_laplacian(u)) + inverse_laplacian(u**2)"], ["u"]),
    "forced": (["u_t = u_xx + cos(x)*sin(2*t) + t*u + 0.7"], ["u"]),
    "space": (["u_t = -(1 + cos(x)/2)*u*u_x"], ["u"]),
    "coupled": (["u_t = v_x - u*v", "v_t = u_x + u**2*v"], ["u", "v"]),
    "transcendental": (["u_t = sin(u) + exp(-u**2)*sqrt(2 + u_x**2)"], ["u"]),
    "only linear": (["u_t = -u_x + 0.1*u_xx"], ["u"]),
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_series_obeys_the_equation(name: str) -> None:
    """At t + h the derivative of the polynomial is the right-hand side of its value."""
    field = series(*SYSTEMS[name])
    host, order = field.host, 20
    numbers = np.random.default_rng(0).normal(size=(2, *host.diagonal.shape)) / (1 + np.arange(host.count)) ** 4
    u = (numbers[0] + 1j * numbers[1]).astype(np.clongdouble)
    u[:, 0] = u[:, 0].real
    t = host.real(0.3)
    coefficients = field.expand(u, t, order)
    assert all(c.shape == u.shape and c.dtype == u.dtype for c in coefficients)
    h = host.real(stable_step([*coefficients], 1e-18))
    h = min(h, host.real(0.1))
    value = evaluate_series(coefficients, h)
    slope = evaluate_series([n * c for n, c in enumerate(coefficients)][1:], h)
    assert np.abs(slope - host.diagonal * value - host(value, t + h)).max() < 1e-15


def test_coefficients_of_a_linear_equation() -> None:
    field = series(["u_t = 0.3*u_xx - 0.5*u_x"], ["u"], 4)
    u = np.ones((1, 5), dtype=np.clongdouble)
    for n, coefficient in enumerate(field.expand(u, 0.0, 12)):
        exact = field.host.diagonal**n / math.factorial(n)
        assert np.abs(coefficient - exact).max() <= 1e-17 * np.abs(exact).max()


def test_heat_and_advection_are_exact() -> None:
    """Every projected initial coefficient is multiplied by exp(λt): nothing else enters, in either precision."""
    problem = line(["u_t = 0.2*u_xx - 0.5*u_x"], {"u": "cos(x) + sin(3*x)"}, 1.0, size=16)
    k = np.arange(5)
    start = initial_coefficients(problem, fourier_basis(problem, (4,)))[0].numpy().astype(np.clongdouble)
    assert np.abs(start - [0, 0.5, 0, -0.5j, 0]).max() < 1e-15
    end = start * np.exp(-np.longdouble("0.2") * k**2 - 0.5j * k)
    pi = np.longdouble("3.14159265358979323846")
    x = np.arange(16) * pi / 8
    exact = end[0].real + 2 * (np.exp(1j * np.outer(x, k[1:])) @ end[1:]).real
    for solver in (EXTENDED, SpectralTaylor()):
        assert np.abs(solver.solve(problem, Run()).values["u"][-1] - exact).max() < 1e-15


def test_burgers_against_cole_and_hopf() -> None:
    """u = -2 nu φ_x/φ with φ_t = nu φ_xx and φ = 2 + cos x at t = 0."""
    problem = line(["u_t = -u*u_x + 0.25*u_xx"], {"u": "0.5*sin(x)/(2 + cos(x))"}, 1.0, size=32, times=4)
    x = problem.grid.axes[0].points()
    found = SpectralTaylor(precision="extended", tail=1e-16).solve(problem, Run()).values["u"]
    for t, u in zip(problem.grid.times, found, strict=True):
        decay = math.exp(-0.25 * t)
        assert np.abs(u - 0.5 * decay * np.sin(x) / (2 + decay * np.cos(x))).max() < 3e-15


@pytest.mark.parametrize("order", [6, 10])
def test_the_error_falls_with_the_order(order: int) -> None:
    """Fixed h: one step of order p has an error of h^(p+1)."""
    field = series(["u_t = -u*u_x + 0.05*u_xx"], ["u"])
    u = np.zeros((1, 9), dtype=np.clongdouble)
    u[0, 1] = 0.5
    fine = field.expand(u, 0.0, 40)
    coarse = field.expand(u, 0.0, order)
    errors = [np.abs(evaluate_series(coarse, h) - evaluate_series(fine, h)).max() for h in (0.1, 0.05)]
    assert abs(np.log2(float(errors[0] / errors[1])) - (order + 1)) < 0.3


def test_smaller_tolerances_are_more_accurate() -> None:
    problem = line(["u_t = -u*u_x + 0.2*u_xx + cos(x)*sin(3*t)"], {"u": "sin(x)"}, 1.0)
    best = SpectralTaylor(modes=24, precision="extended").solve(problem, Run()).values["u"]
    errors = [
        np.abs(SpectralTaylor(tolerance=t, series_order=12, modes=24).solve(problem, Run()).values["u"] - best).max()
        for t in (1e-6, 1e-9, 1e-12)
    ]
    assert errors[0] > 30 * errors[1] > 900 * errors[2]
    assert errors[2] < 1e-11


def test_a_loose_tolerance_takes_no_more_modes() -> None:
    """Noise in stiff modes is as large as the tolerance; it must not be read as a want of resolution."""
    problem = line(["u_t = -u*u_x + 0.2*u_xx"], {"u": "sin(x)"}, 1.0)
    solution = SpectralTaylor(tolerance=1e-8, series_order=12, max_modes=200).solve(problem, Run())
    assert solution.status is Status.OK
    assert solution.cost["modes"] <= 48
    assert np.abs(solution.values["u"] - EXTENDED.solve(problem, Run()).values["u"]).max() < 1e-6


def test_stiff_modes_stay_quiet() -> None:
    """|λ| up to 6.6e4 for a solution that varies on a time of 1: the step follows |λ|, and noise does not grow."""
    problem = line(["u_t = -u*u_x - u_xx - 0.2*u_xxxx"], {"u": "cos(x)"}, 0.1)
    solution = SpectralTaylor(modes=24, precision="extended").solve(problem, Run())
    assert solution.status is Status.OK
    assert solution.cost["spectral_tail"] < 1e-16
    other = Etdrk4(modes=24, tolerance=1e-13, precision="extended").solve(problem, Run())
    assert np.abs(solution.values["u"] - other.values["u"]).max() < 1e-11


def test_systems_and_adapted_modes() -> None:
    problem = line(
        ["u_t = v_x - u*u_x + 0.1*u_xx", "v_t = u_x + 0.05*v_xx"], {"u": "sin(x)", "v": "cos(x)"}, 2.0, size=64
    )
    found = EXTENDED.solve(problem, Run())
    fixed = SpectralTaylor(modes=100, precision="extended").solve(problem, Run())
    assert found.status is Status.OK
    assert 32 < found.cost["modes"] < 100
    for name in "uv":
        assert np.abs(found.values[name] - fixed.values[name]).max() < 1e-11


KS = line(["u_t = -u*u_x - u_xx - 0.05*u_xxxx"], {"u": "cos(x)"}, 0.1, times=11)


@pytest.mark.parametrize("precision", ["double", "extended"])
def test_resumed_equals_uninterrupted(precision: str, tmp_path: Path) -> None:
    class Interrupted(Run):
        def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
            if fraction > 0.4:
                self.save(state() if callable(state) else state)
                raise Stopped("enough")

    solver = SpectralTaylor(modes=16, precision=precision)
    whole = solver.solve(KS, Run()).values["u"]
    with pytest.raises(Stopped):
        solver.solve(KS, Interrupted(folder=tmp_path))
    assert solver.solve(KS, Run(folder=tmp_path)).values["u"].tobytes() == whole.tobytes()


def test_a_long_interval_can_be_left_and_resumed(tmp_path: Path) -> None:
    problem = line(["u_t = -u*u_x - u_xx - 0.05*u_xxxx"], {"u": "cos(x)"}, 0.2, times=2)
    solver = SpectralTaylor(modes=24)
    with pytest.raises(Stopped, match="budget"):
        solver.solve(problem, Run(folder=tmp_path, budget=1e-3))
    resumed = solver.solve(problem, Run(folder=tmp_path))
    whole = solver.solve(problem, Run())
    assert resumed.values["u"].tobytes() == whole.values["u"].tobytes()
    assert resumed.cost == whole.cost


def test_a_blow_up_is_a_sentence() -> None:
    with pytest.raises(RunFailed, match="too small"):
        SpectralTaylor(modes=8).solve(line(["u_t = u**2"], {"u": "1 + 0.1*cos(x)"}, 2.0), Run())


def test_two_dimensions_are_refused() -> None:
    grid = Grid(tuple(Axis(a, 0.0, 1.0, 8) for a in "xy"), np.linspace(0, 1, 2))
    problem = Problem("p", Equation.parse(["u_t = u_xx"], ["u"], ["x", "y"]), grid, initial_text={"u": "1"})
    assert SpectralTaylor().refuses(problem)
