"""Data that others made: files of The Well and of PDEBench, as a split of a family whose equation they solve.

Shapes and names are read, not trusted: times, grid and fields must be the family's. Nothing says by what error such
data differ from the equation's solutions; it is stored as unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

import h5py
import numpy as np

from ..errors import UsageError
from ..family import Family
from ..files.bounds import spend
from ..files.hdf5 import opened
from ..files.plain import values as plain_values
from ..problem import Array
from .dataset import Dataset, folder, shard_path
from .making import MEMBERS
from .shard import write_shard

MOST = 2**31  # numbers in one foreign file


@dataclass(frozen=True)
class Foreign:
    """values: (members, times, *grid) by the file's own field names; parameters: numbers that hold for all."""

    form: str
    times: Array
    axes: tuple[Array, ...]
    values: dict[str, Array]
    parameters: dict[str, float]


def read_foreign(path: str | Path) -> Foreign:
    """Raises UsageError for a file that is neither of The Well nor of PDEBench."""
    with opened(Path(path)) as file:
        if "t0_fields" in file and "dimensions" in file:
            return _well(file)
        if "tensor" in file and "x-coordinate" in file:
            return _pdebench_tensor(file)
        if any(isinstance(file[k], h5py.Group) and {"data", "grid"} <= set(file[k]) for k in file):
            return _pdebench_groups(file)
        raise UsageError("is neither a file of The Well nor of PDEBench in a layout that is known here.")


def _array(dataset: h5py.Dataset) -> Array:
    if dataset.dtype.kind != "f" or dataset.size > MOST:
        raise UsageError(f"{dataset.name} is {dataset.dtype}{dataset.shape}; expected at most {MOST} real numbers.")
    spend(10 * dataset.size, f"{dataset.name} in double precision")
    values = np.asarray(plain_values(dataset, any_filter=True), dtype=np.float64)
    if not np.isfinite(values).all():
        raise UsageError(f"{dataset.name} holds NaN or infinity.")
    return values


def _well(file: h5py.File) -> Foreign:
    """/t0_fields/NAME (sample, time, *grid), coordinates in /dimensions."""
    dimensions = file["dimensions"]
    names = [n.decode() if isinstance(n, bytes) else str(n) for n in dimensions.attrs["spatial_dims"]]
    axes = tuple(_array(dimensions[name]) for name in names)
    fields: dict[str, Array] = {}
    for name in file["t0_fields"]:
        dataset = file["t0_fields"][name]
        if dataset.attrs.get("time_varying", True) and dataset.attrs.get("sample_varying", True):
            fields[name] = _array(dataset)
    scalars = file.get("scalars", {})
    kept = {name: scalars[name] for name in scalars if isinstance(scalars[name], h5py.Dataset)}
    found = {name: float(plain_values(d)[()]) for name, d in kept.items() if d.shape == () and d.dtype.kind in "iuf"}
    return Foreign("The Well", _array(dimensions["time"]), axes, fields, found)


def _pdebench_tensor(file: h5py.File) -> Foreign:
    """1-D sets: /tensor (sample, time, x), /t-coordinate with one entry more than there are times, /x-coordinate."""
    tensor = _array(file["tensor"])
    axes = [_array(file[f"{name}-coordinate"]) for name in "xyz" if f"{name}-coordinate" in file]
    if tensor.ndim == len(axes) + 1:  # Darcy: (sample, x, y) of a steady solution
        tensor = tensor[:, None]
    if tensor.ndim != len(axes) + 2 and tensor.shape[1] == 1:
        tensor = tensor[:, 0]
    times = _array(file["t-coordinate"])[: tensor.shape[1]] if "t-coordinate" in file else np.zeros(tensor.shape[1])
    numbers = {k: float(v) for k, v in file.attrs.items() if np.ndim(v) == 0 and isinstance(v, (float, np.floating))}
    return Foreign("PDEBench", times, tuple(axes), {"tensor": tensor}, numbers)


