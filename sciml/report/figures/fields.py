"""Side by side: the reference, what solvers found, and where they are wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...evidence import Evidence
from ...problem import Array
from ..entries import Entry
from ..words import number
from .images import ERROR, FIELD, ONE_SIGN, gradient, indices, png, thinned
from .svg import INK, as_svg, colour, new_figure, settings

MOST_SHOWN = 3  # solvers beside the reference
DECADES = 10.0  # of an error map, at most
MOST_FIELDS = 2
MOST_SAMPLES = 600  # of a line

Pairs = Sequence[tuple[Entry, Evidence]]


@dataclass(frozen=True)
class Panel:
    caption: str
    source: str


@dataclass(frozen=True)
class Gallery:
    """Pictures with one scale of colours. tall: height over width of each."""

    title: str
    panels: tuple[Panel, ...]
    low: str
    high: str
    colours: str
    tall: float
    across: str
    up: str
    beside: bool = False  # below other pictures, the first of which is the reference's


def worth_seeing(pairs: Pairs) -> list[tuple[Entry, Evidence]]:
    """The best classical and the best other, then the next best, as far as there are values; in the ranking's order."""
    seen = [pair for pair in pairs if pair[1].found]
    firsts = [next((p for p in seen if p[0].classical is kind), None) for kind in (True, False)]
    chosen = [pair for pair in firsts if pair is not None]
    chosen += [pair for pair in seen if pair not in chosen]
    return sorted(chosen[:MOST_SHOWN], key=lambda pair: pair[0].number)


def galleries(pairs: Pairs) -> list[Gallery]:
    """Of fields in one dimension and time, or in two: at the last time that all reached."""
    shown = worth_seeing(pairs)
    if not shown or len(shown[0][1].axes) not in (1, 2) or (len(shown[0][1].axes) == 1 and _steady(shown[0][1])):
        return []
    found = []
    first = shown[0][1]
    for name in [n for n in first.found if all(n in v.found for _, v in shown)][:MOST_FIELDS]:
        exact = first.exact.get(name)
        place = _last_common(shown, name)
        values = {"reference": exact} if exact is not None else {}
        values |= {f"{e.number} {e.label}": v.found[name] for e, v in shown}
        flat = {label: _plane(array, first, place) for label, array in values.items()}
        found.append(_gallery(_title(name, first, place), flat, first))
        if exact is not None:
            true = flat.pop("reference")
            errors = {k: np.log10(np.maximum(np.abs(a - true), 1e-18)) for k, a in flat.items()}
            found.append(_errors(name, errors, first))
    return found


def _steady(evidence: Evidence) -> bool:
    return evidence.times is None or len(evidence.times) == 1


def _last_common(shown: Pairs, name: str) -> int:
    known = [np.nonzero(np.isfinite(v.found[name]).reshape(len(v.found[name]), -1).all(1))[0] for _, v in shown]
    return int(min((k[-1] if len(k) else 0) for k in known))


def _plane(values: Array, evidence: Evidence, place: int) -> Array:
    """(up, across): of one axis over time, of two at one time."""
    return thinned(values.T if len(evidence.axes) == 1 else values[place])


def _title(name: str, evidence: Evidence, place: int) -> str:
    if len(evidence.axes) == 1 or _steady(evidence) or evidence.times is None:
        return name
    return f"{name} at t = {evidence.times[place]:.4g}"


def _gallery(title: str, flat: Mapping[str, Array], evidence: Evidence) -> Gallery:
    scale = flat["reference"] if "reference" in flat else next(iter(flat.values()))
    low, high = float(np.nanmin(scale)), float(np.nanmax(scale))
    if low < 0 < high:
        high = max(-low, high)
        low = -high
    colours = FIELD if low < 0 < high else ONE_SIGN
    panels = tuple(Panel(label, png(indices(a, low, high), colours)) for label, a in flat.items())
    return Gallery(title, panels, number(low), number(high), gradient(colours), *_frame(evidence))


def _errors(name: str, flat: Mapping[str, Array], evidence: Evidence) -> Gallery:
    known = np.concatenate([a[np.isfinite(a)].ravel() for a in flat.values()])
    high = float(np.ceil(known.max())) if known.size else 0.0
    low = max(float(np.floor(np.quantile(known, 0.02))) if known.size else -1.0, high - DECADES)
    low = min(low, high - 1)
    panels = tuple(Panel(label, png(indices(a, low, high), ERROR)) for label, a in flat.items())
    return Gallery(f"|error| of {name}", panels, f"1e{low:g}", f"1e{high:g}", gradient(ERROR), *_frame(evidence), True)


def _frame(evidence: Evidence) -> tuple[float, str, str]:
    axes = evidence.axes
    if len(axes) == 1:
        return 0.62, "t", axes[0].name
    return min(max(axes[0].length / axes[1].length, 0.4), 1.4), axes[1].name, axes[0].name


def draw_lines(pairs: Pairs, lyapunov: float, name: str) -> str | None:
    """Where a picture of colours says less than a line: ODEs over time, steady fields on one axis."""
    shown = worth_seeing(pairs)
    if not shown:
        return None
    first = shown[0][1]
    still = len(first.axes) == 1 and _steady(first)
    if first.times is None or not (still or not first.axes):
        return None
    x = first.axes[0].points() if still else first.times
    label = first.axes[0].name if still else "t"
    if not still and lyapunov > 0:
        x = x[x <= x[0] + 25 / lyapunov]
    with settings():
        names = list(first.found)[:MOST_FIELDS]
        figure, panels = new_figure(len(names), width=10 / len(names), height=2.9)
        step = slice(None, len(x), max(1, len(x) // MOST_SAMPLES))
        for panel, field in zip(panels, names, strict=True):
            if field in first.exact:
                exact = first.exact[field][0] if still else first.exact[field]
                panel.plot(x[step], exact[step], color=INK, lw=3, alpha=0.3, label="reference")
            for entry, evidence in shown:
                values = evidence.found[field][0] if still else evidence.found[field]
                style = "-" if entry.classical else (0, (5, 1.5))
                paint = colour(entry.number - 1)
                panel.plot(x[step], values[step], ls=style, lw=1.2, color=paint, label=f"{entry.number} {entry.label}")
            panel.set(xlabel=label, title=field)
        panels[0].legend(fontsize=8.5, loc="best")
        return as_svg(figure, name, f"{', '.join(names)} over {label}")
