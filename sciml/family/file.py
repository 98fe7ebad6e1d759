"""HDF5 <-> Family: schema-versioned JSON in /sciml/family. Its data are made by `sciml data`, not kept in it."""

from __future__ import annotations

import io
from pathlib import Path

import h5py

from ..errors import UsageError
from ..files.atomic import write_bytes
from ..files.hdf5 import check_schema, opened, read_json, write_json
from .family import Family

SCHEMA = 3  # of files with /sciml/family


def is_family(path: str | Path) -> bool:
    """Whether a file describes a family of problems (rather than one). Raises UsageError for other files."""
    with opened(Path(path)) as file:
        return "family" in file.get("sciml", {}) and "problem" not in file["sciml"]


def family_from(file: h5py.File) -> Family:
    """The family in an open family, data or result file."""
    return Family.parse(read_json(check_schema(file)["family"]))


def schema_of(family: Family) -> int:
    """The oldest schema that says all of it: older versions read what they can."""
    d = family.description
    return 3 if d.axes and not d.noise and not d.diffusion else 4


def read(path: str | Path) -> Family:
    """Raises UsageError for anything that is not a sound family file."""
    with opened(Path(path)) as file:
        if "family" not in file.get("sciml", {}):
            raise UsageError("describes one problem, not a family of them.")
        return family_from(file)


def write(path: str | Path, family: Family) -> None:
    """Write atomically. Same input, same bytes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["Conventions"] = "CF-1.11"
        file.attrs["title"] = family.description.title or family.name
        file.attrs["dataset_name"] = family.name
        group = file.create_group("sciml")
        group.attrs["schema"] = schema_of(family)
        write_json(group, "family", family.describe())
    write_bytes(Path(path), buffer.getvalue())
