"""Damage that knows HDF5: entries missing or of another kind, absurd shapes, bombs, links, data kept elsewhere."""

from __future__ import annotations

import json
import random
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from value_damage import as_json, changed

SHAPES = ((), (0,), (1,), (3,), (2, 2), (2, 0), (1, 1, 1, 1), (7, 5, 3))
DTYPES = ("f8", "f4", "i4", "u1", ">f8", "c16", "bool", "S9")
ABSURD = ((2**40,), (2**27,), (2**62,), (2**31, 2**31), (1, 2**33), (2**20, 2**20))


def damage(rng: random.Random, path: Path) -> str:
    """Change the file in place, once or twice; what was done last."""
    done = ""
    with h5py.File(path, "r+") as file:
        for _ in range(rng.choice((1, 1, 2))):
            places: list[str] = []
            file.visit(places.append)
            action = rng.choice(ACTIONS)
            try:
                action(rng, file, _interesting(rng, places))
            except Exception:  # it does not fit this place; whatever it has done so far is damage enough
                continue
            done = action.__name__
    return done


def _interesting(rng: random.Random, places: list[str]) -> str:
    """Mostly what is read: /sciml and the fields."""
    read = [place for place in places if place.startswith(("sciml", "t0_fields"))] or places
    return rng.choice(read if rng.random() < 0.85 else places)


def _replace(file: h5py.File, place: str, value: Any, **more: Any) -> None:
    del file[place]
    file.create_dataset(place, data=value, **more)


def json_value(rng: random.Random, file: h5py.File, place: str) -> None:
    texts = [f"sciml/{name}" for name in ("problem", "family", "transport", "run", "shard") if f"sciml/{name}" in file]
    texts += [name for name in ("sciml/reference/about",) if name in file]
    chosen = rng.choice(texts)
    text = as_json(rng, changed(rng, json.loads(file[chosen].asstr()[()])))
    _replace(file, chosen, np.bytes_(text.encode()))


def missing(rng: random.Random, file: h5py.File, place: str) -> None:
    del file[place]


def other_array(rng: random.Random, file: h5py.File, place: str) -> None:
    dtype = rng.choice(DTYPES)
    array = np.zeros(rng.choice(SHAPES), dtype)
    if dtype in ("f8", "f4") and array.size and rng.random() < 0.5:
        array.reshape(-1)[0] = rng.choice((np.nan, np.inf, -1.0, 1e30))
    _replace(file, place, array)


def same_array_changed(rng: random.Random, file: h5py.File, place: str) -> None:
    array = np.asarray(file[place][()])
    flat = array.reshape(-1).copy()
    match rng.randrange(4):
        case 0:
            flat = flat[: rng.randrange(len(flat) + 1)]
        case 1:
            flat[rng.randrange(len(flat))] = rng.choice((np.nan, np.inf, -np.inf, -1, 1e300))
        case 2:
            flat = flat.astype(rng.choice(("f4", ">f8", "i8", "c16")))
        case 3:
            flat = np.concatenate([flat, flat])
    _replace(file, place, flat.reshape(array.shape) if flat.size == array.size else flat)


def other_kind(rng: random.Random, file: h5py.File, place: str) -> None:
    del file[place]
    match rng.randrange(5):
        case 0:
            file.create_group(place)
        case 1:
            file[place] = np.dtype("f8")
        case 2:
            file[place] = h5py.Empty("f8")
        case 3:
            file.create_dataset(place, data=["ä", "b" * 1000], dtype=h5py.string_dtype())
        case 4:
            file[place] = np.zeros(3, np.dtype([("a", "f8"), ("b", "i4", (2,))]))


def attribute(rng: random.Random, file: h5py.File, place: str) -> None:
    owner = file["sciml"] if rng.random() < 0.5 else file[place]
    names = list(owner.attrs) or ["schema"]
    name = rng.choice(names)
    if rng.random() < 0.2:
        owner.attrs.pop(name, None)
        return
    values = (0, -1, 10**9, 1e300, np.nan, "text", np.zeros(500), np.zeros((2, 2)), h5py.Empty("i8"), [b"a", b"b"],
              np.uint64(2**64 - 1), True, np.array(["ü"], h5py.string_dtype()), file["sciml"].ref)  # fmt: skip
    owner.attrs[name] = rng.choice(values)


