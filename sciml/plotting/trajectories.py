"""A family's result without axes as a PNG: its first member over time and in the state space, errors of all members."""

from __future__ import annotations

import io
from typing import Any

from ..files.ensemble import EnsembleResult
from ..palette import above_zero
from ..problem import Array
from ..scoring.problem import VALID_THRESHOLD

HORIZON = 12.0  # Lyapunov times of a series that are drawn
MOST_POINTS = 20_000  # of a line in the state space
ABOVE: dict[str, Any] = {"framealpha": 0.85, "edgecolor": "none", "borderpad": 0.2}  # of a legend that lines run under


def draw_trajectories(result: EnsembleResult) -> bytes:
    """The figure as PNG bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.5, 4.0), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    d = result.family.description
    figure.suptitle(f"{d.title or d.name} · {result.solver} · {result.count} members")
    panels = figure.subplots(1, 3, width_ratios=(1.6, 1, 1.2))
    exact, found = result.history["exact"], result.history["found"]
    _series(panels[0], result, exact, found)
    _portrait(panels[1], result, exact, found)
    _errors(panels[2], result)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _series(panel: Any, result: EnsembleResult, exact: Array, found: Array) -> None:
    d, times = result.family.description, result.times
    end = min(times[-1], HORIZON / d.lyapunov) if d.lyapunov else times[-1]
    shown = times <= end
    what = ", mean over paths" if d.diffusion else ""
    for i, name in enumerate(d.fields[:2]):
        panel.plot(times[shown], exact[shown, i], color=f"C{i}", lw=2, alpha=0.4, label=f"{name}, reference")
        panel.plot(times[shown], found[shown, i], color=f"C{i}", lw=1, label=f"{name}, {result.solver}")
        if name in result.std:
            spread = result.std[name][0][shown]
            panel.fill_between(
                times[shown], found[shown, i] - spread, found[shown, i] + spread, color=f"C{i}", alpha=0.15
            )
    panel.set(title=f"member 0{what}", xlabel="t")
    panel.legend(fontsize=8, loc="upper right", **ABOVE)


def _portrait(panel: Any, result: EnsembleResult, exact: Array, found: Array) -> None:
    """The first field against the last; of one field its distribution."""
    fields = result.family.description.fields
    if len(fields) == 1:
        both = [exact[:, 0], found[:, 0]]
        panel.hist(both, bins=60, density=True, color=["0.6", "C3"], histtype="stepfilled", alpha=0.6)
        panel.set(title="distribution", xlabel=fields[0])
        return
    part = slice(0, MOST_POINTS)
    lw = 0.5 if len(exact) > 2000 else 1.5  # an attractor is many lines, a short path is one
    panel.plot(exact[part, 0], exact[part, -1], color="0.6", lw=2 * lw, label="reference")
    panel.plot(found[part, 0], found[part, -1], color="C3", lw=lw, alpha=0.7, label=result.solver)
    panel.set(title="state space", xlabel=fields[0], ylabel=fields[-1])
    panel.legend(fontsize=8, loc="upper right", **ABOVE)


def _errors(panel: Any, result: EnsembleResult) -> None:
    series = above_zero(result.history["error"])
    panel.semilogy(result.times, series.T, color="C0", alpha=0.3, lw=0.8)
    if "valid_time" in result.scores:
        mean = result.scores["valid_time"]["mean"]
        panel.axhline(VALID_THRESHOLD, color="0.4", ls="--", lw=1)
        panel.axvline(mean, color="C3", lw=1, label=f"above {VALID_THRESHOLD:g} after {mean:.3g}")
        panel.legend(frameon=False, fontsize=8, loc="lower right")
        panel.set_xlim(0, min(float(result.times[-1]), max(4 * mean, float(result.times[1]))))
    panel.set(title="relative error, all members", xlabel="t")
    panel.grid(alpha=0.3)
