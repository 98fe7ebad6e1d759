"""Work–precision: error against time and against memory, one point a solver, numbered as in the ranking."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..entries import Entry
from ..intervals import Estimate
from .svg import FAINT, INK, as_svg, colour, few_ticks, new_figure, settings

LOWEST = 1e-17


def draw_work(entries: Sequence[Entry], trivial: dict[str, float], measure: str, name: str) -> tuple[str, ...]:
    """Classical solvers are discs, others diamonds; bars are intervals over seeds; points of one solver are joined.

    The reference's own error is a shaded band: points in it cannot be told apart. Baselines are dotted lines.
    """
    shown = [e for e in entries if e.error.known and e.seconds.known]
    if not shown:
        return ()
    drawn = []
    with settings():
        sides: list[tuple[str, Callable[[Entry], Estimate], float]] = [
            ("wall time of a run, s", lambda e: e.seconds, 1.0),
            ("peak memory, MB", lambda e: e.memory, 1e-6),
        ]  # fmt: skip
        for i, (label, of, scale) in enumerate(sides):
            figure, (panel,) = new_figure(width=5.2, height=3.7)
            _panel(panel, shown, of, scale)
            panel.set(xlabel=label, ylabel=measure, xscale="log", yscale="log")
            _marks(panel, shown, trivial)
            _room(panel, shown, of, scale)
            drawn.append(as_svg(figure, f"{name}{i}", f"{measure} against {label}"))
    return tuple(drawn)


def _panel(panel: Any, shown: Sequence[Entry], of: Callable[[Entry], Estimate], scale: float) -> None:
    solvers: dict[str, list[Entry]] = {}
    for entry in shown:
        solvers.setdefault(entry.first.solver, []).append(entry)
    for group in solvers.values():
        if len(group) > 1:
            group = sorted(group, key=lambda e: of(e).value)
            places = [(scale * of(e).value, max(e.error.value, LOWEST)) for e in group]
            panel.plot(*zip(*places, strict=True), color=FAINT, lw=1.2, zorder=1)
    for entry in shown:
        x, y = of(entry), entry.error
        paint = colour(entry.number - 1)
        at = (scale * x.value, max(y.value, LOWEST))
        across = [[max(at[0] - scale * x.low, 0.0)], [max(scale * x.high - at[0], 0.0)]]
        down = [[at[1] - max(y.low, 0.05 * at[1])], [max(y.high - at[1], 0.0)]]
        panel.errorbar(*at, xerr=across, yerr=np.maximum(down, 0.0), color=paint, lw=1, capsize=2, zorder=2)
        panel.plot(*at, "o" if entry.classical else "D", color=paint, ms=9 if entry.classical else 8, zorder=3)
        panel.annotate(str(entry.number), at, xytext=(7, 5), textcoords="offset points", fontsize=9, zorder=4)


def _marks(panel: Any, shown: Sequence[Entry], trivial: dict[str, float]) -> None:
    floor = max(entry.floor for entry in shown)
    if floor > 0:
        panel.axhspan(LOWEST, 2 * floor, color=FAINT, alpha=0.5, lw=0, zorder=0)
        panel.axhline(floor, color=INK, lw=0.8, ls="--", zorder=0)
        _name(panel, "reference floor", 1.0, floor, ha="right")
    for i, (label, error) in enumerate(trivial.items()):  # labels side by side: the lines may be close
        panel.axhline(error, color=INK, lw=0.8, ls=":", zorder=0)
        _name(panel, label, 0.01 + 0.25 * i, error, ha="left")


def _name(panel: Any, text: str, across: float, y: float, ha: str) -> None:
    """Of a line; left out with the line where that is beyond the picture."""
    placed = panel.annotate(
        text, (across, y), xycoords=("axes fraction", "data"), ha=ha, va="bottom", fontsize=8, annotation_clip=True,
        xytext=(0, 1), textcoords="offset points",
    )  # fmt: skip
    placed.set_in_layout(False)


def _room(panel: Any, shown: Sequence[Entry], of: Callable[[Entry], Estimate], scale: float) -> None:
    """Some room around the points: at least a decade of time, at most down to a tenth of the floor."""
    values = [scale * of(entry).value for entry in shown]
    low, high = min(values), max(values)
    middle, half = math.sqrt(low * high), max(math.sqrt(high / low) * 1.8, 3.2 if scale == 1.0 else 1.6)
    panel.set_xlim(middle / half, middle * half)
    few_ticks(panel, half * half)
    errors = [max(entry.error.value, LOWEST) for entry in shown]
    floors = [entry.floor for entry in shown if entry.floor > 0]
    panel.set_ylim(min(errors + floors) / 5, max(*errors, 1e-300) * 6)
    bottom, top = panel.get_ylim()
    if top / bottom < 1e3:
        panel.set_ylim(bottom / 5, top * 5)
