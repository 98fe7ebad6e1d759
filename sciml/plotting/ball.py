"""Pictures of problems in a ball: no map shows a hundred dimensions, so values and errors are drawn point by point."""

from __future__ import annotations

import io

import numpy as np

from ..ball import Ball
from ..problem import Problem
from ..reference.values import Reference
from ..solution import Solution


def draw_ball(problem: Problem, ball: Ball, solution: Solution, reference: Reference | None, label: str) -> bytes:
    """PNG bytes, one row a field: values by radius; with a reference, against it, error by radius, its histogram."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fields, columns = problem.equation.fields, 1 if reference is None else 4
    figure = Figure(figsize=(4.4 * columns, 3.6 * len(fields) + 0.5), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    figure.suptitle(f"{problem.title or problem.name} · {label}")
    radius, hat = np.linalg.norm(ball.points, axis=1), ball.hat
    for row, name in zip(figure.subplots(len(fields), columns, squeeze=False), fields, strict=True):
        values = solution.values[name][0]
        row[0].plot(radius, values, ".", ms=3)
        row[0].set(title=f"{name} by distance from the centre", xlabel="|x|")
        if reference is None:
            continue
        exact = reference.values[name][0]
        fitted = hat * (hat @ exact) / (hat @ hat)
        ends = [exact.min(), exact.max()]
        row[1].plot(exact, values, ".", ms=3)
        row[1].plot(ends, ends, "--", color="0.5", lw=1)
        row[1].set(title="found against reference", xlabel="reference", ylabel=name)
        errors = {"k(1 − |x|²/R²)": np.abs(fitted - exact), label: np.abs(values - exact)}
        for text, error in errors.items():
            shown = np.maximum(error, 1e-18)
            row[2].semilogy(radius, shown, ".", ms=3, label=text)
            row[3].hist(np.log10(shown), bins=40, alpha=0.6, label=text)
        row[2].set(title="|error| by distance from the centre", xlabel="|x|")
        row[3].set(title="how many points have which error", xlabel="log₁₀ |error|")
        row[2].legend(frameon=False, fontsize=8, markerscale=4)
        row[3].legend(frameon=False, fontsize=8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
