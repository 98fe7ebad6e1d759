"""One file with some members of a split, laid out as The Well expects: (sample, time, *grid).

    /t0_fields/u             values of a field; given coefficients beside it, constant in time; u_std: of a stochastic
                             family's test data, where u is the mean over paths
    /scalars/NAME            what was drawn, (sample,); NAME_lower and NAME_upper where an axis's ends vary
    /sciml/family, /sciml/shard   what and which members these are
    /sciml/checksums         SHA-256 of each member's bytes; checked when the shard is read
    /sciml/error             (sample, time): distance of a second run over the field's root mean square; NaN: unknown
    /sciml/error_std         the same of u_std, where there is one

Without axes the fields have one of length 1, "point", as in problem files.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import UsageError
from ..family import Family
from ..family.file import family_from, schema_of
from ..files.atomic import write_bytes
from ..files.hdf5 import opened, read_array, read_json, write_json
from ..files.layout import WELL_GROUPS, file_axes, strings, write_boundaries
from ..problem import Array, Problem


@dataclass(frozen=True)
class Shard:
    """Members first … of a split. values, std: (members, times, *grid) by field; given: (members, *grid) by name;
    error, error_std: (members, times)."""

    split: str
    first: int
    times: Array
    values: dict[str, Array]
    given: dict[str, Array]
    error: Array
    checksums: tuple[str, ...]
    about: dict[str, Any]
    std: dict[str, Array]
    error_std: Array


def checksum(values: dict[str, Array], given: dict[str, Array], member: int) -> str:
    """SHA-256 of one member's values and coefficients."""
    found = hashlib.sha256()
    for arrays in (values, given):
        for name in sorted(arrays):
            found.update(name.encode())
            found.update(np.ascontiguousarray(arrays[name][member], dtype="<f8").tobytes())
    return found.hexdigest()


def write_shard(
    path: Path, family: Family, split: str, first: int, members: Sequence[Problem], values: dict[str, Array],
    error: Array, about: dict[str, Any], error_std: Array | None = None,
) -> None:  # fmt: skip
    """Write atomically. `members`: the problems that were solved, one for each first index of the values; these may
    hold standard deviations over paths under the names u_std."""
    given = {name: np.stack([m.given[name] for m in members]) for name in members[0].given}
    sums = [checksum(values, given, i) for i in range(len(members))]
    described = {"split": split, "first": first, "count": len(members), "data_hash": family.data_hash(split)}

    def fill(own: h5py.Group) -> None:
        write_json(own, "shard", described | {"checksums": sums} | about)
        own.create_dataset("error", data=error)
        if error_std is not None:
            own.create_dataset("error_std", data=error_std)

    write_members(path, family, members, values, given, fill)


