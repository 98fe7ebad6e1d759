"""Evolution between two ends: method of lines, implicit in time, as many coefficients as the solution needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import make_interp_spline

from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from . import basis
from .collocation import Collocation
from .conditions import DISAGREEMENT, imposed
from .radau import Radau
from .splitting import Split

if TYPE_CHECKING:
    from ..solver import Chebyshev

MOST_MODES = 512
FIRST = 1e-3  # first step to try, as a share of the time span
COUNTS = ("steps", "rhs_evaluations", "factorisations")


def initial_coefficients(problem: Problem, n: int) -> Array:
    """(fields, n): formulas at the Chebyshev points; arrays through a spline of degree five."""
    axis = problem.grid.axes[0]
    points = np.float64(axis.lower + axis.length * (1 + basis.nodes(n)) / 2)
    rows = []
    for name in problem.equation.fields:
        if name in problem.initial_text:
            at = {axis.name: points, "t": problem.grid.times[0]}
            rows.append(problem.evaluate(problem.initial_text[name], at, {}, (n,)))
        else:
            values = np.asarray(problem.initial_values[name], dtype=np.float64)
            degree = min(5, axis.size - 1 - axis.size % 2)
            rows.append(make_interp_spline(axis.points(), values, k=degree)(points))
    return basis.to_coefficients(np.stack(rows))


def starting_modes(problem: Problem, tail: float, most: int) -> int:
    """As many as the initial data need."""
    n = min(33, most)
    while n < most and not basis.settled(initial_coefficients(problem, n), tail):
        n = min(most, 2 * n - 1)
    count = basis.needed(initial_coefficients(problem, n), tail)
    return min(most, max(24, count + count // 10 + 6))


def solve(options: Chebyshev, problem: Problem, run: Run) -> Solution:
    """Step by step to the last output; a step that leaves the last coefficients too large is repeated with more."""
    with np.errstate(over="ignore", invalid="ignore"):  # a blow-up is reported, once, as a sentence
        return _solve(options, problem, run)


def _solve(options: Chebyshev, problem: Problem, run: Run) -> Solution:
    times, axis = problem.grid.times, problem.grid.axes[0]
    split = Split.of(problem)
    (conditions,), _ = imposed(problem, split)
    tail = max(options.tail or 1e-13, 10 * options.tolerance)  # below the errors of steps coefficients say nothing
    most = options.modes or options.max_modes or MOST_MODES
    outputs = np.empty((len(split.rates), len(times), axis.size))
    outputs[:, 0] = problem.initial()
    end, saved = float(times[-1]), run.restore()
    if saved is None:
        n = options.modes or starting_modes(problem, tail, most)
        field = Collocation(problem, split, n, conditions)
        t, y, h = float(times[0]), field.state(initial_coefficients(problem, n)), FIRST * problem.grid.duration
        done, worst, size, counts = 1, 0.0, problem.given_size(), dict.fromkeys(COUNTS, 0)
    else:
        field = Collocation(problem, split, int(saved["n"]), conditions)
        t, y, h = float(saved["t"]), saved["y"], float(saved["h"])
        done, worst, size = int(saved["done"]), float(saved["worst"]), float(saved["size"])
        counts = {key: int(saved[key]) for key in COUNTS}
        outputs[:, :done] = saved["outputs"]

    def kept() -> dict[str, Any]:
        return {
            "n": field.interval.n, "t": t, "y": y, "h": h, "done": done, "worst": worst, "size": size,
            **counts, "outputs": outputs[:, :done],
        }  # fmt: skip

    while done < len(times):
        march = Radau(field.rates, field.jacobian, t, y, end, h, options.tolerance, size)
        sampling, larger = field.interval.sampling(axis.points()).T, None
        while done < len(times) and larger is None:
            evaluations, factorisations = march.evaluations, march.factorisations
            march.step()
            counts["rhs_evaluations"] += march.evaluations - evaluations
            counts["factorisations"] += march.factorisations - factorisations
            latest = field.coefficients(march.t, march.y)
            if field.interval.n < most and not basis.settled(latest, tail, size=march.size):
                larger = Collocation(problem, split, min(most, (5 * field.interval.n) // 4), conditions)
                if t == times[0]:  # the data are read again: what few points took of a jump is not kept
                    series = initial_coefficients(problem, larger.interval.n)
                else:
                    series = field.coefficients(t, y)
                field, y = larger, larger.state(series)
                continue
            worst = max(worst, basis.tail(latest, size=march.size))
            while done < len(times) and times[done] <= march.t:
                outputs[:, done] = field.coefficients(times[done], march.at(times[done])) @ sampling
                done += 1
            t, y, h, size = march.t, march.y, march.h, march.size
            counts["steps"] += 1
            run.step(done / len(times), kept, f"t={t:.4g}")
    contradiction = _contradiction(problem, field)
    complaints = []
    if worst > 1e3 * tail:
        complaints.append(f"the last coefficients still hold {worst:.1e} of the largest one")
    if contradiction > DISAGREEMENT:
        complaints.append(f"the initial data contradict those on the faces by {contradiction:.1e}")
    return Solution(
        values={name: outputs[i] for i, name in enumerate(problem.equation.fields)},
        status=Status.INACCURATE if complaints else Status.OK,
        cost={**counts, "modes": field.interval.n, "spectral_tail": worst}, message="; ".join(complaints),
    )  # fmt: skip


def _contradiction(problem: Problem, field: Collocation) -> float:
    """How far the initial data miss the conditions on the faces: the lowest series that corrects them, relative."""
    c, line = initial_coefficients(problem, field.interval.n), field.interval
    missing = field.data(problem.grid.times[:1])[..., 0] - c @ line.rows.T
    return float(np.abs(missing @ line.lifting.T).max(initial=0.0)) / (float(np.abs(c).max()) or 1.0)
