"""HDF5 <-> Problem. The authority is schema-versioned JSON in /sciml/problem and arrays beside it.

    /sciml            attribute schema (int)
    /sciml/problem    JSON text: Problem.describe()
    /sciml/times      output times
    /sciml/ball       of kind ball: points (n, d), and coefficients/NAME (length,)
    /sciml/initial/u  initial values, for fields that have no formula
    /sciml/given/a    values of a coefficient on the grid
    /sciml/reference  how the reference in /t0_fields was made, and its error (never opened here)

Nothing in a file is ever evaluated or unpickled.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import h5py
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..ball import Ball
from ..equation import Equation
from ..errors import UsageError
from ..problem import Array, Axis, Grid, Problem
from ..reference.values import Reference, write_reference
from .atomic import write_bytes
from .hdf5 import check_schema, opened, read_array, read_json, write_json
from .layout import check_names, write_layout

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class AxisDescription(_Strict):
    name: str
    lower: Finite
    upper: Finite
    size: int
    boundary: str = "periodic"


class BallDescription(_Strict):
    dimension: int
    radius: Finite
    point: str


class Description(_Strict):
    """What /sciml/problem must look like."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    kind: str
    equation: list[str]
    fields: Annotated[list[str], Field(min_length=1)]
    parameters: dict[str, Finite] = {}
    axes: list[AxisDescription] = []
    initial: dict[str, str] = {}
    invariants: dict[str, str] = {}
    lyapunov: Finite | None = None
    boundary: dict[str, dict[str, dict[str, str]]] = {}
    ball: BallDescription | None = None
    given: list[str] = []
    diffusion: dict[str, str] = {}
    title: str = ""
    about: str = ""


def assemble(
    data: dict[str, Any], times: Array, initial_values: dict[str, Array], points: Array | None = None,
    coefficients: Mapping[str, Array] | None = None, given: Mapping[str, Array] | None = None,
) -> Problem:  # fmt: skip
    """A Problem from plain data, and of a ball its points and coefficients. Raises UsageError naming the place
    that is wrong."""
    try:
        d = Description.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"problem description, {where or 'top level'}: {first['msg']}.") from None
    unknown = (set(d.initial) | set(initial_values)) - set(d.fields)
    if unknown:
        raise UsageError(f"initial data are given for {sorted(unknown)[0]!r}, which is not a field.")
    axes = tuple(Axis(**axis.model_dump()) for axis in d.axes)
    ball, indexed = None, []
    if d.ball is not None:
        if points is None:
            raise UsageError("problem description: a ball needs points.")
        ball = Ball(d.ball.dimension, d.ball.radius, points, coefficients or {})
        indexed = [d.ball.point, *ball.coefficients]
    equation = Equation.parse(d.equation, d.fields, [axis.name for axis in axes], d.parameters, indexed, d.given)
    problem = Problem(
        d.name, equation, Grid(axes, times), initial_values, d.initial, d.kind, d.title, d.about, d.invariants,
        d.lyapunov, d.boundary, ball, given or {}, d.diffusion,
    )  # fmt: skip
    check_names(problem)
    # an equation no solver could start from is refused here, with its reason
    if ball is None:
        _ = equation.strong if equation.steady else equation.semilinear
    return problem


def problem_from(file: h5py.File) -> Problem:
    """The problem in an open problem or result file."""
    group = check_schema(file)
    if "problem" not in group and "family" in group:
        raise UsageError("describes a family of problems, not one; `sciml solve`, `train`, `data` and `show` take it.")
    if "problem" not in group and "transport" in group:
        raise UsageError("holds a transport problem; `sciml solve`, `show` and sciml.load take it.")
    data = read_json(group["problem"])
    if not isinstance(data, dict):
        raise UsageError("/sciml/problem is not a JSON object.")
    initial = {name: read_array(group["initial"][name]) for name in group["initial"]}
    points, coefficients = None, {}
    if "ball" in group:
        points = read_array(group["ball"]["points"])
        stored = group["ball"]["coefficients"]
        coefficients = {name: read_array(stored[name]) for name in stored}
    given = {name: read_array(group["given"][name]) for name in group.get("given", {})}
    return assemble(data, read_array(group["times"]), initial, points, coefficients, given)


def read(path: str | Path) -> Problem:
    """Read what is asked. The reference, if any, is not opened. Raises UsageError."""
    path = Path(path)
    with opened(path) as file:
        if "run" in file.get("sciml", {}):
            raise UsageError("is a result, not a problem; give the problem file it was made from.")
        return problem_from(file)


def write_problem_group(file: h5py.File, problem: Problem) -> h5py.Group:
    group = file.create_group("sciml")
    newest = 4 if problem.diffusion else 3 if problem.given else 1 if problem.ball is None else 2
    group.attrs["schema"] = newest  # older versions read theirs
    write_json(group, "problem", problem.describe())
    group.create_dataset("times", data=problem.grid.times)
    initial = group.create_group("initial")
    for name, values in sorted(problem.initial_values.items()):
        packed = {"compression": "gzip", "shuffle": True} if problem.grid.axes else {}  # HDF5 packs no scalars
        initial.create_dataset(name, data=values, **packed)
    for name, values in sorted(problem.given.items()):
        group.create_dataset(f"given/{name}", data=values, compression="gzip", shuffle=True)
    if problem.ball is not None:
        ball = group.create_group("ball")
        ball.create_dataset("points", data=problem.ball.points, compression="gzip", shuffle=True)
        stored = ball.create_group("coefficients")
        for name, values in sorted(problem.ball.coefficients.items()):
            stored.create_dataset(name, data=values)
    return group


def write(path: str | Path, problem: Problem, reference: Reference | None = None) -> None:
    """Write a problem, with its reference if there is one, atomically. Same input, same bytes."""
    buffer = io.BytesIO()  # HDF5 does not survive a full disk; plain bytes do
    with h5py.File(buffer, "w") as file:
        write_layout(file, problem, reference.values if reference else {})
        group = write_problem_group(file, problem)
        if reference is not None:
            write_reference(group, reference)
    write_bytes(Path(path), buffer.getvalue())
