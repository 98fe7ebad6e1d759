"""Reading HDF5 files that may be damaged, foreign or hostile: bounded sizes, and one sentence for what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..errors import ScimlError, UsageError
from ..problem import Array
from .bounds import bounded_by, spend
from .plain import require_own_links, values
from .regular import require_regular

SCHEMA = 5  # 2: balls; 3: given coefficients, families; 4: stochastic, families with noise or no axes; 5: transport
MAX_JSON = 1_000_000
_DAMAGE = (
    OSError, LookupError, ArithmeticError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError,
)  # fmt: skip


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open for reading; anything that goes wrong inside becomes one sentence naming the file."""
    size = require_regular(path)
    with sound(path):
        if not h5py.is_hdf5(path):
            raise UsageError(f"{path}: not an HDF5 file; make one with `sciml new SPEC.toml`.")
        with bounded_by(size), h5py.File(path, "r") as file:
            require_own_links(file)
            yield file


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Inside, only what a file holds is read or told: what goes wrong is the file's fault, and said in one sentence."""
    try:
        yield
    except ScimlError as error:
        text = str(error)
        raise type(error)(text if text.startswith(str(path)) else f"{path}: {text}") from None
    except PermissionError:
        raise UsageError(f"{path}: you may not read this file.") from None
    except _DAMAGE as error:
        detail = str(error).strip("'\"").strip().splitlines()[0] if str(error).strip("'\" \n") else type(error).__name__
        raise UsageError(f"{path}: damaged, truncated or incomplete ({detail}).") from error


def check_schema(file: h5py.File) -> h5py.Group:
    """The /sciml group, if this version can read it."""
    if "sciml" not in file or "schema" not in file["sciml"].attrs:
        raise UsageError("an HDF5 file, but not one of sciml's (no /sciml group).")
    schema = int(read_number(file["sciml"], "schema"))
    if schema > SCHEMA:
        raise UsageError(
            f"written by a newer sciml (schema {schema}, this one reads up to {SCHEMA}): upgrade sciml-toolkit."
        )
    if schema < 1:
        raise UsageError(f"schema {schema} does not exist; the file is damaged.")
    return file["sciml"]


def write_json(group: h5py.Group, name: str, data: Any) -> None:
    """JSON text of fixed length: HDF5 can loop for ever in a damaged heap of variable-length ones."""
    text = json.dumps(data, sort_keys=True, default=float).encode()
    group.create_dataset(name, data=np.array(text, dtype=h5py.string_dtype("utf-8", len(text))))


def read_json(dataset: h5py.Dataset) -> Any:
    """JSON text of bounded size."""
    if dataset.shape != () or dataset.dtype.kind != "S":
        raise UsageError(f"{dataset.name} is not a text.")
    if dataset.dtype.itemsize > MAX_JSON:
        raise UsageError(f"{dataset.name} is longer than {MAX_JSON} bytes.")
    text = bytes(values(dataset)[()]).decode()
    try:
        return json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise UsageError(f"{dataset.name} is not valid JSON.") from None


def read_array(dataset: h5py.Dataset) -> Array:
    """A float64 array of sane size."""
    if dataset.dtype != np.float64 or dataset.size > 2**28:
        raise UsageError(f"{dataset.name} is {dataset.dtype}{dataset.shape}; expected float64.")
    spend(8 * dataset.size, f"what {dataset.name} is checked by")  # differences, squares, whether all are finite
    return np.asarray(values(dataset), dtype=np.float64)


def read_number(owner: h5py.Group, name: str) -> float:
    """An attribute that is one number."""
    kept = owner.attrs.get_id(name)
    if kept.shape != () or kept.dtype.kind not in "iuf":
        raise UsageError(f"{owner.name}: the attribute {name!r} is {kept.dtype}{kept.shape}; expected a number.")
    return float(owner.attrs[name])
