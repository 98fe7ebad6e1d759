"""Reference values with their own error. Opened by scoring and by people, never by a solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from ..errors import UsageError
from ..files.hdf5 import opened, read_array, read_json, write_json
from ..files.layout import read_fields
from ..problem import Array, Problem


@dataclass(frozen=True)
class Reference:
    """values: (times, *grid) by field. error: relative L2 over space and time by field, the largest
    disagreement between the independent computations in `checks`. error_over_time: (times,) by field.
    method: how it was made, in a sentence or two."""

    values: Mapping[str, Array]
    error: Mapping[str, float]
    error_over_time: Mapping[str, Array]
    method: str
    checks: Mapping[str, float] = field(default_factory=dict)


def write_reference(group: h5py.Group, reference: Reference) -> None:
    """Everything but the values, which are the file's public fields."""
    about = group.create_group("reference")
    text = {"method": reference.method, "error": dict(reference.error), "checks": dict(reference.checks)}
    write_json(about, "about", text)
    for name, series in sorted(reference.error_over_time.items()):
        about.create_dataset(f"error_over_time/{name}", data=series)


def read_reference(path: str | Path, problem: Problem) -> Reference | None:
    """The reference in a problem file, or None. Raises UsageError where it is damaged."""
    with opened(Path(path)) as file:
        if "reference" not in file["sciml"]:
            return None
        group = file["sciml"]["reference"]
        about = read_json(group["about"])
        values = read_fields(file, problem)
        missing = set(problem.equation.fields) - set(values)
        if missing:
            raise UsageError(f"the reference has no values for {sorted(missing)[0]!r}.")
        if not all(np.isfinite(array).all() for array in values.values()):
            raise UsageError("the reference contains NaN or infinity.")
        over_time = {name: read_array(group["error_over_time"][name]) for name in group["error_over_time"]}
        error = {name: float(about["error"][name]) for name in values}
        return Reference(values, error, over_time, str(about["method"]), dict(about["checks"]))
