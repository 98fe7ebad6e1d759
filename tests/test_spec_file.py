"""A TOML spec becomes a problem, or one sentence that names the key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sciml.errors import UsageError
from sciml.files import problem_file
from sciml.files.spec_file import read_spec

SPECS = sorted((Path(__file__).parent / "specs").glob("*.toml"))
GOOD = """
name = "p"
equation = ["u_t = -a*u"]
fields = ["u"]
times = {end = 1, count = 5}
parameters = {a = "100/16"}
axes = [{name = "x", lower = 0, upper = "2*pi", size = 8}]
initial = {u = "sin(x)"}
"""


def spec(tmp_path: Path, old: str = "", new: str = "") -> Path:
    assert old in GOOD
    path = tmp_path / "spec.toml"
    path.write_text(GOOD.replace(old, new) if old else GOOD, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_the_examples_make_problem_files(path: Path, tmp_path: Path) -> None:
    problem = read_spec(path)
    problem_file.write(tmp_path / "p.h5", problem)
    assert problem_file.read(tmp_path / "p.h5").content_hash == problem.content_hash


def test_there_are_examples() -> None:
    assert len(SPECS) >= 3


def test_numbers_may_be_formulas(tmp_path: Path) -> None:
    problem = read_spec(spec(tmp_path))
    assert problem.equation.parameters["a"] == 6.25
    assert problem.grid.axes[0].upper == pytest.approx(2 * np.pi)
    assert problem.grid.times[-1] == 1


def test_times_may_be_a_list(tmp_path: Path) -> None:
    assert list(read_spec(spec(tmp_path, "{end = 1, count = 5}", '[0, "1/2", 2]')).grid.times) == [0, 0.5, 2]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("parameters", "paramters", "did you mean 'parameters'"),
        ("size", "sise", "did you mean 'size'"),
        ('fields = ["u"]', "", "'fields' is missing"),
        ("upper = ", "lower2 = ", "no key 'lower2'"),
        ('"2*pi"', '"2*x"', "upper.*x"),
        ('"2*pi"', '"1/0"', "finite"),
        ('"100/16"', '"(-1)**0.5"', "parameters.a"),
        ('"100/16"', "1" + "0" * 400, "parameters.a"),
        ('"100/16"', "true", "parameters.a"),
        ("count = 5", "count = 1", "count"),
        ("count = 5", "count = 10000000", "count"),
        ("end = 1", "end = -1", "sorted"),
        ('axes = [{name = "x", lower = 0, upper = "2*pi", size = 8}]', "axes = 3", "axes must be tables"),
        ('axes = [{name = "x", lower = 0, upper = "2*pi", size = 8}]', "axes = [3]", "axes must be tables"),
        ('{a = "100/16"}', "3", "parameters must be a table"),
        ('name = "p"', "name = ", "not valid TOML"),
        ('name = "p"', "name = " + "[" * 5000, "not valid TOML"),
        ("-a*u", "-b*u", "unknown name 'b'"),
        ("sin(x)", "sin(y)", "unknown name 'y'"),
        ("size = 8", 'size = "8"', "size"),
        ("size = 8", "size = 3", "at least 4"),
        ("size = 8", "size = 1" + "0" * 30, "size"),
        ("size = 8", 'size = 8, boundary = "wall"', "boundary 'wall'"),
        ("lower = 0", "lower = 7", "above lower"),
        ("lower = 0", "lower = nan", "lower.*not a finite number"),
        ("lower = 0, upper = \"2*pi\"", "lower = -1e308, upper = 1e308", "upper"),
        ('name = "p"', 'name = "../p"', "name"),
        ('name = "p"', "title = 3", "title"),
        ('name = "p"', 'kind = "riddle"', "'riddle'"),
        ('name = "p"', "lyapunov = inf", "lyapunov"),
        ('name = "p"', "lyapunov = 1" + "0" * 400, "lyapunov"),
        ('name = "p"', 'invariants = {m = "q"}', "unknown name 'q'"),
        ('name = "p"', 'invariants = {m = "u_x"}', "'u_x': derivatives are not allowed"),
        ('fields = ["u"]', 'fields = "u"', "fields"),
        ('fields = ["u"]', "fields = []", "fields"),
        ('fields = ["u"]', 'fields = ["u", "u"]', "two meanings"),
        ('["u_t = -a*u"]', '"u_t = -a*u"', "equation"),
        ('["u_t = -a*u"]', "[]", "no statement 'u_t = …'"),
        ('["u_t = -a*u"]', '["u_t = u[0]"]', "not allowed"),
        ('["u_t = -a*u"]', '["u_t = ' + "-" * 3000 + 'u"]', "equation"),
        ('["u_t = -a*u"]', '["u_t = u**u"]', "exponent"),
        ("{end = 1, count = 5}", "{end = 1, count = 5, step = 2}", "times must be"),
        ("{end = 1, count = 5}", "{start = -1e308, end = 1e308, count = 5}", "times.end is too far"),
        ("{end = 1, count = 5}", "[0, nan]", "times"),
        ("{end = 1, count = 5}", "[0]", "at least two"),
        ('"100/16"', '"exp(1000)"', "parameters.a.*not a finite number"),
        ('"sin(x)"', '"exp(1e9*x)"', "NaN or infinity"),
        ('"sin(x)"', "[1]", "not allowed"),
        ('u = "sin(x)"', 'u = "sin(x)", v = "1"', "'v', which is not a field"),
        ('{u = "sin(x)"}', "{}", "'u' needs initial data"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = spec(tmp_path, old, new)
    with pytest.raises(UsageError, match=says) as caught:
        read_spec(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("a", "initial"), [("0", "1/a"), ("-1", "a**0.5"), ("0", "a**-2 + x"), ("-1", "log(a)")])
@pytest.mark.filterwarnings("error")
def test_a_formula_that_a_parameter_makes_infinite(tmp_path: Path, a: str, initial: str) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(GOOD.replace('"100/16"', a).replace("sin(x)", initial))
    with pytest.raises(UsageError) as caught:
        read_spec(path)
    assert str(caught.value).startswith(str(path))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="is not text"):
        read_spec(tmp_path / "s.toml")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_spec(tmp_path / "no.toml")
