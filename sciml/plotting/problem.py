"""PNG pictures of problem and result files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UsageError
from ..files import problem_file, result_file
from ..files.atomic import write_bytes
from ..metrics.calibration import NORMAL_95
from ..palette import above_zero, log_error, of_field
from ..problem import Array, Problem
from ..reference.values import Reference, read_reference
from ..scoring.problem import error_over_time
from ..solution import Solution

SNAPSHOTS = 4


def plot_file(file: Path, output: Path | None, against: Path | None) -> Path:
    """Draw a problem's reference or a result, atomically. Raises UsageError where there is nothing to draw."""
    reference: Reference | None = None
    path = output or file.with_suffix(".png")
    if result_file.is_result(file):
        result = result_file.read(file)
        problem, solution, label = result.problem, result.solution, result.solver
        if against is not None:
            asked = problem_file.read(against)
            if asked.content_hash != problem.content_hash:
                raise UsageError(f"{against} asks for something else than {file} answers.")
            reference = read_reference(against, asked)
    else:
        problem, label = problem_file.read(file), "reference"
        found = read_reference(file, problem)
        if found is None:
            raise UsageError(f"{file} has no reference to draw; `sciml reference {file} --build` computes one.")
        solution = Solution(found.values)
    write_bytes(path, draw(problem, solution, reference, label))
    return path


