"""HDF5 <-> Result: a solution with everything that is needed to trust and repeat it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from ..errors import UsageError
from ..problem import Problem
from ..solution import Solution, Status
from .atomic import write_bytes
from .hdf5 import opened, read_array, read_json, write_json
from .layout import read_fields, write_layout
from .problem_file import problem_from, write_problem_group

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, repr=False)
class Result:
    """One finished cell. ledger: seconds, cpu_seconds, peak_bytes and the solver's own counts."""

    problem: Problem
    solution: Solution
    solver: str
    plugin: str
    solver_version: str
    options: dict[str, Any]
    seed: int
    device: str
    dtype: str
    provenance: dict[str, Any]
    ledger: dict[str, float]
    scores: dict[str, Any] | None
    cell: str

    def to_xarray(self) -> xarray.Dataset:
        """Fields (time, *axes) with their coordinates, `<field>_std` where it is known; options, scores and provenance
        as attributes. Raises UsageError where xarray is not installed."""
        from ..labelled import of_problem

        return of_problem(self)

    def __repr__(self) -> str:
        return f"<Result {self.problem.name} · {self.solver}: {self.solution.status.name}, cell {self.cell}>"


class _Record(TypedDict):
    """What /sciml/run must look like: the plain fields of Result, and how its solution ended."""

    solver: str
    plugin: str
    solver_version: str
    options: dict[str, Any]
    seed: int
    device: str
    dtype: str
    provenance: dict[str, Any]
    ledger: dict[str, float]
    scores: dict[str, Any] | None
    cell: str
    status: str
    reached: float | None
    cost: dict[str, float]
    message: str


_RECORD = TypeAdapter(_Record)
_PLAIN = (
    "solver", "plugin", "solver_version", "options", "seed", "device", "dtype", "provenance", "ledger", "scores",
    "cell",
)  # fmt: skip


def write(path: str | Path, result: Result) -> None:
    """Write atomically. Equal solutions give byte-identical field datasets."""
    solution = result.solution
    record = {key: getattr(result, key) for key in _PLAIN} | {
        "status": solution.status.name,
        "reached": None if np.isinf(solution.reached) else solution.reached,
        "cost": dict(solution.cost),
        "message": solution.message,
    }
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write_layout(file, result.problem, solution.values, solution.std)
        group = write_problem_group(file, result.problem)
        write_json(group, "run", record)
        for name, series in sorted(solution.history.items()):
            group.create_dataset(f"history/{name}", data=np.asarray(series, dtype=np.float64))
    write_bytes(Path(path), buffer.getvalue())


def is_result(path: str | Path) -> bool:
    """Whether a file holds a result (rather than a problem). Raises UsageError for other files."""
    with opened(Path(path)) as file:
        return "run" in file.get("sciml", {})


def read(path: str | Path) -> Result:
    """Raises UsageError for anything that is not a whole result file."""
    with opened(Path(path)) as file:
        problem = problem_from(file)
        if "run" not in file["sciml"]:
            raise UsageError("is a problem, not a result.")
        record = _read_record(file["sciml"]["run"])
        history = {}
        if "history" in file["sciml"]:
            history = {name: read_array(file["sciml"]["history"][name]) for name in file["sciml"]["history"]}
        solution = Solution(
            values=read_fields(file, problem), std=read_fields(file, problem, "_std"),
            status=Status[record["status"]], cost=record["cost"], history=history, message=record["message"],
            reached=np.inf if record["reached"] is None else record["reached"],
        )  # fmt: skip
        plain: dict[str, Any] = {key: value for key, value in record.items() if key in _PLAIN}
        return Result(problem=problem, solution=solution, **plain)


def _read_record(dataset: h5py.Dataset) -> _Record:
    """Raises UsageError naming the entry that is wrong."""
    try:
        record = _RECORD.validate_python(read_json(dataset), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{dataset.name}, {where or 'top level'}: {first['msg']}.") from None
    if record["status"] not in Status.__members__:
        raise UsageError(f"{dataset.name}, status: {record['status']!r} is not known to this version of sciml.")
    return record
