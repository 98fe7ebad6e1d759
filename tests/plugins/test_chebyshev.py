"""Chebyshev series: exact solutions of boundary-value and of evolution problems, refusals, resumption."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sciml_classical.chebyshev import basis
from sciml_classical.chebyshev import ultraspherical as us
from sciml_classical.chebyshev.radau import STAGES, Radau, scheme
from sciml_classical.solver import Chebyshev

from sciml import Axis, Equation, Grid, Problem, Run, Solution, Status
from sciml.errors import RunFailed, Stopped, UsageError
from sciml.files import problem_file
from sciml.kinds import kind_of
from sciml.reference.builder import exact_reference
from sciml.reference.values import read_reference

PROBLEMS = Path(__file__).parents[2] / "problems"
STILL = np.zeros(1)
Data = dict[str, dict[str, dict[str, str]]]


def steady(
    statements: list[str], axes: list[Axis], data: Data | None = None, fields: str = "u", **parameters: float
) -> Problem:
    equation = Equation.parse(statements, list(fields), [a.name for a in axes], parameters)
    return Problem("p", equation, Grid(tuple(axes), STILL), kind="steady", boundary_text=data or {})


def line(statements: list[str], lower: str, upper: str, kind: str = "dirichlet", **more: float) -> Problem:
    ends = {side: text for side, text in (("lower", lower), ("upper", upper)) if text}
    return steady(statements, [Axis("x", -1.0, 2.0, 41, kind)], {"u": {"x": ends}}, **more)


def evolution(
    statements: list[str], kind: str, initial: dict[str, str], data: Data, end: float = 1.0, size: int = 33
) -> Problem:
    equation = Equation.parse(statements, list(initial), ["x"])
    grid = Grid((Axis("x", 0.0, 1.0, size, kind),), np.linspace(0, end, 6))
    return Problem("p", equation, grid, initial_text=initial, boundary_text=data)


def solved(problem: Problem, formulas: str | dict[str, str], **options: object) -> tuple[float, Solution]:
    """(largest error relative to the largest value, solution)."""
    solution = Chebyshev.build(**options).solve(problem, Run())
    solution.check(problem)
    exact = exact_reference(problem, {"u": formulas} if isinstance(formulas, str) else formulas).values
    return max(np.abs(solution.values[k] - v).max() / np.abs(v).max() for k, v in exact.items()), solution


class TestPieces:
    @pytest.mark.parametrize("n", [5, 16, 33])
    def test_transforms_are_those_of_chebyshev_series(self, n: int) -> None:
        values = np.random.default_rng(0).normal(size=(n, 3))
        c = basis.to_coefficients(values, 0)
        assert np.abs(np.polynomial.chebyshev.chebval(np.float64(basis.nodes(n)), c).T - values).max() < 1e-13
        assert np.abs(basis.to_values(c, 0) - values).max() < 1e-14

    @pytest.mark.parametrize("k", [0, 1, 2, 3])
    @pytest.mark.parametrize("length", [1, 4, 20, 60])
    def test_multiplication_in_every_basis(self, k: int, length: int) -> None:
        """Converted to C^(k), the series of f·u is the matrix of f on the series of u."""
        rng, n = np.random.default_rng(length), 48
        f, u = rng.normal(size=length), np.zeros(n)
        u[:20] = rng.normal(size=20)
        product = basis.resized(np.polynomial.chebyshev.chebmul(f, u[:20]), 120)
        wanted = (us.conversion(120, 0, k) @ product)[:n]
        found = us.multiplication(basis.resized(f, 60), n, k) @ (us.conversion(n, 0, k) @ u)
        assert np.abs(found[: len(wanted)] - wanted).max() < 1e-11 * np.abs(wanted).max()

    def test_the_scheme_is_radau(self) -> None:
        """Three stages, from the book (Hairer & Wanner, table IV.5.6); twelve integrate polynomials of degree 22."""
        nodes, inverse, *_ = scheme(3)
        assert np.abs(nodes - [(4 - 6**0.5) / 10, (4 + 6**0.5) / 10, 1]).max() < 1e-15
        assert np.linalg.inv(inverse)[2] == pytest.approx([(16 - 6**0.5) / 36, (16 + 6**0.5) / 36, 1 / 9], rel=1e-13)
        nodes, inverse, *_ = scheme(STAGES)
        weights = np.linalg.inv(inverse)[-1]
        for degree in range(2 * STAGES - 1):
            assert weights @ nodes**degree == pytest.approx(1 / (degree + 1), rel=1e-12)

    def test_stiff_and_oscillating_steps(self) -> None:
        """y' = J (y - sin t) + cos t with |J| up to 1e6, and a rotation; dense outputs are as good as ends."""
        j = np.array([[-1e6, 0, 0], [0, 0, 3], [0, -3, 0.0]])
        start = np.array([0.0, 1.0, 0.0])
        march = Radau(
            lambda t, y: y @ j.T + np.outer(1e6 * np.sin(t) + np.cos(t), [1, 0, 0]), lambda t, y: j, 0.0, start, 5.0,
            0.01, 1e-12,
        )  # fmt: skip
        while march.t < 5.0:
            before = march.t
            march.step()
            for t in np.linspace(before, march.t, 4):
                exact = [math.sin(t), math.cos(3 * t), -math.sin(3 * t)]
                assert np.abs(march.at(t) - exact).max() < 1e-11


