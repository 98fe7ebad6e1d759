"""Problems and references survive the way to disk and back, and the same input gives the same bytes."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sciml.equation import Equation
from sciml.errors import RunFailed, UsageError
from sciml.files import problem_file
from sciml.problem import Axis, Grid, Problem
from sciml.reference.values import Reference, read_reference

AXES = ("x", "y", "z", "w")


def make(fields: tuple[str, ...] = ("u",), dim: int = 1, parameters: dict[str, float] | None = None) -> Problem:
    """Decay of every field on a small grid."""
    axes = tuple(Axis(name, -1.0, 1.0 + i, 4 + 2 * i) for i, name in enumerate(AXES[:dim]))
    statements = [f"{name}_t = -{name}" for name in fields]
    equation = Equation.parse(statements, fields, AXES[:dim], parameters or {})
    return Problem("decay", equation, Grid(axes, np.linspace(0, 1, 5)), initial_text=dict.fromkeys(fields, "1"))


def reference_of(problem: Problem) -> Reference:
    shape = (len(problem.grid.times), *problem.grid.shape)
    values = {name: np.random.default_rng(0).normal(size=shape) for name in problem.equation.fields}
    over_time = {name: np.full(shape[0], 1e-9) for name in values}
    return Reference(values, dict.fromkeys(values, 1e-9), over_time, "exact", {"resolution": 1e-10})


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    dim = draw(st.integers(0, 3))
    finite = st.floats(-1e6, 1e6)
    axes = tuple(
        Axis(name, lower, lower + draw(st.floats(1e-3, 1e3)), draw(st.integers(4, 7)))
        for name, lower in ((name, draw(finite)) for name in AXES[:dim])
    )
    fields = draw(st.lists(st.sampled_from(("u", "v", "rho")), min_size=1, max_size=3, unique=True))
    equation = Equation.parse([f"{f}_t = -a*{f} + {f}**2" for f in fields], fields, AXES[:dim], {"a": draw(finite)})
    steps = draw(st.lists(st.floats(1e-3, 10), min_size=1, max_size=4))
    grid = Grid(axes, np.cumsum([draw(st.floats(-10, 10)), *steps]))
    values = {f: draw(finite) * np.arange(np.prod(grid.shape), dtype=float).reshape(grid.shape) for f in fields[1:]}
    about = draw(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20))
    return Problem("p", equation, grid, values, {fields[0]: "a"}, about=about)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(problems())
def test_any_problem_comes_back(tmp_path: Path, problem: Problem) -> None:
    problem_file.write(tmp_path / "p.h5", problem)
    back = problem_file.read(tmp_path / "p.h5")
    assert back.describe() == problem.describe()
    assert back.content_hash == problem.content_hash
    assert np.array_equal(back.initial(), problem.initial())


@pytest.mark.parametrize("dim", [0, 1, 2, 3])
def test_the_reference_comes_back(tmp_path: Path, dim: int) -> None:
    problem = make(("u", "v"), dim)
    reference = reference_of(problem)
    problem_file.write(tmp_path / "p.h5", problem, reference)
    back = read_reference(tmp_path / "p.h5", problem_file.read(tmp_path / "p.h5"))
    assert back is not None
    for name in reference.values:
        assert np.array_equal(back.values[name], reference.values[name])
        assert np.array_equal(back.error_over_time[name], reference.error_over_time[name])
    assert (back.method, back.error, back.checks) == (reference.method, reference.error, reference.checks)


def test_no_reference_is_none(tmp_path: Path) -> None:
    problem_file.write(tmp_path / "p.h5", make())
    assert read_reference(tmp_path / "p.h5", make()) is None


def test_reading_the_problem_never_opens_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem_file.write(tmp_path / "p.h5", make(), reference_of(make()))
    opened: list[str] = []
    original = problem_file.h5py.Group.__getitem__
    monkeypatch.setattr(
        problem_file.h5py.Group, "__getitem__", lambda self, key: opened.append(str(key)) or original(self, key)
    )
    problem_file.read(tmp_path / "p.h5")
    assert opened
    assert not {"reference", "t0_fields"} & set(opened)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    problem_file.write(tmp_path / "a.h5", make(), reference_of(make()))
    time.sleep(1.1)  # HDF5 keeps times in whole seconds
    problem_file.write(tmp_path / "b.h5", make(), reference_of(make()))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@pytest.mark.parametrize("name", ["time", "sample", "point", "u_std"])
def test_field_names_the_format_uses_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' itself; rename that field"):
        problem_file.write(tmp_path / "p.h5", make(("u", name), 0))


@pytest.mark.parametrize("name", ["time", "n_trajectories", "Conventions"])
def test_parameter_names_the_format_uses_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="rename that parameter"):
        problem_file.write(tmp_path / "p.h5", make(parameters={name: 1.0}))


def test_four_axes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 3"):
        problem_file.write(tmp_path / "p.h5", make(dim=4))


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file" / "p.h5", tmp_path, tmp_path / ("n" * 300)):
        with pytest.raises(RunFailed, match="cannot write"):
            problem_file.write(place, make())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> None:
        with open("/dev/full", "wb") as file:
            file.write(content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunFailed, match="disk is full"):
        problem_file.write(tmp_path / "p.h5", make())
    assert list(tmp_path.iterdir()) == []
