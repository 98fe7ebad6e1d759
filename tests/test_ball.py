"""Problems in a ball of many dimensions: text, files, scores, pictures, and who refuses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from sciml import Ball, Equation, Grid, Problem, Solution, UsageError, registry
from sciml.ball import draw_points
from sciml.comparing import Row, cells, markdown, table
from sciml.equation import tree
from sciml.files import problem_file
from sciml.files.spec_file import read_spec
from sciml.problem import numpy_function
from sciml.reference.builder import build_reference, exact_reference
from sciml.reference.values import read_reference
from sciml.scoring.problem import score

ROOT = Path(__file__).parents[1]
STILL = Grid((), np.zeros(1))
SHIPPED = ("poisson-100d", "poisson-1000d", "allen-cahn-100d", "allen-cahn-1000d")


def small_ball(radius: float = 1.5, equation: str = "laplacian(u) = -2*d*sum(c[i]*x[i]) - 4*sum(c[i]*x[i])") -> Problem:
    """Δ((R² - |x|²) c·x) = -(2d + 4) c·x."""
    rng = np.random.default_rng(3)
    ball = Ball(4, radius, draw_points(rng, 30, 4, radius), {"c": rng.standard_normal(4)})
    parsed = Equation.parse([equation], ["u"], (), {"d": 4.0}, ["x", "c"])
    return Problem("small-ball", parsed, STILL, kind="ball", ball=ball)


EXACT = {"u": "(2.25 - sum(x[i]**2))*sum(c[i]*x[i])"}


@pytest.fixture
def ball_file(tmp_path: Path) -> Path:
    path = tmp_path / "small-ball.h5"
    problem_file.write(path, small_ball(), exact_reference(small_ball(), EXACT))
    return path


def test_a_sum_runs_to_the_last_index_for_which_every_entry_exists() -> None:
    problem, x = small_ball(), np.array([[1.0, 2.0, 3.0, 4.0]])
    assert problem.evaluate("sum(x[i]**2)", {"x": x}, {}, (1,)) == 30
    assert problem.evaluate("sum(x[i]*x[i+2])", {"x": x}, {}, (1,)) == 1 * 3 + 2 * 4
    assert problem.evaluate("2*sum(d*x[i+3])", {"x": x}, {}, (1,)) == 32
    c = problem.ball.coefficients["c"]  # type: ignore[union-attr]
    assert problem.evaluate("sum(c[i]*x[i+1])", {"x": x}, {}, (1,))[0] == pytest.approx(c[:3] @ x[0, 1:])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("laplacian(u) = x[i]", r"only inside sum\(\)"),
        ("laplacian(u) = sum(x[i-1])", r"name\[i\] or name\[i\+k\]"),
        ("laplacian(u) = sum(x[j])", r"name\[i\] or name\[i\+k\]"),
        ("laplacian(u) = sum(x[i+1.5])", r"name\[i\] or name\[i\+k\]"),
        ("laplacian(u) = sum(x[i].real)", "is not allowed"),
        ("laplacian(u) = sum(__import__('os'))", "not"),
        ("laplacian(u) = sum(y[i])", "'y' in 'y\\[i\\]' takes no subscript"),
        ("laplacian(u) = sum(2)", "needs a subscript"),
        ("laplacian(u) = sum(u*x[i])", r"inside sum\(\) stand only"),
        ("laplacian(u) = sum(x[i]*sum(x[i]))", r"inside sum\(\) stand only"),
        ("laplacian(u) = x", "stands for many numbers"),
        ("laplacian(u**2) = 1", "takes a field"),
        ("laplacian(u) = inverse_laplacian(u)", "unknown function"),
        ("laplacian(u) = u_xx", "unknown name"),
        ("laplacian(u) = sum(log(x[i] - 10))", "not finite"),
        ("laplacian(u) = sum(x[i+4])", "no term"),
        ("u_t = laplacian(u)", "kinds steady and ball"),
    ],
)
def test_what_is_not_understood_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        small_ball(equation=text)


def test_subscripts_belong_to_balls_only() -> None:
    with pytest.raises(UsageError, match="is not allowed"):
        Equation.parse(["u_t = sum(x[i])"], ["u"], ["x"])
    with pytest.raises(UsageError, match="cannot stand in one equation"):
        Equation.parse(["laplacian(u) = 1"], ["u"], ["y"], {}, ["x"])
    with pytest.raises(UsageError, match="cannot be used as the name of a vector"):
        Equation.parse(["laplacian(u) = 1"], ["u"], (), {}, ["u"])
    equation = Equation.parse(["laplacian(u) = sum(x[i])"], ["u"], (), {}, ["x"])
    with pytest.raises(UsageError, match="belong to kind ball"):
        Problem("p", equation, STILL, kind="steady")


def test_it_is_typeset() -> None:
    equation = Equation.parse(["laplacian(u) + u = sum(c[i]*sin(x[i+1]))"], ["u"], (), {}, ["x", "c"])
    assert equation.unicode() == "Δu + u = Σᵢ cᵢ sin(xᵢ₊₁)"
    assert r"\Delta u + u &= \sum_i c_{i}\,\sin\left(x_{i+1}\right)" in equation.latex()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dimension": 0}, "dimension must be"),
        ({"dimension": 3}, "expected float64"),
        ({"radius": -1.0}, "radius must be"),
        ({"radius": 0.1}, "outside the ball"),
        ({"points": np.full((2, 4), np.nan)}, "outside the ball, or is not finite"),
        ({"coefficients": {"c": np.array([np.inf])}}, "finite float64"),
    ],
)
def test_a_bad_ball_is_refused(change: dict[str, object], sentence: str) -> None:
    good = {"dimension": 4, "radius": 1.0, "points": np.zeros((2, 4)) + 0.4, "coefficients": {}}
    with pytest.raises(UsageError, match=sentence):
        Ball(**{**good, **change})  # type: ignore[arg-type]


def test_files_keep_everything(ball_file: Path) -> None:
    problem, read = small_ball(), problem_file.read(ball_file)
    assert read.content_hash == problem.content_hash
    assert read.shape == (30,)
    assert np.array_equal(read.ball.points, problem.ball.points)  # type: ignore[union-attr]
    with h5py.File(ball_file) as file:
        assert file["sciml"].attrs["schema"] == 2
        assert file["t0_fields/u"].shape == (1, 1, 30)
    other = problem.ball.points.copy()  # type: ignore[union-attr]
    other[0] *= 0.5
    moved = Problem(
        "small-ball", problem.equation, STILL, kind="ball", ball=Ball(4, 1.5, other, problem.ball.coefficients)  # type: ignore[union-attr]
    )
    assert moved.content_hash != problem.content_hash


def test_damaged_files_end_in_a_sentence(ball_file: Path) -> None:
    def broken(change: Callable[[h5py.File], None], sentence: str) -> None:
        path = ball_file.with_name("broken.h5")
        path.write_bytes(ball_file.read_bytes())
        with h5py.File(path, "a") as file:
            change(file)
        with pytest.raises(UsageError, match=sentence):
            problem_file.read(path)

    def far(file: h5py.File) -> None:
        file["sciml/ball/points"][0, 0] = 9.0

    def nameless(file: h5py.File) -> None:
        del file["sciml/ball/coefficients/c"]

    def pointless(file: h5py.File) -> None:
        del file["sciml/ball"]

    def flat(file: h5py.File) -> None:
        text = json.loads(file["sciml/problem"].asstr()[()])
        del text["ball"]
        del file["sciml/problem"]
        raw = json.dumps(text).encode()
        file["sciml"].create_dataset("problem", data=np.array(raw, dtype=h5py.string_dtype("utf-8", len(raw))))

    broken(far, "outside the ball")
    broken(nameless, "takes no subscript")
    broken(pointless, "a ball needs points")
    broken(flat, "broken.h5")


def test_the_one_parameter_fit_stands_beside_every_error(ball_file: Path) -> None:
    problem = small_ball()
    reference = exact_reference(problem, EXACT)
    exact, hat = reference.values["u"][0], problem.ball.hat  # type: ignore[union-attr]
    fits = [np.linalg.norm(k * hat - exact) / np.linalg.norm(exact) for k in np.linspace(-3, 3, 20001)]
    scores = score(problem, Solution({"u": reference.values["u"] * 1.001}), reference)
    assert scores.baseline["u"] == pytest.approx(min(fits), abs=1e-7)
    assert scores.relative_l2["u"] == pytest.approx(1e-3)
    assert score(problem, Solution({"u": 2.0 * hat[None]}), reference).relative_l2["u"] >= scores.baseline["u"]


def test_tables_get_a_column_for_it() -> None:
    row = Row("b", "s", {}, 0, "ok", error=0.01, baseline=0.07)
    plain = Row("b", "s", {}, 0, "ok", error=0.01)
    headings, body = table([row, plain])
    assert headings[3] == "k(1-|x|²)" and body[0][3] == "7.0e-02" and body[1][3] == "–"
    assert table([plain])[1] == [cells(plain)]
    lines = markdown([row]).splitlines()
    assert lines[0].count(" | ") == lines[2].count(" | ") == len(headings) - 1


def test_every_older_solver_refuses_it() -> None:
    for cls in registry.solvers().values():
        if cls.__module__.startswith("sciml_stde"):
            continue
        reasons = cls().refuses(small_ball())
        assert "it does not solve problems of kind ball" in reasons, cls.name
        assert "it does not work in high space dimension(s)" in reasons, cls.name


def test_a_spec_file_says_where_balls_are_made(tmp_path: Path) -> None:
    path = tmp_path / "b.toml"
    path.write_text('kind = "ball"\nequation = ["laplacian(u) = 1"]\nfields = ["u"]\n')
    with pytest.raises(UsageError, match="make such a problem in Python"):
        read_spec(path)


def test_a_reference_is_exact_or_none() -> None:
    assert exact_reference(small_ball(), EXACT).error["u"] < 1e-14
    with pytest.raises(UsageError, match="no reference is computed"):
        build_reference(small_ball())


def test_commands_show_check_and_draw_it(ball_file: Path, cli: Callable[..., object]) -> None:
    shown = cli("show", ball_file).out  # type: ignore[attr-defined]
    assert "in 4 dimensions, 0 on the sphere" in shown and "30, scattered" in shown
    assert "a sound problem file with a reference" in cli("validate", ball_file).out  # type: ignore[attr-defined]
    assert "30 points in 4-D" in cli("problems", ball_file.parent).out  # type: ignore[attr-defined]
    assert "Exact solution" in cli("reference", ball_file).out  # type: ignore[attr-defined]
    picture = ball_file.with_suffix(".png")
    cli("plot", ball_file, "-o", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    refused = cli("solve", ball_file, "--solver", "chebyshev")
    assert refused.code == 2 and "kind ball" in refused.err  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_sources_belong_to_the_shipped_solutions(name: str) -> None:
    """f was worked out by hand; here u is differentiated automatically at two points of the file."""
    path = ROOT / "problems" / f"{name}.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    ball = problem.ball
    assert reference is not None and ball is not None
    c = torch.tensor(ball.coefficients["c"])

    def exact(x: torch.Tensor) -> torch.Tensor:
        a, b = x[:-1], x[1:]
        return (1 - x @ x) * (c @ torch.sin(a + torch.cos(b) + b * torch.cos(a)))

    for i in (0, 7):
        x = torch.tensor(ball.points[i])
        u = float(exact(x))
        laplacian = float(torch.func.hessian(exact)(x).trace())  # type: ignore[no-untyped-call]
        assert reference.values["u"][0, i] == pytest.approx(u, rel=1e-12)

        def leaf(node: tree.Expr, u: float = u, laplacian: float = laplacian, i: int = i) -> float:
            match node:
                case tree.Field():
                    return u
                case tree.Laplacian():
                    return laplacian
            assert isinstance(node, tree.IndexedSum)
            return float(problem._total(node, ball.points[i]))

        rate = problem.equation.numeric_rates()["u"]
        assert abs(tree.evaluate(rate, leaf, numpy_function)) < 1e-10 * abs(laplacian)