LINES = {
    "dirichlet": (["u_xx = -9*sin(3*x)"], "sin(3*x)", ("sin(-3)", "sin(6)"), "dirichlet"),
    "neumann and value": (["u_xx - u = -10*sin(3*x)"], "sin(3*x)", ("-3*cos(3)", "3*cos(6)"), "neumann"),
    "mixed": (["u_xx = exp(x)"], "exp(x)", ("exp(-1)", "exp(2)"), "dirichlet-neumann"),
    "mixed, other way": (["u_xx = exp(x)"], "exp(x)", ("-exp(-1)", "exp(2)"), "neumann-dirichlet"),
    "polynomial coefficients": (
        ["(1 + x**2)*u_xx + x*u_x - u = (1 + x**2)*4*exp(2*x) + (2*x - 1)*exp(2*x)"], "exp(2*x)",
        ("exp(-2)", "exp(4)"), "dirichlet",
    ),
    "a wave as coefficient": (
        ["u_xx + cos(40*x)*u_x + exp(x)*u = -sin(x) + cos(40*x)*cos(x) + exp(x)*sin(x)"], "sin(x)",
        ("sin(-1)", "sin(2)"), "dirichlet",
    ),
    "a boundary layer": (["e*u_xx + u_x = 0"], "(exp(-(x+1)/e) - exp(-3/e))/(1 - exp(-3/e))", ("1", "0"), "dirichlet"),
    "first order": (["u_x + 2*u = 3*exp(x)"], "exp(x)", ("exp(-1)", ""), "dirichlet-open"),
    "first order, both ends": (["u_x - 2*u = -exp(x)"], "exp(x)", ("exp(-1)", "exp(2)"), "dirichlet"),
}  # fmt: skip


@pytest.mark.parametrize("name", LINES)
def test_exact_solutions_on_a_line(name: str) -> None:
    statements, exact, ends, kind = LINES[name]
    problem = line(statements, *ends, kind=kind, **({"e": 0.01} if "e*u_xx" in statements[0] else {}))
    error, solution = solved(problem, exact)
    assert error < 2e-13
    assert solution.status is Status.OK


def test_the_bratu_problem() -> None:
    """u'' + λ exp u = 0 on [0, 1], λ = 1: u = -2 log(cosh((x - 1/2) θ/2)/cosh(θ/4)), θ = sqrt(2λ) cosh(θ/4)."""
    theta = 1.5
    for _ in range(100):
        theta = math.sqrt(2.0) * math.cosh(theta / 4)
    problem = steady(["u_xx + exp(u) = 0"], [Axis("x", 0.0, 1.0, 21, "dirichlet")], theta=theta)
    error, solution = solved(problem, "-2*log(cosh((x - 0.5)*theta/2)/cosh(theta/4))")
    assert error < 1e-13
    assert solution.cost["newton_steps"] <= 6


def test_a_layer_of_the_steady_burgers_equation() -> None:
    """u u_x = e u_xx with u = -tanh(x/(2e)): the layer's place depends on the data exp(1/e) times, hence the bound."""
    axis = Axis("x", -1.0, 1.0, 41, "dirichlet")
    problem = steady(
        ["u*u_x = e*u_xx"], [axis], {"u": {"x": {"lower": "tanh(1/(2*e))", "upper": "-tanh(1/(2*e))"}}}, e=0.1
    )
    error, solution = solved(problem, "-tanh(x/(2*e))")
    assert error < 1e-10
    assert solution.status is Status.OK


