"""Lines: error over time with the Lyapunov time marked, and energy by wavenumber."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...evidence import Evidence
from ..entries import Entry
from .svg import FAINT, INK, SERIES, as_svg, colour, few_ticks, new_figure, settings

LOWEST = 1e-18
MOST_POINTS = 400
MOST_MARKS = 30  # Lyapunov times that are ruled one by one

Pairs = Sequence[tuple[Entry, Evidence]]


def draw_error(pairs: Pairs, lyapunov: float, name: str) -> str | None:
    """Of up to SERIES entries, whose curves measure the same thing over the same axis."""
    drawn = [(e, v, v.curve) for e, v in pairs if v.curve is not None][:SERIES]
    if not drawn:
        return None
    model = drawn[0][2]
    drawn = [part for part in drawn if (part[2].x_label, part[2].y_label) == (model.x_label, model.y_label)]
    with settings():
        figure, (panel,) = new_figure(width=5.6, height=3.6)
        low = np.inf
        for entry, _, curve in drawn:
            kept = slice(None, None, max(1, len(curve.x) // MOST_POINTS))
            y = np.maximum(curve.y[kept], LOWEST) if curve.log else curve.y[kept]
            style = "-" if entry.classical else (0, (5, 1.5))
            panel.plot(curve.x[kept], y, ls=style, color=colour(entry.number - 1), lw=1.5, label=_tag(entry))
            positive = y[np.isfinite(y) & (y > LOWEST)]
            low = min(low, float(positive.min()) if positive.size else low)
        floor = next((v.floor for _, v, _ in drawn if v.floor is not None), None)
        if floor is not None and model.log:
            panel.plot(floor.x, np.maximum(floor.y, LOWEST), ":", color=INK, lw=1.1, label=floor.y_label)
        if model.log:
            panel.set_yscale("log")
            panel.set_ylim(bottom=max(low / 5, LOWEST) if np.isfinite(low) else None)
        panel.set(xlabel=model.x_label)
        panel.set_title(model.y_label, loc="left")
        if lyapunov > 0 and model.x_label == "t":
            _lyapunov(panel, lyapunov, float(model.x[0]), float(model.x[-1]))
        panel.legend(fontsize=8.5, loc="best")
        return as_svg(figure, name, f"{model.y_label} over {model.x_label}")


def _tag(entry: Entry) -> str:
    return f"{entry.number} {entry.label if len(entry.label) < 34 else entry.label[:33] + '…'}"


def _lyapunov(axis: Any, rate: float, start: float, end: float) -> None:
    """A second axis in Lyapunov times, and a rule at each of them, where they are few."""
    count = (end - start) * rate
    axis.grid(visible=False, axis="x")
    for i in range(1, int(count) + 1) if count <= MOST_MARKS else ():
        axis.axvline(start + i / rate, color=FAINT, lw=1.1 if i > 1 else 1.8, zorder=0)
    above = axis.secondary_xaxis("top", functions=(lambda t: (t - start) * rate, lambda n: start + n / rate))
    above.set_xlabel(f"Lyapunov times (one is {1 / rate:.3g})")
    above.spines["top"].set_visible(True)


def draw_spectra(pairs: Pairs, name: str) -> str | None:
    """Mean energy by whole wavenumber, over the times reached; the reference is the thick line."""
    drawn = [(e, v.spectrum) for e, v in pairs if v.spectrum is not None][:SERIES]
    exact = next((v.exact_spectrum for _, v in pairs if v.exact_spectrum is not None), None)
    if not drawn:
        return None
    with settings():
        figure, (panel,) = new_figure(width=5.6, height=3.6)
        if exact is not None:
            panel.plot(_waves(exact), np.maximum(exact[1:], LOWEST**2), color=INK, lw=3, alpha=0.35, label="reference")
        tops = []
        for entry, energy in drawn:
            style = "-" if entry.classical else (0, (5, 1.5))
            panel.plot(
                _waves(energy), np.maximum(energy[1:], LOWEST**2), ls=style, lw=1.4, color=colour(entry.number - 1),
                label=_tag(entry),
            )  # fmt: skip
            tops.append(float(energy[1:].max()))
        panel.set(xscale="log", yscale="log", xlabel="wavenumber (periods)", ylabel="mean energy")
        few_ticks(panel, len(drawn[0][1]))
        every = [energy for _, energy in drawn] + ([] if exact is None else [exact])
        lowest = min(float(a[1:][a[1:] > 0].min(initial=1.0)) for a in every)
        panel.set_ylim(bottom=max(max(tops) * 1e-34, lowest / 3, 1e-40))
        panel.legend(fontsize=8.5, loc="best")
        return as_svg(figure, name, "energy by wavenumber")


def _waves(energy: np.ndarray) -> np.ndarray:
    return np.arange(1, len(energy))
