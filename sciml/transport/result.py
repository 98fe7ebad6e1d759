"""HDF5 <-> TransportResult: a solution with everything that is needed to trust and repeat it.

    /sciml/transport …      the problem, as in its own file
    /sciml/run              solver, options, cost, scores, provenance, how it ended
    /sciml/potentials/phi   (n,), psi (m,)
    /sciml/plan             start, index, value: P by rows, where it is small; attribute left_out
    /sciml/history/…        named series
"""

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
from ..files.atomic import write_bytes
from ..files.hdf5 import opened, read_array, read_json, read_number, write_json
from ..files.plain import values
from ..solution import Status
from .file import PACKED, transport_from, write_transport_group
from .problem import Transport
from .scores import restored
from .solution import SparsePlan, TransportSolution

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, repr=False)
class TransportResult:
    """One finished cell. ledger: seconds, cpu_seconds, peak_bytes and counts."""

    problem: Transport
    solution: TransportSolution
    solver: str
    plugin: str
    solver_version: str
    options: dict[str, Any]
    seed: int
    device: str
    provenance: dict[str, Any]
    ledger: dict[str, float]
    scores: dict[str, Any]
    cell: str

    def to_xarray(self) -> xarray.Dataset:
        """Potentials and weights over the points of source and target; options, scores and provenance as attributes.
        Raises UsageError where xarray is not installed."""
        from ..labelled import of_transport

        return of_transport(self)

    def __repr__(self) -> str:
        return f"<TransportResult {self.problem.name} · {self.solver}: {self.solution.status.name}, cell {self.cell}>"


class _Record(TypedDict):
    """What /sciml/run must look like."""

    solver: str
    plugin: str
    solver_version: str
    options: dict[str, Any]
    seed: int
    device: str
    provenance: dict[str, Any]
    ledger: dict[str, float]
    scores: dict[str, Any]
    cell: str
    eps: float
    status: str
    cost: dict[str, float]
    numbers: dict[str, float]
    message: str


_RECORD = TypeAdapter(_Record)
_PLAIN = (
    "solver", "plugin", "solver_version", "options", "seed", "device", "provenance", "ledger", "scores", "cell",
)  # fmt: skip


def write(path: str | Path, result: TransportResult) -> None:
    """Write atomically."""
    solution, plan = result.solution, result.solution.plan
    record = {key: getattr(result, key) for key in _PLAIN} | {
        "eps": solution.eps, "status": solution.status.name, "cost": dict(solution.cost),
        "numbers": dict(solution.numbers), "message": solution.message,
    }  # fmt: skip
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = write_transport_group(file, result.problem)
        write_json(group, "run", record)
        group.create_dataset("potentials/phi", data=solution.phi, **PACKED)
        group.create_dataset("potentials/psi", data=solution.psi, **PACKED)
        if plan is not None:
            for name in ("start", "index", "value"):
                group.create_dataset(f"plan/{name}", data=getattr(plan, name), **PACKED)
            group["plan"].attrs["left_out"] = plan.left_out
        for name, series in sorted(solution.history.items()):
            group.create_dataset(f"history/{name}", data=np.asarray(series, dtype=np.float64))
    write_bytes(Path(path), buffer.getvalue())


def read(path: str | Path) -> TransportResult:
    """Raises UsageError for anything that is not a whole result of a transport problem."""
    with opened(Path(path)) as file:
        problem, group = transport_from(file), file["sciml"]
        if "run" not in group:
            raise UsageError("is a problem, not a result.")
        try:
            record = _RECORD.validate_python(read_json(group["run"]), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"/sciml/run, {where or 'top level'}: {first['msg']}.") from None
        if record["status"] not in Status.__members__:
            raise UsageError(f"/sciml/run, status: {record['status']!r} is not known to this version of sciml.")
        history = {name: read_array(group["history"][name]) for name in group.get("history", {})}
        solution = TransportSolution(
            phi=read_array(group["potentials"]["phi"]), psi=read_array(group["potentials"]["psi"]), eps=record["eps"],
            status=Status[record["status"]], plan=_plan(group, problem.shape), message=record["message"],
            cost=record["cost"], history=history, numbers=record["numbers"],
        )  # fmt: skip
        shapes = solution.phi.shape, solution.psi.shape
        if shapes != tuple((n,) for n in problem.shape):
            raise UsageError("/sciml/potentials: the potentials do not fit the measures.")
        restored(record["scores"])
        plain: dict[str, Any] = {key: value for key, value in record.items() if key in _PLAIN}
        return TransportResult(problem=problem, solution=solution, **plain)


def _plan(group: h5py.Group, shape: tuple[int, int]) -> SparsePlan | None:
    """Raises UsageError for a plan that does not fit the shape (n, m)."""
    if "plan" not in group:
        return None
    stored = group["plan"]
    if any(stored[name].size > 2**28 or stored[name].ndim != 1 for name in ("start", "index", "value")):
        raise UsageError("/sciml/plan: its parts must be lists of sane length.")
    start, index, value = values(stored["start"]), values(stored["index"]), read_array(stored["value"])
    whole = start.dtype == np.int64 and index.dtype == np.int32 and len(start) == shape[0] + 1
    if not (
        whole and start[0] == 0 and start[-1] == len(value) == len(index) and (np.diff(start) >= 0).all()
        and ((index >= 0) & (index < shape[1])).all() and (value >= 0).all() and np.isfinite(value).all()
    ):  # fmt: skip
        raise UsageError("/sciml/plan: its entries do not fit the measures.")
    return SparsePlan(start, index, value, read_number(stored, "left_out"))
