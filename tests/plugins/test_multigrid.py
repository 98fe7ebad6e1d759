"""Multigrid: exact solutions, orders, every combination of faces, refusals, resumption."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_classical.multigrid import steady
from sciml_classical.multigrid.discrete import Discrete
from sciml_classical.multigrid.elliptic import Elliptic, refusals
from sciml_classical.multigrid.ladder import grids
from sciml_classical.multigrid.sampling import sampled
from sciml_classical.solver import Multigrid

from sciml import Axis, Equation, Grid, Problem, Run, Solution, Status
from sciml.errors import Stopped, UsageError
from sciml.files import problem_file
from sciml.kernels import multigrid as compiled
from sciml.numerics import multigrid as numerics
from sciml.problem import Array
from sciml.reference.builder import exact_reference
from sciml.reference.values import read_reference
from sciml.solving import problem as solving

PROBLEMS = Path(__file__).parents[2] / "problems"
EXACT = "exp(x)*sin(2*y) + cos(3*x*y)"
SLOPES = {
    "x": "exp(x)*sin(2*y) - 3*y*sin(3*x*y)",
    "y": "2*exp(x)*cos(2*y) - 3*x*sin(3*x*y)",
}
A, B, C = "(1 + x*y)", "(2 + sin(3*x) + y**2)", "(1 + x)"
CONSTANT = "u_xx + u_yy"
VARIABLE = f"d_x({A}*u_x) + d_y({B}*u_y) - {C}*u"
UPPER = {"x": 1.0, "y": 0.8}


def problem(operator: str, faces: tuple[str, ...], sizes: tuple[int, int] = (33, 25), exact: str = EXACT) -> Problem:
    """operator(u) = operator(exact) on [0, 1] × [0, 0.8]; faces: of x, lower and upper, then of y."""
    data: dict[str, dict[str, str]] = {"x": {}, "y": {}}
    for k, (axis, side) in enumerate(itertools.product("xy", ("lower", "upper"))):
        text, sign = (exact, "") if faces[k] == "dirichlet" else (SLOPES[axis], "-" if side == "lower" else "")
        at = f"({UPPER[axis] if side == 'upper' else 0.0})"
        data[axis][side] = f"{sign}({text.replace('exp', 'EXP').replace(axis, at).replace('EXP', 'exp')})"
    source = operator
    for suffix, derivative in (("u_xx", "d_xx(p)"), ("u_yy", "d_yy(p)"), ("u_x", "d_x(p)"), ("u_y", "d_y(p)")):
        source = source.replace(suffix, derivative)
    source = source.removesuffix("*u") + "*p" if source.endswith("*u") else source
    axes = [
        Axis(name, 0.0, UPPER[name], size, "-".join(faces[2 * k : 2 * k + 2]))
        for k, (name, size) in enumerate(zip("xy", sizes, strict=True))
    ]
    equation = Equation.parse([f"p = {exact}", f"{operator} = {source}"], ["u"], ["x", "y"])
    return Problem("p", equation, Grid(tuple(axes), np.zeros(1)), kind="steady", boundary_text={"u": data})


def box(statement: str, kinds: str = "dirichlet", **data: object) -> Problem:
    axes = tuple(Axis(a, 0.0, 1.0, 17, kinds) for a in "xy")
    equation = Equation.parse([statement], ["u"], ["x", "y"])
    return Problem("p", equation, Grid(axes, np.zeros(1)), kind="steady", **data)  # type: ignore[arg-type]


def error_of(task: Problem, exact: str = EXACT, **options: object) -> tuple[float, Solution]:
    """(largest error relative to the largest value, solution)."""
    solver = Multigrid.build(**options)
    assert solver.refuses(task) == []
    solution = solver.solve(task, Run())
    solution.check(task)
    wanted = exact_reference(task, {"u": exact}).values["u"]
    if "mean" in solution.message:
        wanted = wanted + (solution.values["u"] - wanted).mean()
    return float(np.abs(solution.values["u"] - wanted).max() / np.abs(wanted).max()), solution


FACES = list(itertools.product(("dirichlet", "neumann"), repeat=4))
DIRICHLET, NEUMANN = FACES[0], FACES[-1]


@pytest.mark.parametrize("operator", [CONSTANT, VARIABLE, f"-1*({VARIABLE})"], ids=["constant", "variable", "negative"])
@pytest.mark.parametrize("faces", FACES, ids=["".join(f[0] for f in faces) for faces in FACES])
def test_every_combination_of_faces(operator: str, faces: tuple[str, ...]) -> None:
    error, solution = error_of(problem(operator, faces))
    assert solution.status is Status.OK, solution.message
    assert error < 1e-6
    assert 0.3 < error / solution.cost["estimated_error"] < 3


@pytest.mark.parametrize(("extrapolate", "order"), [(False, 2), (True, 4)])
@pytest.mark.parametrize("faces", [DIRICHLET, ("neumann", "dirichlet", "neumann", "dirichlet"), NEUMANN])
@pytest.mark.parametrize("operator", [CONSTANT, VARIABLE], ids=["constant", "variable"])
def test_orders(operator: str, faces: tuple[str, ...], extrapolate: bool, order: int) -> None:
    task = problem(operator, faces, (17, 17))
    errors = [
        error_of(task, points=n, extrapolate=extrapolate, tolerance=1e-12)[0] for n in ((65, 129) if order == 2 else (33, 65))
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.15)


def test_v_cycles_find_the_same() -> None:
    task = problem(VARIABLE, DIRICHLET)
    one, other = (Multigrid.build(cycle=c, points=129, tolerance=1e-12).solve(task, Run()) for c in ("v", "conjugate"))
    assert np.abs(one.values["u"] - other.values["u"]).max() < 1e-11
    assert one.cost["cycles"] > other.cost["cycles"]


def test_cycles_do_not_depend_on_the_size() -> None:
    """History counts them grid by grid."""
    solution = Multigrid(points=513, tolerance=1e-8).solve(problem(VARIABLE, DIRICHLET), Run())
    counts = [int((solution.history["intervals"] == n).sum()) for n in (64, 128, 256, 512)]
    assert max(counts) <= 7
    assert counts[-1] <= counts[0] + 1
    assert np.median(solution.history["contraction"]) < 0.15


def test_both_paths_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    task = problem(VARIABLE, ("neumann", "dirichlet", "dirichlet", "neumann"))
    run = Run()
    found = Multigrid(points=65).solve(task, run)
    monkeypatch.setattr(compiled, "available", lambda: False)
    slow = Run()
    other = Multigrid(points=65).solve(task, slow)
    assert slow.paths["multigrid"] == "torch"
    assert run.paths["multigrid"] == ("torch" if numerics.compiled.library("multigrid") is None else "compiled")
    assert np.abs(found.values["u"] - other.values["u"]).max() < 1e-13
    assert found.cost == pytest.approx(other.cost, rel=1e-6)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_a_card_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^there is no device 'cuda' here \(0 CUDA devices found\); use --device cpu\.$"):
        solving.solve(problem(VARIABLE, DIRICHLET), Multigrid(points=33), device="cuda", store=tmp_path)


def test_grids_that_do_not_nest() -> None:
    """The problem's grid has 30 × 41 points, of which the solver's share only corners and lines."""
    error, solution = error_of(problem(VARIABLE, DIRICHLET, (30, 41)))
    assert error < 2e-6 and solution.status is Status.OK


def test_sampling_is_exact_for_polynomials_and_at_vertices() -> None:
    x, y = np.linspace(0, 1, 17)[:, None], np.linspace(0, 1, 9)
    values = x**5 - 2 * x * y**4 + y**5
    fine_x, fine_y = np.linspace(0, 1, 23)[:, None], np.linspace(0, 1, 30)
    assert np.abs(sampled(values, (23, 30)) - (fine_x**5 - 2 * fine_x * fine_y**4 + fine_y**5)).max() < 1e-13
    rough = np.random.default_rng(0).normal(size=(17, 9))
    assert np.abs(sampled(rough, (33, 17))[::2, ::2] - rough).max() == 0
    assert np.abs(sampled(rough, (5, 5)) - rough[::4, ::2]).max() == 0


def test_unequal_coefficients_get_unequal_grids() -> None:
    """u_xx + 64 u_yy: eight times as many points along x, so that both directions couple equally."""
    task = box("u_xx + 64*u_yy = 1")
    assert list(grids(Multigrid(points=33), task, Elliptic.of(task)))[-1] == (256, 32)
    solution = Multigrid(points=33, tolerance=1e-10).solve(task, Run())
    assert solution.history["contraction"].max() < 0.15


@pytest.mark.parametrize("name", ["darcy-wells", "darcy-channel", "poisson-2d-sum"])
def test_shipped_problems(name: str) -> None:
    path = PROBLEMS / f"{name}.h5"
    task = problem_file.read(path)
    reference = read_reference(path, task)
    assert reference is not None
    solution = Multigrid(accuracy=1e-5).solve(task, Run())
    assert solution.status is Status.OK, solution.message
    assert np.abs(solution.values["u"] - reference.values["u"]).max() < 1.5e-5 * np.abs(reference.values["u"]).max()


class TestWhatIsSaid:
    def test_a_grid_too_coarse(self) -> None:
        _, solution = error_of(problem(VARIABLE, DIRICHLET), points=17, accuracy=1e-9)
        assert solution.status is Status.INACCURATE
        assert "is not known from one grid" in solution.message
        error, solution = error_of(problem(VARIABLE, DIRICHLET), max_points=65, accuracy=1e-12)
        assert solution.status is Status.INACCURATE and "wanted was 1.0e-12" in solution.message
        assert error == pytest.approx(solution.cost["estimated_error"], rel=0.5)

    def test_too_few_cycles(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(steady, "CYCLES", 1)
        solution = Multigrid(points=65).solve(problem(VARIABLE, DIRICHLET), Run())
        assert solution.status is Status.INACCURATE
        assert f"cycles no longer reduce the residual, {solution.cost['relative_residual']:.1e}" in solution.message

    def test_a_tolerance_below_rounding(self) -> None:
        """The residual comes down to its rounding errors; that is as solved as it gets."""
        solution = Multigrid(points=129, tolerance=1e-300).solve(problem(VARIABLE, DIRICHLET), Run())
        assert solution.status is Status.OK, solution.message
        assert solution.cost["relative_residual"] < 1e-11 and solution.cost["cycles"] < 80

    def test_corners(self) -> None:
        task = box("laplacian(u) = 0", boundary_text={"u": {"x": {"upper": "1"}}})
        solution = Multigrid(max_points=65).solve(task, Run())
        assert solution.status is Status.INACCURATE and "at their common corner" in solution.message
        # four such solutions, turned, add up to 1: each is 1/4 in the centre
        assert abs(solution.values["u"][0, 8, 8] - 0.25) < 1e-3

    def test_a_constant_is_free(self) -> None:
        """Fluxes on all faces: the mean is 0, and unbalanced fluxes have no solution."""
        error, solution = error_of(problem(CONSTANT, NEUMANN))
        assert "its mean was set to 0" in solution.message and solution.status is Status.OK
        assert error < 1e-6
        with pytest.raises(UsageError, match="do not"):
            Multigrid().solve(box("laplacian(u) = 1", "neumann"), Run())
        balanced = box("laplacian(u) = 1", "neumann", boundary_text={"u": {"x": {"upper": "1"}}})
        values = Multigrid(points=33).solve(balanced, Run()).values["u"][0]
        x = np.linspace(0, 1, 17)
        assert np.abs(values - (x**2 / 2 - 1 / 6)[:, None]).max() < 1e-3  # its own mean is that of its grid

    def test_nothing_to_do(self) -> None:
        solution = Multigrid().solve(box("laplacian(u) = 0"), Run())
        assert not solution.values["u"].any() and solution.status is Status.OK

    @pytest.mark.parametrize(
        ("statement", "message"),
        [
            ("laplacian(u) + u**2 = 1", "linear"),
            ("laplacian(u) + u_xy = 1", "mixed"),
            ("u_xx + u_yyyy = 1", "higher"),
            ("u_xx + u = 1", "second derivative along each axis"),
            ("u_xx - u_yy = 1", "one sign"),
            ("(1 - 2*x)*u_xx - 2*u_x + u_yy = 1", "one sign"),
            ("laplacian(u) + u_x = 1", "divergence form"),
            ("(1 + x)*u_xx + u_yy = 1", "divergence form"),
            ("laplacian(u) + u = 1", "must not have the sign"),
            ("-1*laplacian(u) - u = 1", "must not have the sign"),
            ("laplacian(u) = log(x - 0.5)", "finite"),
        ],
    )
    def test_other_equations_are_refused(self, statement: str, message: str) -> None:
        reasons = Multigrid().refuses(box(statement))
        assert len(reasons) == 1 and message in reasons[0]
        with pytest.raises(UsageError, match=message):
            Elliptic.of(box(statement))

    def test_divergence_form_may_be_expanded(self) -> None:
        assert refusals(box("exp(x*y)*u_xx + y*exp(x*y)*u_x + (1 + x)*u_yy = 1")) == []

    def test_faces_and_sizes(self) -> None:
        assert "periodic" in Multigrid().refuses(box("laplacian(u) = 1", "periodic"))[0]
        assert "open" in Multigrid().refuses(box("laplacian(u) = 1", "open"))[0]
        assert Multigrid(points=9).refuses(box("laplacian(u) = 1")) == ["points and max_points must be 0 or at least 17"]
        with pytest.raises(UsageError, match=r"near are 209 and 225\."):
            Multigrid(points=212).solve(box("laplacian(u) = 1"), Run())

    def test_coefficients_that_fail_between_the_samples(self) -> None:
        task = box("laplacian(u) = 1 - 2*exp(-9999*(x - 0.5)**2)")
        form = Elliptic.of(task)
        with pytest.raises(UsageError, match="change sign"):
            Discrete(task, replace(form, b=form.f), (64, 64))


class Interrupted(Run):
    """Stops after a number of steps, having saved."""

    def __init__(self, folder: Path, after: int) -> None:
        super().__init__(folder=folder)
        self.left = after

    def step(self, fraction: float, state: object = None, note: str = "") -> None:
        self.left -= 1
        if self.left < 0 and fraction < 1:
            self.save(state() if callable(state) else state)  # type: ignore[arg-type]
            raise Stopped("enough")


@pytest.mark.parametrize("after", [0, 2, 6, 12])
def test_resumed_equals_uninterrupted(after: int, tmp_path: Path) -> None:
    task = problem(VARIABLE, DIRICHLET)
    whole = Multigrid(accuracy=1e-8).solve(task, Run())
    assert whole.cost["cycles"] > 13
    with pytest.raises(Stopped):
        Multigrid(accuracy=1e-8).solve(task, Interrupted(tmp_path, after))
    resumed = Multigrid(accuracy=1e-8).solve(task, Run(folder=tmp_path))
    assert np.array_equal(resumed.values["u"], whole.values["u"])
    assert resumed.cost == whole.cost
    assert np.array_equal(resumed.history["residual"], whole.history["residual"])
    assert len(resumed.history["residual"]) == resumed.cost["cycles"]


def test_a_spent_budget_keeps_the_state(tmp_path: Path) -> None:
    with pytest.raises(Stopped, match="budget"):
        Multigrid().solve(problem(VARIABLE, DIRICHLET), Run(folder=tmp_path, budget=1e-6))
    assert (tmp_path / "checkpoint.npz").exists()


def test_the_seed_does_not_matter() -> None:
    task = problem(VARIABLE, DIRICHLET)
    values: list[Array] = [Multigrid(points=65).solve(task, Run(seed=s)).values["u"] for s in (0, 1)]
    assert values[0].tobytes() == values[1].tobytes()
