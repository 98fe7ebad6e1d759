"""PNG pictures of transport problems and their results."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from ..problem import Array
from ..transport import Measure, Transport, TransportSolution
from ..transport.result import TransportResult
from ..transport.routes import task_of

MOST_DRAWN = 4000  # points of a scatter
MATRIX = 400  # places above which a plan is drawn as displacements only
ARROWS = 300


def draw_problem(problem: Transport) -> bytes:
    """Both measures."""
    return _figure(problem.title or problem.name, [
        lambda panel: _measure(panel, problem.source, "source"),
        lambda panel: _measure(panel, problem.target, "target"),
    ])  # fmt: skip


def draw_result(result: TransportResult) -> bytes:
    """Both measures, the plan, and the error over the work."""
    problem, solution = result.problem, result.solution
    return _figure(f"{problem.title or problem.name} · {result.solver}", [
        lambda panel: _measure(panel, problem.source, "source"),
        lambda panel: _measure(panel, problem.target, "target"),
        lambda panel: _plan(panel, problem, solution),
        lambda panel: _history(panel, solution),
    ])  # fmt: skip


def _figure(title: str, panels: list[Callable[[Any], None]]) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(panels), 4.0), layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for panel, draw in zip(figure.subplots(1, len(panels)), panels, strict=True):
        draw(panel)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _measure(panel: Any, measure: Measure, title: str) -> None:
    panel.set_title(title)
    if measure.axes is not None:
        a, b = measure.axes
        extent = (b[0], b[-1], a[0], a[-1])
        panel.imshow(measure.weights, origin="lower", extent=extent, cmap="viridis", aspect="auto")
        panel.set(xlabel="second coordinate", ylabel="first coordinate")
    elif measure.points is None:
        panel.plot(measure.weights, lw=1)
        panel.set(xlabel="place", ylabel="weight", ylim=(0, 1.1 * float(measure.weights.max())))
    else:
        places = measure.points[:: max(1, len(measure.points) // MOST_DRAWN)]
        across = places[:, -1] if places.shape[1] > 1 else np.zeros(len(places))
        panel.scatter(places[:, 0], across, s=2)
        panel.set(xlabel="first coordinate", ylabel="last coordinate" if places.shape[1] > 1 else "")


def _plan(panel: Any, problem: Transport, solution: TransportSolution) -> None:
    """The matrix where it is small; where each place's mass goes on average, where there are places."""
    n, m = problem.shape
    x, y = problem.source.places, problem.target.places
    if x is None or y is None or max(n, m) <= MATRIX:
        matrix = _matrix(problem, solution)
        shown = np.log10(np.maximum(matrix, matrix.max() * 1e-12))
        panel.imshow(shown, cmap="magma", aspect="auto", interpolation="nearest")
        panel.set(title="log₁₀ of the plan", xlabel="target", ylabel="source")
        return
    weights = problem.source.weights.ravel()
    chosen = np.nonzero(weights >= 0.1 * weights.mean())[0]  # where there is hardly any mass arrows say little
    chosen = chosen[:: max(1, len(chosen) // ARROWS)]
    shown = [1, 0] if problem.source.axes is not None else [0, x.shape[1] - 1]  # as the measures are drawn
    begin, end = x[chosen][:, shown], _averages(problem, solution, y)[chosen][:, shown]
    panel.quiver(*begin.T, *(end - begin).T, angles="xy", scale_units="xy", scale=1, width=0.003)
    both = np.concatenate([begin, end])
    low, high = both.min(0) - 0.05 * np.ptp(both, 0), both.max(0) + 0.05 * np.ptp(both, 0)
    panel.set(title="where mass goes on average", xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _matrix(problem: Transport, solution: TransportSolution) -> Array:
    if solution.plan is not None:
        from scipy.sparse import csr_matrix

        plan = solution.plan
        dense: Array = csr_matrix((plan.value, plan.index, plan.start), shape=problem.shape).toarray()
        return dense
    from ..numerics.transport.exact import costs

    (r, c), task = problem.weights, task_of(problem, "auto")
    exponent = (solution.phi[:, None] + solution.psi - costs(task)) / solution.eps
    found: Array = r[:, None] * c * np.exp(exponent)
    return found


def _averages(problem: Transport, solution: TransportSolution, y: Array) -> Array:
    """Σ_j P_ij y_j / Σ_j P_ij: (n, d)."""
    if solution.plan is not None:
        from scipy.sparse import csr_matrix

        plan = csr_matrix((solution.plan.value, solution.plan.index, solution.plan.start), shape=problem.shape)
        rows = np.maximum(np.asarray(plan.sum(1)).ravel(), 1e-300)
        return np.asarray(plan @ y / rows[:, None])
    from ..numerics.transport.geometry import weighted

    task, eta = task_of(problem), 1.0 / solution.eps
    plan = task.geometry.softmin(task.r, weighted(solution.psi, task.c, eta), eta)
    return np.stack([plan.forward(np.ascontiguousarray(column)) for column in y.T], 1)


def _history(panel: Any, solution: TransportSolution) -> None:
    error = solution.history.get("marginal_error")
    panel.set(title="marginal error", xlabel="work (passes over the plan)")
    if error is None or not len(error):
        panel.text(0.5, 0.5, "not recorded by this solver", ha="center", va="center", transform=panel.transAxes)
        return
    work = solution.history.get("work", np.arange(len(error), dtype=np.float64))
    panel.semilogy(work, np.maximum(error, 1e-18))
    panel.grid(alpha=0.3)
