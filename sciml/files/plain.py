"""What is believed of an HDF5 file: plain groups and plain arrays that lie in it, and nothing else.

Links that leave the file or are mere names, arrays kept in other files, mirrored from others or filled by a rule, and
filters other than ours are refused. Compressed chunks are inflated here, to the size that they must have and no
further: the library's own filters go on as long as the data say.
"""

from __future__ import annotations

import math
import os
import zlib
from itertools import product
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from .bounds import spend

MAX_LINKS, MAX_CHUNKS = 200_000, 1_000_000
_SCIML = (
    "initial", "given", "history", "reference", "reference/error_over_time", "ball", "ball/coefficients", "source",
    "target", "source/axes", "target/axes", "potentials", "plan",
)  # fmt: skip
_GROUPS = frozenset({"sciml", "t0_fields", "dimensions", "scalars", *(f"sciml/{name}" for name in _SCIML)})
_DEFLATE, _SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE


def require_own_links(file: h5py.File) -> None:
    """Raise UsageError unless every name in the file stands for something that lies in it, and is a group where one is
    expected: asked whether it contains a name, a dataset is searched entry by entry, and may claim any number of them.
    """
    seen: set[int] = set()
    todo: list[tuple[h5py.h5g.GroupID, str]] = [(file.id, "")]
    count, ours = 0, "sciml" in file
    while todo:
        group, path = todo.pop()
        names: list[tuple[bytes, int]] = []  # with the address
        odd: list[bytes] = []

        def note(name: bytes, info: Any, names: Any = names, odd: list[bytes] = odd) -> bool | None:
            if info.type == h5py.h5l.TYPE_HARD:
                names.append((name, info.u))
            else:
                odd.append(name)
            return True if odd or len(names) > MAX_LINKS else None  # anything but None ends it

        group.links.iterate(note, info=True)
        if odd:
            raise UsageError(f"its entry {odd[0].decode(errors='replace')!r} is a link, not data of the file.")
        count += len(names)
        if count > MAX_LINKS:
            raise UsageError(f"has more than {MAX_LINKS} entries.")
        for name, address in names:
            place = path + name.decode(errors="replace")
            if place not in _GROUPS and (address in seen or ours):  # what is not read is not opened
                continue
            found = h5py.h5o.open(group, name)
            if isinstance(found, h5py.h5g.GroupID) and address not in seen:
                todo.append((found, place + "/"))
            elif place in _GROUPS and not isinstance(found, h5py.h5g.GroupID):
                raise UsageError(f"its entry /{place} is not a group.")
            seen.add(address)


def values(dataset: h5py.Dataset, any_filter: bool = False) -> NDArray[Any]:
    """All of a dataset. Raises UsageError for one that is not plain, or takes more memory than its file may.

    any_filter: of files of others, the library unpacks what is packed by filters that are not ours.
    """
    kept = dataset.id.get_create_plist()
    layout, size = kept.get_layout(), dataset.size * dataset.dtype.itemsize
    if layout == h5py.h5d.VIRTUAL or kept.get_external_count():
        raise UsageError(f"{dataset.name} is kept outside the file.")
    if dataset.dtype.hasobject:
        raise UsageError(f"{dataset.name} is {dataset.dtype}{dataset.shape}; expected numbers.")
    spend(size, dataset.name)
    if layout != h5py.h5d.CHUNKED:
        if dataset.id.get_storage_size() < size:
            raise UsageError(f"{dataset.name} has the shape {dataset.shape}, and not the data for it.")
        return np.asarray(dataset[()])
    filters = [kept.get_filter(i)[0] for i in range(kept.get_nfilters())]
    if not set(filters) <= {_DEFLATE, _SHUFFLE}:
        if any_filter:
            return np.asarray(dataset[()])
        raise UsageError(f"{dataset.name} is packed by a filter that is not read here.")
    return _chunked(dataset, dataset.chunks, filters)


def _chunked(dataset: h5py.Dataset, chunk: tuple[int, ...], filters: list[int]) -> NDArray[Any]:
    """Every chunk must be there: what is not would be filled by a rule, at no cost to who writes the file."""
    shape, dtype = dataset.shape, dataset.dtype
    places = [range(0, n, step) for n, step in zip(shape, chunk, strict=True)]
    size = math.prod(chunk) * dtype.itemsize
    spend(2 * size, dataset.name)
    if math.prod(map(len, places)) > MAX_CHUNKS or dataset.id.get_num_chunks() != math.prod(map(len, places)):
        raise UsageError(f"{dataset.name} has the shape {shape}, and not the data for it.")
    room = os.fstat(dataset.file.id.get_vfd_handle()).st_size
    sizes: dict[tuple[int, ...], int] = {}  # asked for one by one, each chunk would be searched among all
    dataset.id.chunk_iter(lambda stored: sizes.update({stored.chunk_offset: stored.size}))
    found = np.empty(shape, dtype)
    for place in product(*places):
        if not 0 < sizes.get(place, 0) <= room:
            raise UsageError(f"{dataset.name} has the shape {shape}, and not the data for it.")
        mask, raw = dataset.id.read_direct_chunk(place)
        block = np.frombuffer(_unpacked(raw, size, mask, filters, dtype.itemsize), dtype).reshape(chunk)
        inside = tuple(slice(0, min(step, n - at)) for at, step, n in zip(place, chunk, shape, strict=True))
        found[tuple(slice(at, at + step) for at, step in zip(place, chunk, strict=True))] = block[inside]
    return found


def _unpacked(raw: bytes, size: int, mask: int, filters: list[int], width: int) -> bytes:
    """The `size` bytes of one chunk; bits of the mask say which filters were left out when it was written."""
    for index, kind in reversed(list(enumerate(filters))):
        if mask >> index & 1:
            continue
        if kind == _DEFLATE:
            try:
                raw = zlib.decompressobj().decompress(raw, size + 1)
            except zlib.error as error:
                raise UsageError(f"a part of it cannot be unpacked ({error}).") from None
        elif len(raw) == size:  # bytes of equal weight stand together
            raw = np.frombuffer(raw, np.uint8).reshape(width, -1).T.tobytes()
    if len(raw) != size:
        raise UsageError("a part of it is not of the size it must have.")
    return raw