def write_members(
    path: Path, family: Family, members: Sequence[Problem], values: dict[str, Array], given: dict[str, Array],
    fill: Callable[[h5py.Group], None],
) -> None:  # fmt: skip
    """Fields (members, times, *grid) and coefficients (members, *grid) as The Well expects them, and in /sciml the
    family and whatever `fill` adds. Atomic."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        axes = _write_frame(file, family, members, members[0].grid.times)
        group = file["t0_fields"]
        group.attrs["field_names"] = strings([*values, *given])
        for name, array in (*values.items(), *given.items()):
            moving = name in values
            dataset = group.create_dataset(name, data=array if members[0].grid.axes else array[..., None])
            for i, dimension in enumerate(("sample", "time", *axes) if moving else ("sample", *axes)):
                dataset.dims[i].attach_scale(file[dimension])
            dataset.attrs["dim_varying"] = np.ones(len(axes), dtype=bool)
            dataset.attrs["sample_varying"] = True
            dataset.attrs["time_varying"] = moving
        own = file.create_group("sciml")
        own.attrs["schema"] = schema_of(family)
        write_json(own, "family", family.describe())
        fill(own)
    write_bytes(path, buffer.getvalue())


def _write_frame(file: h5py.File, family: Family, members: Sequence[Problem], times: Array) -> list[str]:
    """Attributes, coordinates and scalars; the names of the axes."""
    problem, count = members[0], len(members)
    axes = problem.grid.axes
    names = list(file_axes(problem))
    drawn = sorted(problem.equation.parameters)
    scalars = {name: np.array([m.equation.parameters[name] for m in members]) for name in drawn}
    file.attrs["Conventions"] = "CF-1.11"
    file.attrs["title"] = problem.title or family.name
    file.attrs["dataset_name"] = family.name
    file.attrs["grid_type"] = "cartesian"
    file.attrs["n_spatial_dims"] = len(names)
    file.attrs["n_trajectories"] = count
    file.attrs["simulation_parameters"] = strings(drawn)
    scales = {"sample": np.arange(count, dtype=np.float64), "time": times}
    if not axes:
        scales |= file_axes(problem)
    for index, axis in enumerate(axes):
        ends = np.array([[m.grid.axes[index].lower, m.grid.axes[index].upper] for m in members])
        if (ends == ends[0]).all():
            scales[axis.name] = axis.points()
        else:  # in fractions of each member's own length
            scales[axis.name] = (axis.points() - axis.lower) / axis.length
            scalars |= {f"{axis.name}_lower": ends[:, 0], f"{axis.name}_upper": ends[:, 1]}
    for name, points in scales.items():
        dataset = file.create_dataset(name, data=points)
        dataset.make_scale(name)
        dataset.attrs["time_varying"] = name == "time"
        dataset.attrs["sample_varying"] = False
    dimensions = file.create_group("dimensions")
    dimensions.attrs["spatial_dims"] = strings(names)
    for name in ("time", *names):
        dimensions[name] = file[name]
    write_boundaries(file, problem, {name: scales[name] for name in names})
    group = file.create_group("scalars")
    group.attrs["field_names"] = strings(list(scalars))
    for name, array in scalars.items():
        group.create_dataset(name, data=array)
        group[name].attrs["time_varying"] = False
        group[name].attrs["sample_varying"] = True
    for name in drawn:
        file.attrs[name] = float(scalars[name][0])
    for name in WELL_GROUPS:
        file.create_group(name).attrs["field_names"] = strings([])
    return names


def field_array(fields: h5py.Group, name: str, family: Family) -> Array:
    """(members, times, *grid), without the axis that stands in the file where there are none."""
    array = read_array(fields[name])
    return array if family.description.axes else array.reshape(array.shape[:2])


def read_shard(path: Path, family: Family, split: str) -> Shard:
    """Raises UsageError where the file is damaged, or holds other data than the family's split."""
    with opened(path) as file:
        if "shard" not in file.get("sciml", {}):
            raise UsageError("is not a data file of sciml's; `sciml data` makes them.")
        about = read_json(file["sciml"]["shard"])
        if family_from(file).content_hash != family.content_hash or about["split"] != split:
            raise UsageError(f"holds data of another family or split than {family.name}, {split}.")
        fields, own = file["t0_fields"], file["sciml"]
        values = {name: field_array(fields, name, family) for name in family.description.fields}
        spread = {f"{n}_std": field_array(fields, f"{n}_std", family) for n in values if f"{n}_std" in fields}
        given = {name: read_array(fields[name]) for name in sorted(family.description.given)}
        sums = tuple(checksum(values | spread, given, i) for i in range(int(about["count"])))
        if not sums or list(sums) != about["checksums"]:
            raise UsageError("does not have the checksums it was written with; delete it, and it is made again.")
        error = read_array(own["error"])
        unknown = np.full_like(error, np.nan)
        return Shard(
            split, int(about["first"]), read_array(file["time"]), values, given, error, sums, about,
            {n.removesuffix("_std"): array for n, array in spread.items()},
            read_array(own["error_std"]) if "error_std" in own else unknown,
        )  # fmt: skip
