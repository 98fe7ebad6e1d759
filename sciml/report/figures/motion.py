"""A short animation as data for the page's own few lines of script: lines that move, a path, or a strip of pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...evidence import Evidence
from ...problem import Array
from ..entries import Entry
from .fields import worth_seeing
from .images import FIELD, ONE_SIGN, indices, png, thinned

FRAMES, POINTS = 48, 160
PATH = 1200  # samples of a trajectory
STRIP_FRAMES = 20
STRIP_SIDES = (110, 80, 56, 40)  # of a picture in a strip: the largest that fits
HORIZON = 30  # Lyapunov times of a trajectory that are shown

Pairs = Sequence[tuple[Entry, Evidence]]


def motion(pairs: Pairs, lyapunov: float, most_bytes: int) -> dict[str, Any] | None:
    """None where nothing moves, or it would not fit."""
    shown = worth_seeing(pairs)
    if not shown or shown[0][1].times is None or len(shown[0][1].times) < 3 or len(shown[0][1].axes) > 2:
        return None
    first = shown[0][1]
    name = next(iter(first.found))
    make = (_path, _profile, _strip)[len(first.axes)]
    series: list[tuple[str, str, dict[str, Array]]] = []
    if name in first.exact:
        series.append(("reference", "--ink", dict(first.exact)))
    series += [(f"{e.number} {e.label}", f"--c{(e.number - 1) % 8}", dict(v.found)) for e, v in shown]
    found = make(series, first, name, lyapunov, most_bytes)
    return found if found is not None and size(found) <= most_bytes else None


def size(data: dict[str, Any]) -> int:
    return sum(len(part.get(key, "")) for part in data["series"] for key in ("data", "source"))


def _packed(values: Array, low: float, high: float) -> str:
    """Sixteen bits a number, little-endian, in base 64; 65535 is what is missing."""
    level = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1) * 65534
    whole = np.where(np.isfinite(values), np.rint(np.nan_to_num(level)), 65535).astype("<u2")
    return base64.b64encode(whole.tobytes()).decode()


def _range(arrays: Sequence[Array]) -> tuple[float, float]:
    """Of the first, which is the reference where there is one, with some room."""
    low, high = float(np.nanmin(arrays[0])), float(np.nanmax(arrays[0]))
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def _profile(
    series: list[tuple[str, str, dict[str, Array]]], evidence: Evidence, name: str, lyapunov: float, most: int
) -> dict[str, Any]:
    """u(x) at FRAMES times."""
    times = evidence.times
    assert times is not None
    chosen = np.unique(np.linspace(0, len(times) - 1, FRAMES).astype(int))
    step = max(1, -(-evidence.axes[0].size // POINTS))
    arrays = [fields[name][chosen][:, ::step] for _, _, fields in series]
    low, high = _range(arrays)
    return {
        "kind": "profile", "times": [round(float(t), 6) for t in times[chosen]], "points": arrays[0].shape[1],
        "across": evidence.axes[0].name, "up": name,
        "series": [
            {"label": label, "colour": paint, "data": _packed(a, low, high)}
            for (label, paint, _), a in zip(series, arrays, strict=True)
        ],
    }  # fmt: skip


def _path(
    series: list[tuple[str, str, dict[str, Array]]], evidence: Evidence, name: str, lyapunov: float, most: int
) -> dict[str, Any]:
    """The first field against the last; of one field against time."""
    times = evidence.times
    assert times is not None
    end = times[0] + HORIZON / lyapunov if lyapunov > 0 else times[-1]
    count = int(np.searchsorted(times, end, side="right"))
    chosen = np.unique(np.linspace(0, count - 1, min(PATH, count)).astype(int))
    last = list(evidence.found)[-1]
    alone = last == name
    xs = [np.asarray(times if alone else fields[name])[chosen] for _, _, fields in series]
    ys = [fields[last][chosen] for _, _, fields in series]
    (x_low, x_high), (y_low, y_high) = _range(xs), _range(ys)
    return {
        "kind": "path", "times": [round(float(t), 6) for t in times[chosen]], "points": len(chosen),
        "across": "t" if alone else name, "up": last,
        "series": [
            {"label": label, "colour": paint, "data": _packed(x, x_low, x_high) + "|" + _packed(y, y_low, y_high)}
            for (label, paint, _), x, y in zip(series, xs, ys, strict=True)
        ],
    }  # fmt: skip


def _strip(
    series: list[tuple[str, str, dict[str, Array]]], evidence: Evidence, name: str, lyapunov: float, most: int
) -> dict[str, Any] | None:
    """Pictures of one size below each other, one picture a time."""
    times = evidence.times
    assert times is not None
    chosen = np.unique(np.linspace(0, len(times) - 1, STRIP_FRAMES).astype(int))
    scale = series[0][2][name][chosen]
    low, high = float(np.nanmin(scale)), float(np.nanmax(scale))
    colours = FIELD if low < 0 < high else ONE_SIGN
    if colours == FIELD:
        high = max(-low, high)
        low = -high
    for side in STRIP_SIDES:
        parts = []
        for label, paint, fields in series:
            frames = [indices(thinned(fields[name][i], side), low, high) for i in chosen]
            parts.append({"label": label, "colour": paint, "source": png(np.concatenate(frames), colours)})
        found = {
            "kind": "strip", "times": [round(float(t), 6) for t in times[chosen]], "points": 0,
            "across": evidence.axes[1].name, "up": evidence.axes[0].name, "series": parts,
            "tall": evidence.axes[0].length / evidence.axes[1].length,
        }  # fmt: skip
        if size(found) <= most:
            return found
    return None
