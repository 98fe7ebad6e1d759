"""HDF5 <-> Transport. The authority is schema-versioned JSON in /sciml/transport and arrays beside it.

    /sciml/transport               JSON text: Transport.describe(), with the convention for eps and the potentials
    /sciml/source/weights          (n,) or (n1, n2), float64 or uint8
    /sciml/source/points           (n, d); or axes/0, axes/1: coordinates of a grid
    /sciml/target/…                the same
    /sciml/matrix                  costs (n, m), where they are neither named nor drawn
    /sciml/reference               values of the optimum and their error (never opened here)
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import UsageError
from ..files.atomic import write_bytes
from ..files.bounds import spend
from ..files.hdf5 import check_schema, opened, read_array, read_json, write_json
from ..files.plain import values
from ..problem import Array
from .measure import Measure
from .problem import CONVENTION, Transport, UniformCosts
from .reference import TransportReference, write_reference

SCHEMA = 5  # of files with /sciml/transport
PACKED = {"compression": "gzip", "compression_opts": 9, "shuffle": True}


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Drawn(_Strict):
    """How a matrix of costs is drawn, and what must come out."""

    law: Literal["uniform"]
    seed: Annotated[int, Field(ge=0, lt=2**62)]
    sha256: str


class Description(_Strict):
    """What /sciml/transport must look like."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    cost: str
    eps: Annotated[float, Field(allow_inf_nan=False)]
    convention: str
    normalise: bool = False
    drawn: Drawn | None = None
    title: str = ""
    about: str = ""


def transport_from(file: h5py.File) -> Transport:
    """The problem in an open problem or result file."""
    group = check_schema(file)
    try:
        d = Description.model_validate(read_json(group["transport"]))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"/sciml/transport, {where or 'top level'}: {first['msg']}.") from None
    if d.convention != CONVENTION:
        raise UsageError(f"/sciml/transport: its convention is not the one known here, which is {CONVENTION!r}.")
    matrix: Array | UniformCosts | None = read_array(group["matrix"]) if "matrix" in group else None
    if d.drawn is not None:
        matrix = UniformCosts(d.drawn.seed)
    problem = Transport(
        d.name, _measure(group["source"]), _measure(group["target"]), d.eps, d.cost, matrix, d.normalise, d.title,
        d.about,
    )  # fmt: skip
    if d.drawn is not None and _digest(problem) != d.drawn.sha256:
        raise UsageError("/sciml/transport: the costs drawn here are not those the file was written for.")
    return problem


def _measure(group: h5py.Group) -> Measure:
    stored = group["weights"]
    whole = stored.dtype == np.uint8 and stored.size <= 2**28
    if whole:
        spend(16 * stored.size, f"{stored.name} as numbers")
    weights = values(stored).astype(np.float64) if whole else read_array(stored)
    points = read_array(group["points"]) if "points" in group else None
    axes = (read_array(group["axes"]["0"]), read_array(group["axes"]["1"])) if "axes" in group else None
    return Measure(weights, points, axes)


def _digest(problem: Transport) -> str:
    assert problem.costs is not None
    return hashlib.sha256(problem.costs.tobytes()).hexdigest()


def read(path: str | Path) -> Transport:
    """Read what is asked. The reference, if any, is not opened. Raises UsageError."""
    with opened(Path(path)) as file:
        if "run" in file.get("sciml", {}):
            raise UsageError("is a result, not a problem; give the problem file it was made from.")
        if "transport" not in file.get("sciml", {}):
            raise UsageError("holds no transport problem.")
        return transport_from(file)


def write_transport_group(file: h5py.File, problem: Transport) -> h5py.Group:
    file.attrs["Conventions"] = "CF-1.11"
    file.attrs["title"] = problem.title or problem.name
    file.attrs["dataset_name"] = problem.name
    group = file.create_group("sciml")
    group.attrs["schema"] = SCHEMA
    described = problem.describe()
    if described["drawn"] is not None:
        described["drawn"] = described["drawn"] | {"sha256": _digest(problem)}
    write_json(group, "transport", described)
    for name, measure in (("source", problem.source), ("target", problem.target)):
        own = group.create_group(name)
        _store(own, "weights", measure.weights, whole=True)
        if measure.points is not None:
            _store(own, "points", measure.points)
        for k, axis in enumerate(measure.axes or ()):
            _store(own, f"axes/{k}", axis)
    if isinstance(problem.matrix, np.ndarray):
        _store(group, "matrix", problem.matrix)
    return group


def _store(group: h5py.Group, name: str, array: Array, whole: bool = False) -> None:
    """As float64, or as uint8 where that says the same (whole: weights)."""
    small: Any = array.astype(np.uint8) if whole and array.max() <= 255 else array
    group.create_dataset(name, data=small if np.array_equal(small, array) else array, **PACKED)


def write(path: str | Path, problem: Transport, reference: TransportReference | None = None) -> None:
    """Write a problem, with its reference if there is one, atomically. Same input, same bytes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        group = write_transport_group(file, problem)
        if reference is not None:
            write_reference(group, reference)
    write_bytes(Path(path), buffer.getvalue())
