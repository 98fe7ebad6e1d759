"""Damaged and foreign transport files: one sentence each, whatever is wrong."""

from __future__ import annotations

import json
import random

import h5py
import numpy as np
import pytest

from sciml import Measure, Transport
from sciml.errors import ScimlError, UsageError
from sciml.files.hdf5 import write_json
from sciml.kinds import kind_of
from sciml.solution import Status
from sciml.transport import TransportSolution, file, result
from sciml.transport.reference import TransportReference, read_reference
from sciml.transport.result import TransportResult
from sciml.transport.scores import TransportScores
from sciml.transport.solution import SparsePlan

READERS = (
    file.read, result.read, read_reference, lambda path: kind_of(path).check(path), lambda path: kind_of(path).text(path),
    lambda path: kind_of(path).data(path),
)  # fmt: skip


def problem():
    rng = np.random.default_rng(0)
    return Transport("two", Measure(np.full(3, 1 / 3), rng.random((3, 2))), Measure(np.full(4, 1 / 4), rng.random((4, 2))), 0.1, "l1")


@pytest.fixture
def problem_path(tmp_path):
    file.write(tmp_path / "p.h5", problem(), TransportReference(1.0, 0.5, 1e-9, "m", 0.4, 1e-10, {"other": 1e-12}))
    return tmp_path / "p.h5"


@pytest.fixture
def result_path(tmp_path):
    plan = SparsePlan(np.array([0, 1, 2, 4]), np.array([0, 1, 2, 3], dtype=np.int32), np.full(4, 0.25))
    solution = TransportSolution(np.zeros(3), np.zeros(4), 0.1, Status.OK, plan, "done", {"sweeps": 3.0}, {"work": np.arange(3.0)}, {"S": 0.1})
    scores = TransportScores(0.1, 1.0, 0.9, 1.1, 0.2, 0.0, 0.1, 0.1, distance={}).as_dict()
    result.write(tmp_path / "r.h5", TransportResult(problem(), solution, "a", "b", "1", {}, 0, "cpu", {}, {"seconds": 1.0, "cpu_seconds": 1.0, "peak_bytes": 1.0}, scores, "c"))
    assert result.read(tmp_path / "r.h5").solution.plan.left_out == 0.0
    assert "two by a" in kind_of(tmp_path / "r.h5").text(tmp_path / "r.h5")
    return tmp_path / "r.h5"


def survive(path):
    for read in READERS:
        said = str(path)
        try:
            read(path)
        except ScimlError as error:
            said = str(error)
        assert said.startswith(str(path)) and "\n" not in said


@pytest.mark.parametrize("fixture", ["problem_path", "result_path"])
def test_every_part_may_be_missing_or_something_else(fixture, request):
    path = request.getfixturevalue(fixture)
    whole, places = path.read_bytes(), []
    with h5py.File(path) as opened:
        opened.visit(places.append)
    for place in places:
        for value in (None, np.full(3, np.nan), np.full((2, 2), -1.0), h5py.Empty("f8"), "text", h5py.SoftLink("/nowhere")):
            path.write_bytes(whole)
            with h5py.File(path, "r+") as opened:
                del opened[place]
                if value is not None:
                    opened[place] = value
            survive(path)


@pytest.mark.parametrize("fixture", ["problem_path", "result_path"])
def test_damaged_bytes(fixture, request):
    path = request.getfixturevalue(fixture)
    whole, rng = path.read_bytes(), random.Random(0)
    for i in range(120):
        damaged = bytearray(whole)
        if i % 3:
            for _ in range(rng.choice((1, 3, 20))):
                damaged[rng.randrange(len(whole))] = rng.randrange(256)
        else:
            del damaged[rng.randrange(len(whole)) :]
        path.write_bytes(damaged)
        survive(path)


@pytest.mark.parametrize(("key", "value"), [("seed", "x"), ("status", "GREAT"), ("eps", "0"), ("scores", {"eps": 1.0}), ("ledger", [])])
def test_bad_results_name_the_entry(result_path, key, value):
    with h5py.File(result_path, "r+") as opened:
        record = json.loads(opened["sciml/run"].asstr()[()]) | {key: value}
        del opened["sciml/run"]
        write_json(opened["sciml"], "run", record)
    with pytest.raises(UsageError, match=key):
        result.read(result_path)


@pytest.mark.parametrize(("place", "value"), [
    ("plan/index", np.array([0, 1, 2, 4], dtype=np.int32)), ("plan/start", np.array([0, 1, 2, 5])), ("plan/value", np.full(4, -1.0)),
    ("potentials/phi", np.zeros(4)),
])  # fmt: skip
def test_plans_and_potentials_must_fit(result_path, place, value):
    with h5py.File(result_path, "r+") as opened:
        del opened[f"sciml/{place}"]
        opened[f"sciml/{place}"] = value
    with pytest.raises(UsageError, match="do not fit the measures"):
        result.read(result_path)