def link(rng: random.Random, file: h5py.File, place: str) -> None:
    del file[place]
    file[place] = rng.choice((
        h5py.SoftLink("/nowhere"), h5py.SoftLink("/" + place), h5py.SoftLink("/"), h5py.SoftLink("/sciml"),
        h5py.ExternalLink("/dev/zero", "/"), h5py.ExternalLink(file.filename, "/"), h5py.ExternalLink("/etc/passwd", "/u"),
    ))  # fmt: skip


def cycle(rng: random.Random, file: h5py.File, place: str) -> None:
    """Hard links: a group inside itself, one dataset under many names."""
    match rng.randrange(3):
        case 0:
            file["sciml/again"] = file["/"]
        case 1:
            for i in range(rng.choice((5, 300))):
                file[f"sciml/initial/u{i}"] = file[place]
        case 2:
            group = file["sciml"]
            for _ in range(200):
                group = group.create_group("deeper")


def absurd_shape(rng: random.Random, file: h5py.File, place: str) -> None:
    del file[place]
    shape = rng.choice(ABSURD)
    chunks = tuple(min(n, 1024) for n in shape) if rng.random() < 0.8 else None
    packed = {"compression": "gzip", "fillvalue": rng.choice((0.0, 1.5))} if chunks else {}
    file.create_dataset(place, shape, rng.choice(("f8", "f8", "u1", "S100")), chunks=chunks, **packed)


def bomb(rng: random.Random, file: h5py.File, place: str) -> None:
    """A stored chunk that inflates to far more than a chunk holds, or an array of zeros that packs a thousand times."""
    del file[place]
    if rng.random() < 0.5:
        dataset = file.create_dataset(place, (64,), "f8", chunks=(64,), compression="gzip", shuffle=rng.random() < 0.5)
        dataset.id.write_direct_chunk((0,), zlib.compress(bytes(rng.choice((513, 10**6, 5 * 10**7))), 9))
    else:
        n = rng.choice((10**5, 10**6))
        dataset = file.create_dataset(place, (1000 * n,), "f8", chunks=(n,), compression="gzip", shuffle=True)
        packed = zlib.compress(bytes(8 * n), 1)
        for at in range(0, rng.choice((4, 50)) * n, n):
            dataset.id.write_direct_chunk((at,), packed)


def long_text(rng: random.Random, file: h5py.File, place: str) -> None:
    """A text that claims to be gigabytes long."""
    del file[place]
    kind = h5py.string_dtype("utf-8", rng.choice((2 * 10**6, 2**31 - 1)))
    space, kept = h5py.h5s.create(h5py.h5s.SCALAR), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    kept.set_alloc_time(h5py.h5d.ALLOC_TIME_LATE)
    h5py.h5d.create(file.id, place.encode(), h5py.h5t.py_create(kind, logical=True), space, kept)


def kept_elsewhere(rng: random.Random, file: h5py.File, place: str) -> None:
    """In another file: raw, or mirrored."""
    shape = file[place].shape or (4,)
    del file[place]
    if rng.random() < 0.5:
        name = rng.choice(("/dev/zero", "/etc/passwd", "/dev/stdin", "/nowhere"))
        file.create_dataset(place, shape, "f8", external=[(name, 0, h5py.h5f.UNLIMITED)])
    else:
        layout = h5py.VirtualLayout(shape, "f8")
        layout[...] = h5py.VirtualSource(rng.choice(("/dev/zero", ".", "/nowhere.h5", file.filename)), place, shape)
        file.create_virtual_dataset(place, layout, fillvalue=1.0)


def filtered(rng: random.Random, file: h5py.File, place: str) -> None:
    array = np.zeros((16, 16))
    del file[place]
    more = rng.choice(({"compression": "lzf"}, {"fletcher32": True}, {"scaleoffset": 3}, {"maxshape": (None, None)}))
    file.create_dataset(place, data=array, chunks=(5, 7), **more)


def crowd(rng: random.Random, file: h5py.File, place: str) -> None:
    group = file.require_group(rng.choice(("sciml/initial", "sciml/history", "sciml", "sciml/given")))
    for i in range(rng.choice((20, 20, 300))):
        group.create_dataset(f"n{i}", data=0.0)


ACTIONS = (
    json_value, json_value, json_value, json_value, missing, other_array, same_array_changed, same_array_changed, other_kind,
    attribute, link, cycle, absurd_shape, bomb, long_text, kept_elsewhere, filtered, crowd,
)  # fmt: skip
