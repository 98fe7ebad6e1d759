"""Results survive the way to disk and back, missing values included."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from test_problem_file import make

from sciml.errors import UsageError
from sciml.files import problem_file, result_file
from sciml.files.result_file import Result
from sciml.problem import Problem
from sciml.solution import Solution, Status


def result_of(problem: Problem) -> Result:
    shape = (len(problem.grid.times), *problem.grid.shape)
    values = {name: np.random.default_rng(1).normal(size=shape) for name in problem.equation.fields}
    for array in values.values():
        array[-1] = np.nan  # after `reached`
    solution = Solution(
        values, Status.PARTIAL, 0.75, {name: np.abs(array) for name, array in values.items()}, {"steps": 3.0},
        {"residual": np.array([1.0, 0.1])}, "stopped early",
    )  # fmt: skip
    return Result(
        problem, solution, "s", "p", "1", {"width": 8}, 3, "cpu", "float64", {"python": "3.11"},
        {"seconds": 1.0, "peak_bytes": 10}, None, "cell",
    )  # fmt: skip


@pytest.mark.parametrize("dim", [0, 1, 2, 3])
def test_a_result_comes_back(tmp_path: Path, dim: int) -> None:
    result = result_of(make(("u", "v"), dim))
    result_file.write(tmp_path / "r.h5", result)
    back = result_file.read(tmp_path / "r.h5")
    for name in result.solution.values:
        assert np.array_equal(back.solution.values[name], result.solution.values[name], equal_nan=True)
        assert np.array_equal(back.solution.std[name], result.solution.std[name], equal_nan=True)
    assert np.array_equal(back.solution.history["residual"], [1.0, 0.1])
    assert back.solution.status is Status.PARTIAL
    assert back.solution.reached == 0.75
    assert back.problem.content_hash == result.problem.content_hash
    for key in ("solver", "plugin", "options", "seed", "provenance", "ledger", "scores", "cell"):
        assert getattr(back, key) == getattr(result, key)


def test_a_whole_solution_has_reached_the_end(tmp_path: Path) -> None:
    result = result_of(make())
    result_file.write(tmp_path / "r.h5", replace(result, solution=replace(result.solution, reached=np.inf)))
    assert result_file.read(tmp_path / "r.h5").solution.reached == np.inf


def test_equal_values_are_equal_bytes(tmp_path: Path) -> None:
    """Of the field datasets as stored, whoever solved it."""
    chunks = []
    for name, solver in (("a.h5", "one"), ("b.h5", "another-solver")):
        result_file.write(tmp_path / name, replace(result_of(make(dim=2)), solver=solver))
        with h5py.File(tmp_path / name) as file:
            stored = file["t0_fields/u"].id
            chunks.append([stored.read_direct_chunk(stored.get_chunk_info(i).chunk_offset)
                           for i in range(stored.get_num_chunks())])  # fmt: skip
    assert chunks[0] == chunks[1]


def test_a_problem_is_not_a_result_nor_the_reverse(tmp_path: Path) -> None:
    problem_file.write(tmp_path / "p.h5", make())
    result_file.write(tmp_path / "r.h5", result_of(make()))
    assert not result_file.is_result(tmp_path / "p.h5")
    assert result_file.is_result(tmp_path / "r.h5")
    with pytest.raises(UsageError, match="not a result"):
        result_file.read(tmp_path / "p.h5")
    with pytest.raises(UsageError, match="not a problem"):
        problem_file.read(tmp_path / "r.h5")