def draw(problem: Problem, solution: Solution, reference: Reference | None, label: str) -> bytes:
    """The figure as PNG bytes: one row a field; with a reference, error map and error over time too."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steady, dim = problem.kind == "steady", len(problem.grid.axes)
    if problem.ball is not None:
        from .ball import draw_ball

        return draw_ball(problem, problem.ball, solution, reference, label)
    if dim > 2:
        raise UsageError("plots are made for ODEs and for one or two space dimensions.")
    columns = 2 if reference is None else 3 if steady or dim == 0 else 4
    fields = problem.equation.fields
    figure = Figure(figsize=(4.4 * columns, 3.6 * len(fields) + 0.5), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    figure.suptitle(f"{problem.title or problem.name} · {label}")
    axes = figure.subplots(len(fields), columns, squeeze=False)
    for row, name in zip(axes, fields, strict=True):
        exact = None if reference is None else reference.values[name]
        if steady:
            still = _steady_line if dim == 1 else _steady_plane
            still(figure, row, problem, name, solution.values[name], exact, solution.std.get(name))
            continue
        panel = (_curves, _line, _plane)[dim]
        panel(figure, row, problem, name, solution.values[name], exact)
        if reference is not None:
            error = error_over_time(solution, reference)[name]
            _error_curve(row[-1], problem, error, reference.error_over_time.get(name))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _error_curve(axis: Any, problem: Problem, error: Array, floor: Array | None) -> None:
    times = problem.grid.times
    axis.semilogy(times, above_zero(error), label="error", color="C3")
    if floor is not None:
        axis.semilogy(times, above_zero(floor), "--", label="reference's own error", color="0.5")
    axis.set(title="relative error over time", xlabel="t")
    axis.legend(frameon=False)
    axis.grid(alpha=0.3)


def _line(figure: Any, row: Any, problem: Problem, name: str, values: Array, exact: Array | None) -> None:
    axis, times = problem.grid.axes[0], problem.grid.times
    x = axis.points()
    image = row[0].pcolormesh(times, x, values.T, shading="nearest", rasterized=True, **of_field(values))
    figure.colorbar(image, ax=row[0])
    row[0].set(title=f"{name}(t, {axis.name})", xlabel="t", ylabel=axis.name)
    for i in np.linspace(0, len(times) - 1, SNAPSHOTS).astype(int):
        (drawn,) = row[1].plot(x, values[i], label=f"t = {times[i]:.3g}")
        if exact is not None:
            row[1].plot(x, exact[i], "--", color=drawn.get_color(), alpha=0.5)
    row[1].set(title="snapshots" + ("" if exact is None else " (dashed: reference)"), xlabel=axis.name)
    row[1].legend(  # below: waves fill the panel
        ncols=SNAPSHOTS, loc="upper center", bbox_to_anchor=(0.5, -0.14), frameon=False, fontsize=8, handlelength=1,
        columnspacing=1,
    )  # fmt: skip
    if exact is not None:
        error, colours = log_error(values - exact)
        image = row[2].pcolormesh(times, x, error.T, shading="nearest", rasterized=True, **colours)
        figure.colorbar(image, ax=row[2])
        row[2].set(title="log₁₀ |error|", xlabel="t", ylabel=axis.name)


def _plane(figure: Any, row: Any, problem: Problem, name: str, values: Array, exact: Array | None) -> None:
    first, second = problem.grid.axes
    extent = (second.lower, second.upper, first.lower, first.upper)
    for panel, i in ((row[0], 0), (row[1], len(values) - 1)):
        image = panel.imshow(values[i], origin="lower", extent=extent, **of_field(values[i]))
        figure.colorbar(image, ax=panel)
        panel.set(title=f"{name} at t = {problem.grid.times[i]:.3g}", xlabel=second.name, ylabel=first.name)
    if exact is not None:
        error, colours = log_error(values[-1] - exact[-1])
        image = row[2].imshow(error, origin="lower", extent=extent, **colours)
        figure.colorbar(image, ax=row[2])
        row[2].set(title="log₁₀ |error| at the last time", xlabel=second.name, ylabel=first.name)


def _steady_line(
    figure: Any, row: Any, problem: Problem, name: str, values: Array, exact: Array | None, std: Array | None
) -> None:
    """The whole axis, its first tenth (fast waves show only there), and the error beside the stated spread."""
    axis = problem.grid.axes[0]
    x = axis.points()
    for panel, upper in ((row[0], axis.upper), (row[1], axis.lower + 0.1 * axis.length)):
        shown = x <= upper
        panel.plot(x[shown], values[0][shown], lw=1, label=name)
        if exact is not None:
            panel.plot(x[shown], exact[0][shown], "--", lw=1, color="0.3", label="reference")
        panel.set(title=f"{name}({axis.name})" + (", a tenth" if panel is row[1] else ""), xlabel=axis.name)
        panel.legend(loc="upper right", fontsize=8, framealpha=0.85, edgecolor="none", borderpad=0.2)
    if exact is not None:
        row[2].semilogy(x, above_zero(values[0] - exact[0]), color="C3", lw=1, label="|error|")
        if std is not None:
            row[2].semilogy(x, above_zero(NORMAL_95 * std[0]), "--", color="0.4", label="1.96 standard deviations")
        row[2].set(title="error", xlabel=axis.name)
        row[2].legend(fontsize=8, framealpha=0.85, edgecolor="none", borderpad=0.2)


def _steady_plane(
    figure: Any, row: Any, problem: Problem, name: str, values: Array, exact: Array | None, std: Array | None
) -> None:
    """The field, its lower left ninth, and the error."""
    first, second = problem.grid.axes
    corner = (slice(0, -(-first.size // 3)), slice(0, -(-second.size // 3)))
    colours = of_field(values)
    for panel, part in ((row[0], (slice(None), slice(None))), (row[1], corner)):
        a, b = first.points()[part[0]], second.points()[part[1]]
        extent = (b[0], b[-1], a[0], a[-1])
        image = panel.imshow(values[0][part], origin="lower", extent=extent, aspect="auto", **colours)
        figure.colorbar(image, ax=panel)
        panel.set(title=name if panel is row[0] else f"{name}, a corner", xlabel=second.name, ylabel=first.name)
    if exact is not None:
        extent = (second.lower, second.upper, first.lower, first.upper)
        error, colours = log_error(values[0] - exact[0])
        image = row[2].imshow(error, origin="lower", extent=extent, aspect="auto", **colours)
        figure.colorbar(image, ax=row[2])
        row[2].set(title="log₁₀ |error|", xlabel=second.name, ylabel=first.name)


def _curves(figure: Any, row: Any, problem: Problem, name: str, values: Array, exact: Array | None) -> None:
    times = problem.grid.times
    row[0].plot(times, values, lw=1)
    row[0].set(title=f"{name}(t)", xlabel="t")
    row[1].hist(values[np.isfinite(values)], bins=60, density=True, color="C0", alpha=0.8)
    row[1].set(title=f"distribution of {name}", xlabel=name)
    if exact is not None:
        row[0].plot(times, exact, "--", color="0.3", lw=1, alpha=0.6, label="reference")
        row[0].legend(fontsize=8, framealpha=0.85, edgecolor="none", borderpad=0.2)
