"""The public face of our HDF5 files: fields and coordinates as The Well, xarray and ParaView expect them.

Root attributes and groups follow The Well's data specification; coordinates are dimension scales at the
root with hard links in /dimensions (scales made inside /dimensions break xarray's engines); /VTKHDF holds
virtual datasets on the same arrays, so nothing is stored twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import h5py
import numpy as np

from ..errors import UsageError
from ..problem import Array, Problem
from .plain import values as plain_values

POINT = "point"  # the axis of an ODE's fields, of length 1 (The Well's loader needs one), and of scattered points
WELL_GROUPS = ("t0_fields", "t1_fields", "t2_fields")
MAX_AXES = 3

# Names the layout uses itself: a coordinate is a dataset at the root, a parameter an attribute of it.
_DIMENSIONS = frozenset({"time", "sample", POINT})
_GROUPS = frozenset({"sciml", "VTKHDF", "dimensions", "scalars", "boundary_conditions", *WELL_GROUPS})
_ATTRIBUTES = frozenset({
    "Conventions", "title", "dataset_name", "grid_type", "n_spatial_dims", "n_trajectories",
    "simulation_parameters",
})  # fmt: skip


def check_names(problem: Problem) -> None:
    """Raise UsageError for a problem whose names or axes this layout cannot hold."""
    equation = problem.equation
    if len(equation.axes) > MAX_AXES:
        raise UsageError(f"problem: {len(equation.axes)} axes; files hold at most {MAX_AXES}.")
    spreads = {f"{name}_std" for name in equation.fields}
    for kind, names, taken in (
        ("axis", equation.axes, _DIMENSIONS | _GROUPS),
        ("field", equation.fields, _DIMENSIONS | spreads),
        ("parameter", equation.parameters, _DIMENSIONS | _ATTRIBUTES),
    ):
        for name in names:
            if name in taken:
                raise UsageError(f"problem: the file format uses the name {name!r} itself; rename that {kind}.")


def file_axes(problem: Problem) -> dict[str, Array]:
    """Spatial axes as they stand in the file."""
    if problem.ball is not None:
        return {POINT: np.arange(len(problem.ball.points), dtype=np.float64)}
    axes = {axis.name: axis.points() for axis in problem.grid.axes}
    return axes or {POINT: np.zeros(1)}


def write_layout(
    file: h5py.File, problem: Problem, values: Mapping[str, Array], std: Mapping[str, Array] | None = None
) -> None:
    """Attributes, coordinates, boundary conditions, and the fields given (none is allowed).

    Raises UsageError for names that cannot be stored.
    """
    check_names(problem)
    axes = file_axes(problem)
    parameters = dict(problem.equation.parameters)
    file.attrs["Conventions"] = "CF-1.11"
    file.attrs["title"] = problem.title or problem.name
    file.attrs["dataset_name"] = problem.name
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = len(axes)
    file.attrs["n_trajectories"] = 1
    file.attrs["simulation_parameters"] = strings(list(parameters))
    for name, value in parameters.items():
        file.attrs[name] = value
    scales = {"sample": np.zeros(1), "time": problem.grid.times} | axes
    for name, points in scales.items():
        dataset = file.create_dataset(name, data=points)
        dataset.make_scale(name)
        if name == "time":
            dataset.attrs["standard_name"] = "time"
        dataset.attrs["time_varying"] = name == "time"
        dataset.attrs["sample_varying"] = False
    dimensions = file.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = strings(list(axes))
    for name in ("time", *axes):
        dimensions[name] = file[name]  # a hard link, not a copy
    write_boundaries(file, problem, axes)
    scalars = file.create_group("scalars")
    scalars.attrs["field_names"] = strings(list(parameters))
    for name, value in parameters.items():
        scalars.create_dataset(name, data=value)
        scalars[name].attrs["time_varying"] = False
        scalars[name].attrs["sample_varying"] = False
    for group in WELL_GROUPS:
        file.create_group(group).attrs["field_names"] = strings([])
    _write_fields(file, tuple(axes), values, std or {})
    if values:
        _write_vtk(file, axes, problem.grid.times, list(values))


def strings(names: list[str]) -> np.ndarray:
    return np.array(names, dtype=h5py.string_dtype())


def write_boundaries(file: h5py.File, problem: Problem, axes: Mapping[str, Array]) -> None:
    """The Well knows periodic axes, walls and open faces; what is given on a wall stands in /sciml/problem."""
    group = file.create_group("boundary_conditions")
    faces = {axis.name: axis.faces for axis in problem.grid.axes}
    if problem.ball is not None:
        faces[POINT] = ("dirichlet", "dirichlet")
    for name, points in axes.items():
        for kind in dict.fromkeys(faces.get(name, ("periodic", "periodic"))):
            condition = group.create_group(f"{name}_{kind}")
            condition.attrs["associated_dims"] = strings([name])
            condition.attrs["associated_fields"] = strings([])
            condition.attrs["bc_type"] = {"periodic": "PERIODIC", "open": "OPEN"}.get(kind, "WALL")
            condition.attrs["sample_varying"] = False
            condition.attrs["time_varying"] = False
            mask = np.zeros(len(points), dtype=bool)
            if problem.ball is None:  # scattered points stand in no order: none of them is a wall
                mask[[0, -1]] = [face == kind for face in faces.get(name, (kind, kind))]
            condition.create_dataset("mask", data=mask)


def _write_fields(
    file: h5py.File, axes: tuple[str, ...], values: Mapping[str, Array], std: Mapping[str, Array]
) -> None:
    group = file["t0_fields"]
    spread = {f"{name}_std": array for name, array in std.items()}
    group.attrs["field_names"] = strings([*values, *spread])
    for name, array in (*values.items(), *spread.items()):
        stored = array.reshape(1, len(array), *(array.shape[1:] or (1,)))
        dataset = group.create_dataset(name, data=stored, compression="gzip", shuffle=True)
        for i, dimension in enumerate(("sample", "time", *axes)):
            dataset.dims[i].attach_scale(file[dimension])
        dataset.attrs["dim_varying"] = np.ones(len(axes), dtype=bool)
        dataset.attrs["sample_varying"] = True
        dataset.attrs["time_varying"] = True
        if name in std:
            dataset.attrs["ancillary_variables"] = f"{name}_std"


def _write_vtk(file: h5py.File, axes: Mapping[str, Array], times: Array, fields: list[str]) -> None:
    """VTKHDF ImageData in time. VTK's x is our last axis: it varies fastest in memory."""
    sizes = [len(points) for points in axes.values()]
    padded = [1] * (3 - len(sizes)) + sizes
    group = file.create_group("VTKHDF")
    group.attrs["Version"] = np.array([2, 2], dtype=np.int64)
    group.attrs.create("Type", b"ImageData", dtype=h5py.string_dtype("ascii", len("ImageData")))
    x, y, z = padded[::-1]
    group.attrs["WholeExtent"] = np.array([0, x - 1, 0, y - 1, 0, z - 1], dtype=np.int64)
    origin = [0.0] * (3 - len(sizes)) + [float(points[0]) for points in axes.values()]
    spacing = [1.0] * (3 - len(sizes)) + [
        float(points[1] - points[0]) if len(points) > 1 else 1.0 for points in axes.values()
    ]
    group.attrs["Origin"] = np.array(origin[::-1])
    group.attrs["Spacing"] = np.array(spacing[::-1])
    group.attrs["Direction"] = np.eye(3).ravel()
    steps = group.create_group("Steps")
    steps.attrs["NSteps"] = np.int64(len(times))
    steps.create_dataset("Values", data=times)
    points_group = group.create_group("PointData")
    for name in fields:
        stored = file["t0_fields"][name]
        _create_view(points_group, name, stored, (len(times), *sizes))


def _create_view(group: h5py.Group, name: str, stored: h5py.Dataset, shape: tuple[int, ...]) -> None:
    """A virtual dataset on all of `stored`. h5py's own call would also store the time of its making."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_obj_track_times(False)
    space = h5py.h5s.create_simple(shape)
    plist.set_virtual(space, b".", stored.name.encode(), h5py.h5s.create_simple(stored.shape))
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.IEEE_F64LE, space, plist)


def read_fields(file: h5py.File, problem: Problem, suffix: str = "") -> dict[str, Array]:
    """Arrays (times, *grid) by field name; those the file has."""
    found = {}
    shape = (len(problem.grid.times), *problem.shape)
    for name in problem.equation.fields:
        if name + suffix in file["t0_fields"]:
            stored = file["t0_fields"][name + suffix]
            if stored.dtype != np.float64 or stored.size != int(np.prod(shape)):
                raise ValueError(f"/t0_fields/{name}{suffix} is {stored.dtype}{stored.shape}, expected float64{shape}")
            found[name] = np.asarray(plain_values(stored)).reshape(shape)
    return found
