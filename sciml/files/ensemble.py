"""HDF5 <-> EnsembleResult: what a solver made of all scored members of a family, in one file.

    /t0_fields/u       (member, time, *grid); u_std beside it where the solver knows it
    /sciml/family      the family; /sciml/run: solver, options, cost, scores, model, how each member ended
    /sciml/history/…   named series
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from ..dataset.shard import field_array, write_members
from ..errors import UsageError
from ..family import Family
from ..family.file import family_from
from ..problem import Array, Problem
from ..solution import Solution, Status
from .hdf5 import opened, read_array, read_json, write_json

if TYPE_CHECKING:
    import xarray

PLAIN = (
    "split", "count", "solver", "plugin", "solver_version", "options", "seed", "device", "dtype", "provenance",
    "ledger", "scores", "cell", "model", "status", "message", "reached",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class EnsembleResult:
    """values, std: (members, times, *grid) by field. reached: the last time of each member that is meant.

    status: the worst member's; message: how many ended otherwise than asked, and the first one's words.
    model: of a learned solver {path, hash, iterations, seconds, parameters, members}.
    """

    family: Family
    times: Array
    values: Mapping[str, Array]
    std: Mapping[str, Array]
    split: str
    count: int
    solver: str
    plugin: str
    solver_version: str
    options: dict[str, Any]
    seed: int
    device: str
    dtype: str
    provenance: dict[str, Any]
    ledger: dict[str, float]
    scores: dict[str, Any]
    cell: str
    model: dict[str, Any] | None
    status: str
    message: str
    reached: list[float]
    history: Mapping[str, Array] = field(default_factory=dict)

    def to_xarray(self) -> xarray.Dataset:
        """Fields (member, time, *axes) with their coordinates, `<field>_std` where it is known; options, scores and
        provenance as attributes. Raises UsageError where xarray is not installed."""
        from ..labelled import of_family

        return of_family(self)

    def __repr__(self) -> str:
        return f"<EnsembleResult {self.family.name} · {self.solver}: {self.status}, cell {self.cell}>"


def gathered(solutions: Sequence[Solution]) -> dict[str, Any]:
    """The members' solutions as the fields of one result that depend on them."""
    worst = max((s.status for s in solutions), key=[Status.OK, Status.INACCURATE, Status.PARTIAL].index)
    ended = [s for s in solutions if s.status is not Status.OK]
    message = f"{len(ended)} of {len(solutions)} members: {ended[0].message or ended[0].status.value}" if ended else ""
    known = all(s.std for s in solutions)
    return {
        "values": {n: np.stack([s.values[n] for s in solutions]) for n in solutions[0].values},
        "std": {n: np.stack([s.std[n] for s in solutions]) for n in solutions[0].std} if known else {},
        "status": worst.name, "message": message, "reached": [min(float(s.reached), 1e300) for s in solutions],
    }  # fmt: skip


def write(path: Path, result: EnsembleResult, members: Sequence[Problem]) -> None:
    """Write atomically."""

    def fill(own: h5py.Group) -> None:
        write_json(own, "run", {key: getattr(result, key) for key in PLAIN})
        for name, series in sorted(result.history.items()):
            own.create_dataset(f"history/{name}", data=np.asarray(series, dtype=np.float64))

    fields = dict(result.values) | {f"{name}_std": array for name, array in result.std.items()}
    write_members(path, result.family, members, fields, {}, fill)


def read(path: str | Path) -> EnsembleResult:
    """Raises UsageError for anything that is not a whole result of a family."""
    with opened(Path(path)) as file:
        if "run" not in file.get("sciml", {}):
            raise UsageError("is not a result.")
        record = read_json(file["sciml"]["run"])
        missing = [key for key in PLAIN if key not in record]
        if missing:
            raise UsageError(f"/sciml/run: {missing[0]} is missing.")
        family, fields = family_from(file), file["t0_fields"]
        history = file["sciml"].get("history", {})
        return EnsembleResult(
            family=family, times=read_array(file["time"]), **{key: record[key] for key in PLAIN},
            values={name: field_array(fields, name, family) for name in family.description.fields},
            std={
                n: field_array(fields, f"{n}_std", family) for n in family.description.fields if f"{n}_std" in fields
            },
            history={name: read_array(history[name]) for name in history},
        )  # fmt: skip