def test_a_quasilinear_equation() -> None:
    """u u_xx = …: the factor of the highest derivative is the solution."""
    problem = line(["(1 + u**2)*u_xx = -(1 + sin(x)**2)*sin(x)"], "sin(-1)", "sin(2)")
    assert solved(problem, "sin(x)")[0] < 1e-12


def test_a_system() -> None:
    problem = steady(
        ["u_xx + v = 0", "v_xx + x*u*v = x*sin(x)**2 - sin(x)"], [Axis("x", 0.0, 1.0, 21, "dirichlet-neumann")],
        {name: {"x": {"upper": "cos(1)"}} for name in "uv"}, fields="uv",
    )  # fmt: skip
    assert solved(problem, {"u": "sin(x)", "v": "sin(x)"})[0] < 1e-13


def test_errors_fall_geometrically_with_the_modes() -> None:
    """1/(1 + 4 x²): the nearest pole lies at i/2, and coefficients fall as ((1 + sqrt 5)/2)^-n."""
    exact = "1/(1 + 4*x**2)"
    axis = Axis("x", -1.0, 1.0, 41, "dirichlet")
    source = "u_xx + u = 1/(1 + 4*x**2) - 8/(1 + 4*x**2)**2 + 128*x**2/(1 + 4*x**2)**3"
    problem = steady([source], [axis], {"u": {"x": {"lower": "0.2", "upper": "0.2"}}})
    errors = [solved(problem, exact, modes=n)[0] for n in (20, 40, 60)]
    rate = ((1 + 5**0.5) / 2) ** 20
    assert errors[0] / errors[1] > rate / 6
    assert errors[1] / errors[2] > rate / 6
    assert solved(problem, exact)[0] < 1e-13


PLANES = {
    "poisson": (["laplacian(u) = 2*exp(x + y)"], "exp(x + y)", "dirichlet"),
    "neumann on one axis": (["laplacian(u) = 2*exp(x + y)"], "exp(x + y)", "dirichlet neumann"),
    "all neumann": (["laplacian(u) - u = exp(x + y)"], "exp(x + y)", "neumann"),
    "helmholtz": (["laplacian(u) + 40*u = 42*exp(x + y)"], "exp(x + y)", "dirichlet"),
    "coefficients of one coordinate": (
        ["(2 + x)*u_xx + exp(y)*u_yy + x*u_x = (2 + 2*x + exp(y))*exp(x + y)"], "exp(x + y)", "dirichlet",
    ),
    "a coefficient of both": (["u_xx + (2 + x*y)*u_yy = (3 + x*y)*exp(x + y)"], "exp(x + y)", "dirichlet"),
    "a mixed derivative": (["u_xx + u_xy + u_yy = 3*exp(x + y)"], "exp(x + y)", "dirichlet"),
    "nonlinear": (["laplacian(u) - u**3 = 2*exp(x + y) - exp(3*(x + y))"], "exp(x + y)", "dirichlet"),
    "minimal surface": (
        ["(1 + u_y**2)*u_xx - 2*u_x*u_y*u_xy + (1 + u_x**2)*u_yy = 0"], "log(cos(y/2)/cos(x/2))*2", "dirichlet",
    ),
    "heat as a boundary-value problem": (["u_y = u_xx"], "exp(y)*exp(x)", "dirichlet dirichlet-open"),
    "heat with a superfluous face": (["u_y = u_xx"], "exp(y)*exp(x)", "dirichlet"),
    "backwards heat": (["u_y = -u_xx"], "exp(-y)*exp(x)", "dirichlet"),
    "transport": (["3*u_x + u_y + u = 0"], "exp(-y)*sin(x - 3*y)", "dirichlet"),
}  # fmt: skip


def plane(statements: list[str], exact: str, kinds: str) -> Problem:
    """On [0, 1] × [0, 0.8]; faces carry the exact solution. On Neumann faces it must be exp(x + y)."""
    by_axis = dict(zip("xy", (kinds.split() * 2)[:2], strict=True))
    axes = [Axis("x", 0.0, 1.0, 17, by_axis["x"]), Axis("y", 0.0, 0.8, 13, by_axis["y"])]
    data: Data = {"u": {"x": {}, "y": {}}}
    for axis in axes:
        for side, at, kind in zip(("lower", "upper"), (axis.lower, axis.upper), axis.faces, strict=True):
            sign = "-" if kind == "neumann" and side == "lower" else ""
            if kind != "open":
                text = exact.replace("exp", "EXP").replace(axis.name, f"({at})").replace("EXP", "exp")
                data["u"][axis.name][side] = f"{sign}{text}"
    return steady(statements, axes, data)


