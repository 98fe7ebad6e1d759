"""PNG pictures of a family's result: its first member, correlation over time, spectra."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from ..files.ensemble import EnsembleResult
from ..problem import Array
from .trajectories import draw_trajectories

THRESHOLD = 0.8


def draw_family(result: EnsembleResult) -> bytes:
    """The figure as PNG bytes: first member as it is and as it was found, their difference, and what all members have
    to say: correlations with the reference (an evolution) and spectra (periodic axes). Without axes: trajectories."""
    if not result.family.description.axes:
        return draw_trajectories(result)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    exact, found = result.history["exact"], result.history["found"]
    extra = [draw for key, draw in (("correlation", _correlation), ("spectrum", _spectrum)) if key in result.history]
    figure = Figure(figsize=(4.2 * (3 + len(extra)), 3.8), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{result.family.description.title or result.family.name} · {result.solver} · {result.count} members"
    )
    panels = figure.subplots(1, 3 + len(extra))
    _member(figure, panels[:3], result, exact, found)
    for draw, panel in zip(extra, panels[3:], strict=True):
        draw(panel, result)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _member(figure: Any, panels: Any, result: EnsembleResult, exact: Array, found: Array) -> None:
    """Space-time of one dimension, the last time of two."""
    line = exact.ndim == 2
    shown = [a.T if line else a[-1] for a in (exact, found, found - exact)]
    limit, last = float(np.abs(exact).max()) or 1.0, result.times[-1]
    moving = exact.shape[0] > 1
    titles = ("reference, member 0", f"{result.solver}, member 0", "difference")
    for panel, values, title in zip(panels, shown, titles, strict=True):
        size = limit if title != "difference" else float(np.abs(values).max()) or 1.0
        low = -size if exact.min() < 0 or title == "difference" else 0.0
        colours = "RdBu_r" if low < 0 else "viridis"
        across = (0.0, last, 0.0, 1.0) if line else (0.0, 1.0, 0.0, 1.0)
        image = panel.imshow(
            values, origin="lower", aspect="auto", extent=across, cmap=colours, vmin=low, vmax=size,
            interpolation="nearest",
        )  # fmt: skip
        figure.colorbar(image, ax=panel)
        when = f" at t = {last:.3g}" if moving and not line else ""
        panel.set(title=title + when, xlabel="t" if line else "y / length", ylabel="x / length")


def _correlation(panel: Any, result: EnsembleResult) -> None:
    series = result.history["correlation"]
    panel.plot(result.times, series.T, color="C0", alpha=0.12, lw=0.8)
    panel.plot(result.times, series.mean(0), color="C0", lw=2, label="mean of the members")
    panel.axhline(THRESHOLD, color="0.4", ls="--", lw=1)
    score = result.scores[f"high_correlation_{THRESHOLD:g}"]["mean"]
    panel.axvline(score, color="C3", lw=1, label=f"below {THRESHOLD:g} after {score:.1f}")
    known = result.scores["reference_known_until"]
    if known < result.times[-1]:
        panel.axvspan(known, result.times[-1], color="0.9", label="reference not known")
    panel.set(title="correlation with the reference", xlabel="t", ylim=(-0.3, 1.02))
    panel.legend(frameon=False, fontsize=8, loc="lower left")


def _spectrum(panel: Any, result: EnsembleResult) -> None:
    ours, exact = result.history["spectrum"][1:], result.history["reference_spectrum"][1:]
    m = np.arange(1, len(ours) + 1)
    panel.loglog(m, np.maximum(exact, 1e-30), color="0.3", lw=2, label="reference")
    panel.loglog(m, np.maximum(ours, 1e-30), color="C3", ls="--", label=result.solver)
    panel.set(title="energy by wavenumber, all times", xlabel="wavenumber (periods)")
    panel.set_ylim(bottom=max(float(exact.max()) * 1e-16, float(exact[exact > 0].min()) * 0.1))
    panel.legend(frameon=False, fontsize=8)
    panel.grid(alpha=0.3)