def _pdebench_groups(file: h5py.File) -> Foreign:
    """Sets with one group a sample: NAME/data (time, *grid, channel), NAME/grid/t, x, …"""
    groups = [file[key] for key in sorted(file) if isinstance(file[key], h5py.Group) and "data" in file[key]]
    grid = groups[0]["grid"]
    if not isinstance(grid, h5py.Group):
        raise UsageError(f"{grid.name} is not a group.")
    axes = tuple(_array(grid[name]) for name in "xyz" if name in grid)
    members = [_array(group["data"]) for group in groups]
    spend(2 * sum(array.nbytes for array in members), "members and channels of the file, put together")
    stacked = np.stack(members)
    fields = {f"channel{i}": np.ascontiguousarray(stacked[..., i]) for i in range(stacked.shape[-1])}
    return Foreign("PDEBench", _array(grid["t"]), axes, fields, {})


def require_imported(family: Family) -> None:
    """Raise UsageError unless the family's data come from files of others."""
    if not family.imported:
        maker = family.description.maker.solver
        raise UsageError(f"the data of {family.name} are made by {maker}; a family of files says solver 'file'.")


def import_file(
    path: str | Path, family: Family, split: str, root: str | Path, names: dict[str, str] | None = None
) -> Dataset:
    """The file's first members as a split of an imported family, as many as the family says.

    names: the file's field for a field or coefficient of the family, where they differ. Raises UsageError where
    times, grid, fields or number of members are not the family's.
    """
    d, count = family.description, family.split(split).count
    require_imported(family)
    foreign = read_foreign(path)
    names = dict(names or {})
    if len(foreign.values) == 1 and len(d.fields) == 1:
        names.setdefault(d.fields[0], next(iter(foreign.values)))
    example = family.draw(split, 0)
    found = {name: _chosen(foreign, names.get(name, name), name, family) for name in (*d.fields, *d.given)}
    if not d.axes:  # such files have an axis of one point where there are none
        found = {name: a[..., 0] if a.ndim == 3 and a.shape[2] == 1 else a for name, a in found.items()}
    values = {name: found[name] for name in d.fields}
    given = {name: found[name][:, 0] for name in d.given}
    _check_grid(foreign, family, split, values)
    if len(values[d.fields[0]]) < count:
        raise UsageError(f"the file has {len(values[d.fields[0]])} members, {family.name}, {split}, wants {count}.")
    members = [
        family.filled(split, {n: v[i, 0] for n, v in values.items()}, {n: v[i] for n, v in given.items()})
        for i in range(count)
    ]
    with Path(path).open("rb") as file:
        key = file_digest(file, "sha256").hexdigest()
    about = {"origin": {"form": foreign.form, "file": Path(path).name, "sha256": key}}
    place = folder(Path(root), family, split)
    for first in range(0, count, MEMBERS):
        part = slice(first, min(first + MEMBERS, count))
        error = np.full((part.stop - first, len(example.grid.times)), np.nan)
        kept = {name: array[part] for name, array in values.items()}
        write_shard(shard_path(place, family, first), family, split, first, members[part], kept, error, about)
    return Dataset.read(root, family, split, count)


def _chosen(foreign: Foreign, name: str, wanted: str, family: Family) -> Array:
    if name not in foreign.values:
        raise UsageError(
            f"{family.name} has {wanted!r}, the file {', '.join(sorted(foreign.values))}; say which with"
            f" --field {wanted}=NAME."
        )
    return foreign.values[name]


def _check_grid(foreign: Foreign, family: Family, split: str, values: dict[str, Array]) -> None:
    """Raise UsageError unless times, shape and coordinates are the family's."""
    example, times = family.draw(split, 0), family.times(split)
    shape = (len(times), *example.grid.shape)
    for array in values.values():
        if array.shape[1:] != shape:
            raise UsageError(
                f"members of {family.name}, {split}, have shape {shape} (time, grid), the file's {array.shape[1:]}."
            )
    if not np.allclose(foreign.times - foreign.times[0], times, atol=1e-5 * max(1.0, times[-1])):
        raise UsageError(f"the file's times {foreign.times[0]:g} … {foreign.times[-1]:g} are not those of {split}.")
    for axis, points in zip(example.grid.axes, foreign.axes if example.grid.axes else (), strict=True):
        step = axis.points()[1] - axis.points()[0]
        if len(points) != axis.size or not np.allclose(np.diff(points), step, rtol=1e-3):
            raise UsageError(f"the file's coordinate {axis.name} is not {axis.size} points with steps of {step:g}.")