@pytest.mark.parametrize("name", PLANES)
def test_exact_solutions_on_a_rectangle(name: str) -> None:
    statements, exact, kinds = PLANES[name]
    error, solution = solved(plane(statements, exact, kinds), exact)
    assert error < 1e-11
    assert solution.status is Status.OK, solution.message


WAVES = "laplacian(u) + k*(x - y)*(x + 2*y)*u = (2 + k*(x - y)*(x + 2*y))*exp(x + y)"


def test_a_dense_solve_where_gmres_fails() -> None:
    """Waves on one side of the diagonal, none on the other: no separable operator is near."""
    problem = plane([WAVES.replace("k", "5000")], "exp(x + y)", "dirichlet")
    error, solution = solved(problem, "exp(x + y)")
    assert error < 1e-11
    assert solution.cost["dense_factorisations"] > 0
    with pytest.raises(RunFailed, match="GMRES does not converge"):
        Chebyshev(modes=90).solve(problem, Run())


def test_data_that_contradict_the_equation_are_said() -> None:
    problem = line(["u_x + 2*u = 3*exp(x)"], "exp(-1)", "7")
    solution = Chebyshev().solve(problem, Run())
    assert solution.status is Status.INACCURATE
    assert "does not need differ from the solution by 5" in solution.message
    corner = steady(["laplacian(u) = 0"], [Axis(a, 0.0, 1.0, 8, "dirichlet") for a in "xy"], {"u": {"x": {"upper": "1"}}})
    solution = Chebyshev(modes=24).solve(corner, Run())
    assert solution.status is Status.INACCURATE
    assert "at their common corner" in solution.message


