"""INSR: series, networks and their Jacobians, integrators, charts, fits, exact solutions, resumption."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sciml_classical.solver import Chebyshev
from sciml_insr import presets
from sciml_insr.chart import Chart
from sciml_insr.embedding import Embedding
from sciml_insr.exponential import phi_sum
from sciml_insr.fit import Goal, adam, levenberg
from sciml_insr.fitting import Fitter
from sciml_insr.integrators import Collocation, gauss_nodes, integrator, radau_nodes
from sciml_insr.network import Gaussians, Network, Siren
from sciml_insr.pressure import Pressure
from sciml_insr.series import Series
from sciml_insr.solver import Insr
from torch import Tensor

from sciml import Axis, Equation, Grid, Problem, Run, Status
from sciml.errors import Stopped

TWO_PI = 2 * math.pi
LINE = (Axis("x", -1.0, 2.0, 32, "dirichlet"),)
RING = (Axis("x", 0.0, TWO_PI, 32),)
MIXED = (Axis("x", 0.0, 1.0, 16, "neumann-open"), Axis("y", 0.0, 2.0, 16))


def problem_on(
    axes: tuple[Axis, ...], statements: list[str], initial: dict[str, str], times: list[float],
    boundary: dict[str, dict[str, dict[str, str]]] | None = None,
) -> Problem:  # fmt: skip
    equation = Equation.parse(statements, list(initial), [axis.name for axis in axes])
    return Problem(
        "p", equation, Grid(axes, np.asarray(times)), initial_text=initial, boundary_text=boundary or {}
    )


class TestSeries:
    @given(st.lists(st.floats(-2, 2), min_size=6, max_size=6))
    @settings(max_examples=25, deadline=None)
    def test_it_is_taylors(self, numbers: list[float]) -> None:
        """sin, exp and product of a polynomial at a shifted point, summed from the coefficients at the old one."""
        algebra = Series([(6, 0), (3, 3), (0, 6)])
        z = torch.zeros(len(algebra.indices), dtype=torch.float64)
        for value, index in zip(numbers, [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)], strict=True):
            z[algebra.row[index]] = value
        h, k = 0.01, 0.007

        def at(jet: Tensor) -> float:
            return float(sum(c * h**i * k**j for c, (i, j) in zip(jet, algebra.indices, strict=True)))

        sine, cosine = algebra.sine(z)
        assert at(sine) == pytest.approx(math.sin(at(z)), abs=1e-9)
        assert at(cosine) == pytest.approx(math.cos(at(z)), abs=1e-9)
        assert at(algebra.exponential(z)) == pytest.approx(math.exp(at(z)), rel=1e-8)
        assert at(algebra.product(sine, z)) == pytest.approx(math.sin(at(z)) * at(z), abs=1e-8)

    def test_the_set_is_closed(self) -> None:
        algebra = Series([(2, 1)])
        assert set(algebra.indices) == set(itertools.product(range(3), range(2)))
        assert algebra.indices[0] == (0, 0)


NETWORKS = {
    "siren on a line": lambda: Siren(Embedding(LINE), 1, 7, 2, 8.0),
    "siren on a ring": lambda: Siren(Embedding(RING), 2, 6, 3, 5.0),
    "siren on a strip": lambda: Siren(Embedding(MIXED), 2, 5, 2, 4.0),
    "gaussians on a line": lambda: Gaussians(Embedding(LINE), 1, 5),
    "gaussians on a strip": lambda: Gaussians(Embedding(MIXED), 2, 6),
}


@pytest.mark.parametrize("name", NETWORKS)
class TestNetworks:
    def setup_network(self, name: str) -> tuple[Network, Tensor, Tensor, list[tuple[int, tuple[int, ...]]]]:
        network: Network = NETWORKS[name]()
        rng = np.random.default_rng(3)
        theta = network.draw(rng)
        dim = network.embedding.dim
        points = torch.as_tensor(rng.uniform(0.1, 0.9, size=(dim, 9)))
        orders = [(0,), (1,), (4,)] if dim == 1 else [(0, 0), (1, 0), (0, 2), (2, 1)]
        return network, theta, points, [(output, k) for output in range(network.outputs) for k in orders]

    def test_derivatives_are_those_of_the_values(self, name: str) -> None:
        network, theta, points, wanted = self.setup_network(name)
        found = network.values(theta, points, wanted)
        for value, (output, index) in zip(found, wanted, strict=True):
            x = points.clone().requires_grad_(True)
            exact = network.values(theta, x, [(output, (0,) * len(index))])[0]
            for axis, order in enumerate(index):
                for _ in range(order):
                    exact = torch.autograd.grad(exact.sum(), x, create_graph=True)[0][axis]
            assert torch.allclose(value, exact, rtol=1e-9, atol=1e-9 * float(exact.detach().abs().max()))

    def test_the_jacobian_is_that_of_the_values(self, name: str) -> None:
        network, theta, points, wanted = self.setup_network(name)
        values, slopes = network.jacobian(theta, points, wanted)
        assert torch.allclose(values, network.values(theta, points, wanted), rtol=1e-12, atol=1e-12)
        exact = torch.autograd.functional.jacobian(lambda th: network.values(th, points, wanted), theta)
        assert torch.allclose(slopes, exact, rtol=1e-9, atol=1e-10 * float(exact.abs().max()))

    def test_periodic_axes_are(self, name: str) -> None:
        network, theta, points, wanted = self.setup_network(name)
        lengths = [[a.length if a.periodic else 0.0] for a in network.embedding.axes]
        moved = points + torch.tensor(lengths, dtype=torch.float64)
        found, again = network.values(theta, points, wanted), network.values(theta, moved, wanted)
        for one, other in zip(found, again, strict=True):
            assert torch.allclose(one, other, rtol=0, atol=1e-11 * float(one.abs().max()))


class Riccati:
    """y' = -y² + cos t and z' = -z about a starting point: nonlinear, not autonomous."""

    start = torch.tensor([0.7, 1.0], dtype=torch.float64)

    def rate(self, y: Tensor, t: float) -> Tensor:
        u = self.start + y
        return torch.stack([-u[0] ** 2 + math.cos(3 * t), -u[1] * u[0]])

    def jacobian(self, y: Tensor | None, t: float) -> Tensor:
        a, b = (self.start if y is None else self.start + y).tolist()
        return torch.tensor([[-2 * a, 0.0], [-b, -a]], dtype=torch.float64)


@pytest.mark.parametrize("name", ["midpoint", "gl4", "gl6", "radau5", "exprb43", "rk4"])
def test_order_of_convergence(name: str) -> None:
    method, system = integrator(name), Riccati()

    def solved(steps: int) -> Tensor:
        y, dt = torch.zeros(2, dtype=torch.float64), 0.8 / steps
        for n in range(steps):
            factors = method.factor(system, n * dt, dt)
            step = method.advance(system, factors, y, n * dt, dt, 1e-15)  # type: ignore[arg-type]
            assert step.converged
            y = step.y
        return y

    exact = solved(256)
    errors = [float((solved(steps) - exact).norm()) for steps in (6, 12)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(method.order, abs=0.1)


def test_phi_functions() -> None:
    """φ_1(z) = (e^z - 1)/z and its followers, on a diagonal matrix."""
    z = torch.tensor([-3.0, 0.5, 2.0], dtype=torch.float64)
    ones = torch.ones(3, dtype=torch.float64)
    one, two = (z.exp() - 1) / z, (z.exp() - 1 - z) / z**2
    assert torch.allclose(phi_sum(torch.diag(z), 1.0, [ones]), one, atol=1e-13)
    assert torch.allclose(phi_sum(torch.diag(z), 1.0, [ones, 2 * ones]), one + 2 * two, atol=1e-13)
    assert torch.allclose(phi_sum(torch.diag(2 * z), 0.5, [ones]), 0.5 * one, atol=1e-13)


def test_tables_of_coefficients() -> None:
    root = math.sqrt(3)
    assert np.allclose(Collocation(gauss_nodes(2), 4).a, [[1 / 4, 1 / 4 - root / 6], [1 / 4 + root / 6, 1 / 4]], atol=1e-15)
    nodes = radau_nodes(3)
    assert np.allclose(nodes, [(4 - math.sqrt(6)) / 10, (4 + math.sqrt(6)) / 10, 1], atol=1e-15)
    for points in (gauss_nodes(3), nodes):
        table = Collocation(points, 0).a
        for k in range(1, 4):
            assert np.allclose(table @ points ** (k - 1), points**k / k, atol=1e-15)


def test_radau_damps_what_is_stiff() -> None:
    class Stiff:
        def rate(self, y: Tensor, t: float) -> Tensor:
            return -1e8 * (y + 1)

        def jacobian(self, y: Tensor | None, t: float) -> Tensor:
            return torch.tensor([[-1e8]], dtype=torch.float64)

    method = integrator("radau5")
    assert isinstance(method, Collocation)
    step = method.advance(Stiff(), method.factor(Stiff(), 0.0, 0.1), torch.zeros(1, dtype=torch.float64), 0.0, 0.1, 1e-14)
    assert step.converged and float(step.y) == pytest.approx(-1, abs=1e-5)


class TestFit:
    @staticmethod
    def rosenbrock(theta: Tensor) -> Tensor:
        return torch.stack([10 * (theta[1] - theta[0] ** 2), 1 - theta[0]])

    def test_levenberg_finds_the_valley(self) -> None:
        start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
        found = levenberg(
            self.rosenbrock, lambda th: torch.autograd.functional.jacobian(self.rosenbrock, th), start,
            Goal(1e-13, 200, patience=200), 1e-2,
        )  # fmt: skip
        assert torch.allclose(found.theta, torch.ones(2, dtype=torch.float64), atol=1e-10)

    def test_it_never_makes_things_worse(self) -> None:
        def residual(theta: Tensor) -> Tensor:
            return torch.stack([torch.sin(50 * theta[0]) + 2, theta[0]])

        start = torch.tensor([0.3], dtype=torch.float64)
        found = levenberg(residual, lambda th: torch.autograd.functional.jacobian(residual, th), start, Goal(0.0, 30))
        assert found.error <= float(residual(start).norm())
        assert found.error == pytest.approx(float(residual(found.theta).norm()))

    def test_adam_descends_and_counts(self) -> None:
        ticks: list[int] = []
        start = torch.tensor([1.0, 1.0], dtype=torch.float64)
        found = adam(lambda th: th - 0.99, start, Goal(1e-3, 400, tick=lambda: ticks.append(1)))
        assert found.error <= 1e-3 and found.iterations < 400 and len(ticks) == 1 + found.iterations // 50


def chart_of(problem: Problem, width: int = 8, points: int = 0) -> Chart:
    options = Insr.build(width=width, depth=2, omega=6.0, points=points)
    model = presets.model(options, problem)
    fitter = Fitter(options, problem, model, lambda: None)
    theta = model.network.draw(np.random.default_rng(1))
    thetas = [n.draw(np.random.default_rng(2)) for n in fitter.auxiliary]
    pressure = Pressure(model, fitter.auxiliary, thetas) if thetas else None
    return Chart.at(model, theta, pressure)


CHARTS = {
    "burgers": problem_on(RING, ["u_t = -u*u_x + 0.1*u_xx"], {"u": "sin(x)"}, [0.0, 1.0]),
    "system": problem_on(RING, ["u_t = v_x - u*v", "v_t = u_xx + cos(x)*sin(t)"], {"u": "sin(x)", "v": "1"}, [0.0, 1.0]),
    "ends": problem_on(LINE, ["u_t = u_xx - u**3"], {"u": "x"}, [0.0, 1.0], {"u": {"x": {"upper": "2 + t"}}}),
    "vorticity": problem_on(
        (Axis("x", 0.0, TWO_PI, 16), Axis("y", 0.0, TWO_PI, 16)),
        ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x", "w_t = -u*w_x - v*w_y + 0.1*laplacian(w)"],
        {"w": "cos(x) + cos(y)"}, [0.0, 1.0],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHARTS)
class TestCharts:
    def chart(self, name: str) -> Chart:
        return chart_of(CHARTS[name], points=12 if name == "vorticity" else 60)

    def test_the_basis_is_orthonormal(self, name: str) -> None:
        chart = self.chart(name)
        assert torch.allclose(chart.values.T @ chart.values, torch.eye(chart.rank, dtype=torch.float64), atol=1e-2)

    def test_the_jacobian_is_that_of_the_rate(self, name: str) -> None:
        chart, t = self.chart(name), 0.3
        direction = torch.as_tensor(np.random.default_rng(5).normal(size=chart.rank))
        h = 1e-4
        change = (chart.rate(h * direction, t) - chart.rate(-h * direction, t)) / (2 * h)
        exact = chart.jacobian(None, t) @ direction
        assert float((change - exact).norm()) < 1e-5 * float(exact.norm())

    def test_conditions_hold_wherever_it_goes(self, name: str) -> None:
        chart, t = self.chart(name), 0.4
        y = 0.1 * torch.as_tensor(np.random.default_rng(6).normal(size=chart.rank))
        for face in chart.model.samples.faces:
            value = chart.at_points(face.points, [(y, t)])[0, face.output]
            assert torch.allclose(value, face.data(chart.model.problem, t), atol=1e-6)

    def test_points_and_function_agree(self, name: str) -> None:
        chart = self.chart(name)
        y = torch.as_tensor(np.random.default_rng(7).normal(size=chart.rank))
        found = chart.at_points(chart.model.samples.points, [(y, 0.2)])[0].reshape(-1)
        assert torch.allclose(found, chart.function(y, 0.2), rtol=1e-6, atol=1e-6 * float(found.abs().max()))


def error_of(solution, exact, problem: Problem) -> float:  # type: ignore[no-untyped-def]
    points = np.meshgrid(*(axis.points() for axis in problem.grid.axes), indexing="ij")
    value = exact(*points, problem.grid.times[-1])
    return float(np.linalg.norm(solution.values["u"][-1] - value) / np.linalg.norm(value))


SMALL = {"width": 10, "depth": 2, "omega": 6.0, "points": 200}
EXACT = {
    "heat on a ring": (
        problem_on(RING, ["u_t = 0.3*u_xx - u_x"], {"u": "sin(x) + 0.3*cos(2*x)"}, [0.0, 0.2, 0.5]),
        lambda x, t: np.exp(-0.3 * t) * np.sin(x - t) + 0.3 * np.exp(-1.2 * t) * np.cos(2 * (x - t)),
    ),
    "heat between walls": (
        problem_on(
            (Axis("x", 0.0, 1.0, 33, "dirichlet"),), ["u_t = u_xx"], {"u": "sin(pi*x) + 1 + x"}, [0.0, 0.1],
            {"u": {"x": {"lower": "1", "upper": "2"}}},
        ),
        lambda x, t: np.exp(-(np.pi**2) * t) * np.sin(np.pi * x) + 1 + x,
    ),
    "heat with given fluxes": (
        problem_on(
            (Axis("x", 0.0, 1.0, 33, "neumann"),), ["u_t = u_xx"], {"u": "cos(pi*x) + x**2"}, [0.0, 0.1],
            {"u": {"x": {"lower": "0", "upper": "2"}}},
        ),
        lambda x, t: np.exp(-(np.pi**2) * t) * np.cos(np.pi * x) + x**2 + 2 * t,
    ),
    "a wall that moves": (
        problem_on(
            (Axis("x", 0.0, 1.0, 33, "dirichlet"),), ["u_t = u_xx + cos(t)*x - 0*u"], {"u": "sin(pi*x)"}, [0.0, 0.1],
            {"u": {"x": {"upper": "sin(t)"}}},
        ),
        lambda x, t: np.exp(-(np.pi**2) * t) * np.sin(np.pi * x) + np.sin(t) * x,
    ),
    "inflow": (
        problem_on(
            (Axis("x", 0.0, 2.0, 33, "dirichlet-open"),), ["u_t = -u_x"], {"u": "exp(-2*(x - 0.7)**2)"}, [0.0, 0.3],
            {"u": {"x": {"lower": "exp(-2*(t + 0.7)**2)"}}},
        ),
        lambda x, t: np.exp(-2 * (x - 0.7 - t) ** 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_exact_solutions(name: str) -> None:
    problem, exact = EXACT[name]
    solution = Insr.build(**SMALL).solve(problem, Run())
    assert solution.status is Status.OK
    assert error_of(solution, exact, problem) < 2e-5
    assert solution.cost["bytes"] == 8 * solution.cost["parameters"]


@pytest.mark.parametrize("name", ["midpoint", "gl4", "gl6", "exprb43", "rk4"])
def test_every_integrator(name: str) -> None:
    problem, exact = EXACT["heat on a ring"]
    step = {"step": 0.01} if name == "midpoint" else {}
    solution = Insr.build(integrator=name, **SMALL, **step).solve(problem, Run())
    assert error_of(solution, exact, problem) < (1e-4 if name == "midpoint" else 2e-5)


def test_a_fixed_step_has_the_error_of_its_rule() -> None:
    """Midpoint with half the step: a quarter of the error, far above that of the fits."""
    problem, exact = EXACT["heat on a ring"]
    errors = [
        error_of(Insr.build(integrator="midpoint", step=step, **SMALL).solve(problem, Run()), exact, problem)
        for step in (0.1, 0.05)
    ]
    assert errors[0] > 1e-4
    assert errors[0] / errors[1] == pytest.approx(4, abs=0.4)


def test_gaussians() -> None:
    problem, exact = EXACT["inflow"]
    solution = Insr.build(network="gaussians", width=25, points=200).solve(problem, Run())
    assert error_of(solution, exact, problem) < 1e-4


def test_an_ideal_flow_is_kept() -> None:
    """Taylor–Green vortices in velocity and pressure: a steady solution."""
    axes = (Axis("x", -1.0, 1.0, 16), Axis("y", -1.0, 1.0, 16))
    statements = [
        "p = inverse_laplacian(-(u_x**2 + 2*u_y*v_x + v_y**2))", "u_t = -u*u_x - v*u_y - p_x", "v_t = -u*v_x - v*v_y - p_y",
    ]  # fmt: skip
    initial = {"u": "sin(pi*x)*cos(pi*y)", "v": "-cos(pi*x)*sin(pi*y)"}
    problem = problem_on(axes, statements, initial, [0.0, 0.1, 0.2])
    solution = Insr.build(width=10, depth=2, omega=3.0, points=20, integrator="rk4", step=0.1).solve(problem, Run())
    start = problem.initial()
    for i, name in enumerate("uv"):
        assert np.linalg.norm(solution.values[name][-1] - start[i]) < 1e-3 * np.linalg.norm(start[i])
    assert solution.cost["auxiliary_parameters"] > 0


def test_adam_follows_slowly() -> None:
    problem, _ = EXACT["heat on a ring"]
    solution = Insr.build(inner="adam", iterations=300, step=0.25, width=10, depth=2, omega=6.0, points=64).solve(
        problem, Run()
    )
    assert solution.status in (Status.INACCURATE, Status.PARTIAL)  # honest about 300 iterations


@pytest.mark.parametrize("integrator_name", ["radau5", "rk4"])
def test_resumed_equals_uninterrupted(integrator_name: str, tmp_path: Path) -> None:
    class Interrupted(Run):
        def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
            if fraction > 0.4:
                self.save(state() if callable(state) else state)
                raise Stopped("enough")

    problem, _ = EXACT["heat on a ring"]
    solver = Insr.build(integrator=integrator_name, **SMALL)
    whole = solver.solve(problem, Run()).values["u"]
    with pytest.raises(Stopped):
        solver.solve(problem, Interrupted(folder=tmp_path))
    assert solver.solve(problem, Run(folder=tmp_path)).values["u"].tobytes() == whole.tobytes()


def test_a_budget_ends_the_first_fit() -> None:
    problem, _ = EXACT["heat on a ring"]
    with pytest.raises(Stopped, match="budget"):
        Insr.build(**SMALL).solve(problem, Run(budget=1e-3))


def test_what_it_refuses() -> None:
    walls = problem_on(
        (Axis("x", 0.0, 1.0, 8, "dirichlet"), Axis("y", 0.0, 1.0, 8)),
        ["psi = inverse_laplacian(-w)", "w_t = -psi_y*w_x + psi_x*w_y"], {"w": "0"}, [0.0, 1.0],
    )  # fmt: skip
    assert "nonlocal terms need periodic axes" in Insr().refuses(walls)
    assert Insr.build(network="gaussians", depth=2).refuses(CHARTS["burgers"])
    assert Insr().refuses(CHARTS["burgers"]) == []
    steady = Problem(
        "s", Equation.parse(["u_xx = 1"], ["u"], ["x"]), Grid((Axis("x", 0, 1, 8, "dirichlet"),), np.zeros(1)), kind="steady"
    )
    assert "it does not solve problems of kind steady" in Insr().refuses(steady)


def test_a_solution_may_grow_from_nothing() -> None:
    """u = 0 at first, heated from one end: errors are relative to what is given, not to what is there already."""
    axes = (Axis("x", 0.0, 1.0, 33, "dirichlet"),)
    problem = problem_on(axes, ["u_t = 0.2*u_xx"], {"u": "0"}, [0.0, 0.1, 0.2], {"u": {"x": {"lower": "sin(t)**2"}}})
    assert problem.given_size() == pytest.approx(math.sin(0.2) ** 2)
    solution = Insr.build(**SMALL).solve(problem, Run())
    truth = Chebyshev().solve(problem, Run())
    assert solution.status is not Status.PARTIAL and truth.status is Status.OK
    assert np.abs(solution.values["u"] - truth.values["u"]).max() < 1e-4 * problem.given_size()


@pytest.mark.slow
def test_a_step_too_long_is_a_sentence() -> None:
    problem = problem_on(RING, ["u_t = u**2"], {"u": "1 + 0.1*cos(x)"}, [0.0, 2.0])
    solution = Insr.build(width=6, depth=1, omega=6.0, points=40, tolerance=1e-3).solve(problem, Run())
    assert solution.status is Status.PARTIAL
    assert 0 <= solution.reached < 1 and "t=" in solution.message
