"""Whatever is wrong with a file, its reader says so in one UsageError that starts with the file's name."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from test_problem_file import make, reference_of
from test_result_file import result_of

from sciml.errors import ScimlError, UsageError
from sciml.files import problem_file, result_file
from sciml.files.hdf5 import SCHEMA
from sciml.reference.values import read_reference

READERS: tuple[Callable[[Path], Any], ...] = (
    problem_file.read, result_file.read, result_file.is_result, lambda path: read_reference(path, make()),
)  # fmt: skip


@pytest.fixture
def problem_path(tmp_path: Path) -> Path:
    problem_file.write(tmp_path / "p.h5", make(), reference_of(make()))
    return tmp_path / "p.h5"


@pytest.fixture
def result_path(tmp_path: Path) -> Path:
    result_file.write(tmp_path / "r.h5", result_of(make()))
    return tmp_path / "r.h5"


def change(path: Path, place: str, value: Any) -> None:
    """Replace a dataset; text for dict values."""
    with h5py.File(path, "r+") as file:
        del file[place]
        text = json.dumps(value) if isinstance(value, dict) else value
        file[place] = np.bytes_(text.encode()) if isinstance(text, str) else text


def describe(**changes: Any) -> dict[str, Any]:
    return make().describe() | changes


def survive(path: Path) -> None:
    """Every reader works or says why not."""
    for read in READERS:
        said = str(path)
        try:
            read(path)
        except ScimlError as error:
            said = str(error)
        assert said.startswith(str(path))


AXIS = describe()["axes"][0]


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        ("sciml/problem", "{", "not valid JSON"),
        ("sciml/problem", "[1]", "not a JSON object"),
        ("sciml/problem", 3.0, "not a text"),
        ("sciml/problem", "9" * 2_000_000, "longer than"),
        ("sciml/problem", describe(axes=[AXIS | {"size": "4"}]), "axes.0.size"),
        ("sciml/problem", describe(axes=[AXIS | {"size": 10**30}]), "size"),
        ("sciml/problem", describe(axes=[AXIS | {"size": 2**28}]), "more than"),
        ("sciml/problem", describe(parameters={"a": float("nan")}), "parameters.a"),
        ("sciml/problem", describe(equation=["u_t = __import__('os')"]), "not allowed"),
        ("sciml/problem", describe(initial={"u": "1/0"}), "finite"),
        ("sciml/problem", describe(surprise=1), "surprise"),
        ("sciml/times", np.array([0.0, np.nan]), "finite"),
        ("sciml/times", np.array([1.0, 0.0]), "sorted"),
        ("sciml/times", np.float32([0, 1]), "float64"),
        ("sciml/times", np.zeros((2, 2)), "times"),
    ],
)
def test_bad_problems_name_the_place(problem_path: Path, place: str, value: Any, says: str) -> None:
    change(problem_path, place, value)
    with pytest.raises(UsageError, match=says) as caught:
        problem_file.read(problem_path)
    assert str(caught.value).startswith(str(problem_path))


@pytest.mark.parametrize("values", [np.full(4, np.nan), np.zeros(5), np.zeros((4, 4))])
def test_bad_initial_data(problem_path: Path, values: np.ndarray) -> None:
    change(problem_path, "sciml/problem", describe(initial={}))
    with h5py.File(problem_path, "r+") as file:
        file["sciml/initial/u"] = values
    with pytest.raises(UsageError, match="initial"):
        problem_file.read(problem_path)


def test_a_newer_schema_says_upgrade(problem_path: Path) -> None:
    with h5py.File(problem_path, "r+") as file:
        file["sciml"].attrs["schema"] = SCHEMA + 1
    with pytest.raises(UsageError, match=rf"newer sciml \(schema {SCHEMA + 1}.*upgrade sciml-toolkit"):
        problem_file.read(problem_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("seed", "x"), ("options", 3), ("status", "GREAT"), ("reached", 10**400), ("cost", {"a": "b"}), ("ledger", [])],
)
def test_bad_results_name_the_entry(result_path: Path, key: str, value: Any) -> None:
    with h5py.File(result_path) as file:
        record = json.loads(file["sciml/run"].asstr()[()])
    change(result_path, "sciml/run", record | {key: value})
    with pytest.raises(UsageError, match=key):
        result_file.read(result_path)


def test_what_is_not_a_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "text.h5").write_text("hello")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["a"] = 1
    for name, says in (("no.h5", "no such"), (".", "folder"), ("text.h5", "not an HDF5"), ("foreign.h5", "sciml's")):
        with pytest.raises(UsageError, match=says):
            problem_file.read(tmp_path / name)


@pytest.mark.parametrize("fixture", ["problem_path", "result_path"])
def test_every_truncation_is_refused(fixture: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(fixture)
    whole = path.read_bytes()
    for length in (0, 1, 7, 8, 9, 96, 512, 2048, len(whole) // 2, len(whole) - 2000, len(whole) - 1):
        path.write_bytes(whole[:length])
        for read in READERS:
            with pytest.raises(UsageError) as caught:
                read(path)
            assert str(caught.value).startswith(str(path))
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fixture", ["problem_path", "result_path"])
def test_every_part_may_be_missing_or_something_else(fixture: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(fixture)
    whole = path.read_bytes()
    places: list[str] = []
    with h5py.File(path) as file:
        file.visit(places.append)
    for place in places:
        for value in (None, np.full(3, np.nan), h5py.Empty("f8"), "text", h5py.SoftLink("/nowhere")):
            path.write_bytes(whole)
            with h5py.File(path, "r+") as file:
                del file[place]
                if value is not None:
                    file[place] = value
            survive(path)


@pytest.mark.parametrize("fixture", ["problem_path", "result_path"])
def test_damaged_bytes(fixture: str, request: pytest.FixtureRequest) -> None:
    path: Path = request.getfixturevalue(fixture)
    whole, rng = path.read_bytes(), random.Random(0)
    for i in range(150):
        damaged = bytearray(whole)
        if i % 3:
            for _ in range(rng.choice((1, 3, 20))):
                damaged[rng.randrange(len(whole))] = rng.randrange(256)
        else:
            del damaged[rng.randrange(len(whole)) :]
        path.write_bytes(damaged)
        survive(path)