HEAT = ["u_t = 0.1*u_xx"]
MARCHES: dict[str, tuple[list[str], str, str, Data, float]] = {
    "heat, dirichlet": (HEAT, "dirichlet", "exp(-0.1*(2*pi)**2*t)*sin(2*pi*x)", {}, 1e-12),
    "heat, neumann": (HEAT, "neumann", "1 + exp(-0.1*pi**2*t)*cos(pi*x)", {}, 1e-12),
    "heat, mixed": (HEAT, "dirichlet-neumann", "exp(-0.1*(pi/2)**2*t)*sin(pi*x/2)", {}, 1e-12),
    "heat, moving ends": (
        HEAT, "dirichlet", "exp(0.1*t)*exp(x)", {"u": {"x": {"lower": "exp(0.1*t)", "upper": "exp(0.1*t + 1)"}}}, 1e-12,
    ),
    "heat, moving flux": (
        HEAT, "neumann", "exp(0.1*t)*exp(x)", {"u": {"x": {"lower": "-exp(0.1*t)", "upper": "exp(0.1*t + 1)"}}}, 1e-12,
    ),
    "outflow": (
        ["u_t = -u_x"], "dirichlet-open", "sin(10*(x - t))", {"u": {"x": {"lower": "sin(-10*t)"}}}, 1e-11,
    ),
    "outflow to the left": (
        ["u_t = 2*u_x"], "open-dirichlet", "exp(-30*(x + 2*t - 1)**2)", {"u": {"x": {"upper": "exp(-120*t**2)"}}}, 1e-11,
    ),
    "a burgers front": (
        ["u_t = -u*u_x + 0.05*u_xx"], "dirichlet", "1 - tanh((x - 0.3 - t)/0.1)",
        {"u": {"x": {"lower": "1 - tanh((-0.3 - t)/0.1)", "upper": "1 - tanh((0.7 - t)/0.1)"}}}, 1e-10,
    ),
    "forced": (
        ["u_t = u_xx + exp(-t)*(x - 1)*x*(-1) - 2*exp(-t)"], "dirichlet", "exp(-t)*x*(x - 1)", {}, 1e-12,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MARCHES)
def test_exact_solutions_in_time(name: str) -> None:
    statements, kind, exact, data, bound = MARCHES[name]
    error, solution = solved(evolution(statements, kind, {"u": exact}, data), exact)
    assert solution.status is Status.OK, solution.message
    assert error < bound


def test_heat_against_the_series_of_a_parabola() -> None:
    """u_0 = x (1 - x): u = Σ_odd 8/(kπ)³ exp(-k²π²t/10) sin kπx; the first output is at t = 0.2."""
    problem = evolution(HEAT, "dirichlet", {"u": "x*(1 - x)"}, {})
    found = Chebyshev().solve(problem, Run()).values["u"]
    x, k = problem.grid.axes[0].points(), np.arange(1, 60, 2)
    for t, values in zip(problem.grid.times[1:], found[1:], strict=True):
        weights = 8 / (k * np.pi) ** 3 * np.exp(-0.1 * (k * np.pi) ** 2 * t)
        assert np.abs(values - np.sin(np.outer(x, k * np.pi)) @ weights).max() < 1e-10


def test_initial_data_that_contradict_the_ends_are_said() -> None:
    problem = evolution(HEAT, "dirichlet", {"u": "1"}, {})
    solution = Chebyshev(max_modes=60).solve(problem, Run())
    assert solution.status is Status.INACCURATE
    assert "the initial data contradict those on the faces by 5" in solution.message
    x, k = problem.grid.axes[0].points(), np.arange(1, 60, 2)
    weights = 4 / (k * np.pi) * np.exp(-0.1 * (k * np.pi) ** 2)
    assert np.abs(solution.values["u"][-1] - np.sin(np.outer(x, k * np.pi)) @ weights).max() < 1e-11


def test_reaction_and_diffusion_of_two_fields() -> None:
    """u_t = 0.1 u_xx + v, v_t = 0.1 v_xx - u turn about each other while they decay."""
    problem = evolution(
        ["u_t = 0.1*u_xx + v", "v_t = 0.1*v_xx - u"], "dirichlet", {"u": "sin(pi*x)", "v": "0"}, {}
    )  # fmt: skip
    decay = "exp(-0.1*pi**2*t)*sin(pi*x)"
    assert solved(problem, {"u": f"{decay}*cos(t)", "v": f"-{decay}*sin(t)"})[0] < 1e-12


def test_initial_arrays_are_splined() -> None:
    text = evolution(HEAT, "dirichlet", {"u": "sin(pi*x)"}, {}, size=129)
    values = {"u": np.sin(np.pi * text.grid.axes[0].points())}
    problem = Problem("p", text.equation, text.grid, initial_values=values)
    assert solved(problem, "exp(-0.1*pi**2*t)*sin(pi*x)", tail=1e-8)[0] < 1e-10


class TestWhatIsRefused:
    def test_before_the_run(self) -> None:
        solver = Chebyshev()
        assert "periodic boundaries" in solver.refuses(steady(["u_xx = 1"], [Axis("x", 0.0, 1.0, 8)]))[0]
        grid = Grid(tuple(Axis(a, 0.0, 1.0, 8, "dirichlet") for a in "xy"), np.linspace(0, 1, 2))
        heat = Problem("p", Equation.parse(["u_t = laplacian(u)"], ["u"], ["x", "y"]), grid, initial_text={"u": "0"})
        assert solver.refuses(heat) == ["it marches in time in one space dimension only"]
        stokes = steady(["u_x - v_y = 0", "u_y + v_x = 0"], [Axis(a, 0.0, 1.0, 8, "dirichlet") for a in "xy"], fields="uv")
        assert solver.refuses(stokes) == ["it solves systems in one space dimension only"]
        assert Chebyshev(modes=5).refuses(line(["u_xx = 1"], "0", "0")) == ["modes must be 0 or at least 8"]

    @pytest.mark.parametrize(
        ("problem", "kind", "message"),
        [
            (lambda: line(["u_xx = 1"], "0", "3", kind="neumann"), UsageError, "up to a constant"),
            (lambda: line(["u_xxxx = 1"], "0", "0"), UsageError, "order 4 in u; with one condition"),
            (lambda: line(["u = x"], "0", "0"), UsageError, "order 0 in u, but 2 faces"),
            (lambda: line(["x*u_x + u = 1"], "1", "1"), UsageError, "no fixed sign"),
            (lambda: evolution(["u_t = -u_x"], "dirichlet", {"u": "0"}, {}), UsageError, "order 1 in u, but 2 faces"),
            (lambda: line(["u_xx + (pi/3)**2*u = 1"], "0", "0"), RunFailed, "do not determine"),
            (lambda: line(["u_xx = 1"], "0", "", kind="dirichlet-open"), RunFailed, "do not determine the solution"),
            (lambda: line(["u_xx = log(u)"], "1", "1"), RunFailed, "not finite at u = 0"),
            (lambda: line(["u_xx + 9*exp(u) = 0"], "0", "0"), RunFailed, "Newton's method"),
            (
                lambda: evolution(["u_t = u_xx + 50*u**2"], "neumann", {"u": "1 + 0*x"}, {}), RunFailed,
                "blow up",
            ),
        ],
    )  # fmt: skip
    def test_with_a_sentence(self, problem: Callable[[], Problem], kind: type[Exception], message: str) -> None:
        with pytest.raises(kind, match=message):
            Chebyshev(max_modes=200).solve(problem(), Run())

    def test_a_kink_is_inaccurate(self) -> None:
        solution = Chebyshev(max_modes=300).solve(line(["u_xx = sqrt((x - 0.3)**2)"], "0", "0"), Run())
        assert solution.status is Status.INACCURATE
        assert "last coefficients" in solution.message


class Interrupted(Run):
    def __init__(self, folder: Path, after: int) -> None:
        super().__init__(folder=folder)
        self.left = after

    def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
        self.left -= 1
        if self.left < 0 and fraction < 1:
            self.save(state() if callable(state) else state)
            raise Stopped("enough")


FRONT = evolution(
    MARCHES["a burgers front"][0], "dirichlet", {"u": "1 - tanh((x - 0.3)/0.1)"}, MARCHES["a burgers front"][3]
)
CUBIC = line(["u_xx - u**3 = 30*sin(5*x)"], "1", "-1")


@pytest.mark.parametrize("problem", [FRONT, CUBIC], ids=["evolution", "steady"])
@pytest.mark.parametrize("after", [1, 3])
def test_resumed_equals_uninterrupted(problem: Problem, after: int, tmp_path: Path) -> None:
    whole = Chebyshev().solve(problem, Run())
    with pytest.raises(Stopped):
        Chebyshev().solve(problem, Interrupted(tmp_path, after))
    resumed = Chebyshev().solve(problem, Run(folder=tmp_path))
    if problem.kind == "evolution":
        assert resumed.values["u"].tobytes() == whole.values["u"].tobytes()
        assert resumed.cost.keys() == whole.cost.keys() and resumed.cost["steps"] == whole.cost["steps"]
    else:
        assert np.abs(resumed.values["u"] - whole.values["u"]).max() < 1e-13


@pytest.mark.parametrize("problem", [FRONT, CUBIC], ids=["evolution", "steady"])
def test_a_spent_budget_keeps_the_state(problem: Problem, tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="budget"):
        Chebyshev().solve(problem, Run(folder=tmp_path, budget=1e-6))
    assert (tmp_path / "checkpoint.npz").exists()


def test_ctrl_c_keeps_the_state(tmp_path: Path) -> None:
    asked = []

    def press(fraction: float, note: str) -> None:
        if fraction > 0.3 and not asked:
            asked.append(fraction)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Stopped, match="Ctrl-C"), Run(folder=tmp_path, on_progress=press) as run:
        Chebyshev().solve(FRONT, run)
    found = Chebyshev().solve(FRONT, Run(folder=tmp_path))
    assert found.values["u"].tobytes() == Chebyshev().solve(FRONT, Run()).values["u"].tobytes()


def _smooth_with_ends(path: Path) -> bool:
    if path.stem == "sod" or kind_of(path).word != "problem":
        return False
    return any(not axis.periodic for axis in problem_file.read(path).grid.axes)


SHIPPED = sorted(path.stem for path in PROBLEMS.glob("*.h5") if _smooth_with_ends(path))


def test_the_shipped_problems_are_there() -> None:
    assert len(SHIPPED) >= 13


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_problems(name: str) -> None:
    path = PROBLEMS / f"{name}.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    assert reference is not None
    assert Chebyshev().refuses(problem) == []
    solution = Chebyshev().solve(problem, Run())
    exact = reference.values["u"]
    assert solution.status is Status.OK, solution.message
    bound = 1e-11 if np.finfo(np.longdouble).eps < 1e-18 else 1e-9  # of sources sampled without extended precision
    assert np.linalg.norm(solution.values["u"] - exact) < bound * np.linalg.norm(exact)
