"""The optimum's value with its own error. Opened by scoring and by people, never by a solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import h5py
import numpy as np
from pydantic import TypeAdapter, ValidationError

from ..errors import UsageError
from ..files.hdf5 import opened, read_json, write_json


@dataclass(frozen=True)
class TransportReference:
    """value: of the entropic optimum, <C, P> + eps KL(P | r⊗c); cost: <C, P> there; error: relative, of the value,
    certified by bounds from both sides. exact, exact_error: the least <C, P> without entropy, where it was computed.
    method: how it was made. checks: label -> relative disagreement of another computation."""

    value: float
    cost: float
    error: float
    method: str
    exact: float | None = None
    exact_error: float | None = None
    checks: Mapping[str, float] = field(default_factory=dict)


_KNOWN = TypeAdapter(TransportReference)


def write_reference(group: h5py.Group, reference: TransportReference) -> None:
    write_json(group.create_group("reference"), "about", asdict(reference))


def read_reference(path: str | Path) -> TransportReference | None:
    """The reference in a problem file, or None. Raises UsageError where it is damaged."""
    with opened(Path(path)) as file:
        if "reference" not in file["sciml"]:
            return None
        try:
            found = _KNOWN.validate_python(read_json(file["sciml"]["reference"]["about"]))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise UsageError(f"/sciml/reference/about, {where}: {first['msg']}.") from None
        numbers = [found.value, found.cost, found.error, found.exact or 0.0, found.exact_error or 0.0]
        if not np.isfinite(numbers).all():
            raise UsageError("the reference contains NaN or infinity.")
        return found
