"""Boundary-value problems: as many coefficients as the data and the solution need, Newton on each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sciml.errors import RunFailed
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from . import basis
from .conditions import face_values, imposed, start_is_finite
from .interval import Interval
from .line import Line
from .newton import newton
from .plane import Plane
from .splitting import Split, evaluate

if TYPE_CHECKING:
    from ..solver import Chebyshev

NEWTON_STEPS = 50
MODES = {1: 8192, 2: 1024}
TAIL = {1: 1e-13, 2: 1e-11}
FEWEST = 16


def solve(options: Chebyshev, problem: Problem, run: Run) -> Solution:
    """Grow the series until its last coefficients are below `tail`."""
    dim = len(problem.grid.axes)
    split = Split.of(problem)
    conditions, unused = imposed(problem, split)
    tail, most = options.tail or TAIL[dim], options.max_modes or MODES[dim]
    kind = Line if dim == 1 else Plane
    saved, x, steps = run.restore(), None, 0
    if saved is not None:
        sizes, x, steps = tuple(int(n) for n in saved["sizes"]), saved["x"], int(saved["steps"])
    elif options.modes:
        sizes = (options.modes,) * dim
    else:
        sizes = starting_sizes(problem, split, tail, most)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is reported as a sentence
        while True:
            system: Any = kind(problem, split, sizes, conditions)
            if not start_is_finite(split, system.at, system.shape[1:]):
                raise RunFailed("chebyshev: the equation is not finite at u = 0, where Newton's method starts.")
            if x is None:
                x = system.start()
            else:
                for axis, n in enumerate(sizes):
                    x = basis.resized(x, n, axis + 1)
                x = system.conformed(x)

            def on_step(count: int, now: Array, sizes: tuple[int, ...] = sizes, before: int = steps) -> None:
                kept = {"sizes": np.array(sizes), "x": now, "steps": before + count}
                run.step(min(0.9, 0.1 * (before + count)), kept, f"{' × '.join(map(str, sizes))} modes")

            outcome = newton(system, x, options.tolerance, NEWTON_STEPS, on_step)
            x, steps = outcome.x, steps + outcome.steps
            tails = [basis.tail(x, axis + 1) for axis in range(dim)]
            larger = tuple(
                n if basis.settled(x, tail, axis + 1) else min(most, (3 * n) // 2) for axis, n in enumerate(sizes)
            )
            if options.modes or larger == sizes:
                break
            sizes = larger
    mismatch = unused_mismatch(problem, sizes, conditions, unused, x)
    corner = system.corner_mismatch() if dim == 2 else 0.0
    complaints = []
    if max(tails) > 1e3 * tail:
        complaints.append(f"the last coefficients still hold {max(tails):.1e} of the largest one")
    if outcome.correction > max(1e3 * options.tolerance, 1e-10):
        complaints.append(f"Newton's corrections stay at {outcome.correction:.1e} of the solution")
    if mismatch > 1e-8:
        complaints.append(f"data on a face that the equation does not need differ from the solution by {mismatch:.1e}")
    if corner > 1e-8:
        complaints.append(f"the data of two faces differ by {corner:.1e} at their common corner")
    values = system.sampled(x)
    run.step(1.0)
    cost = {
        "modes": max(sizes), "newton_steps": steps, "spectral_tail": max(tails),
        "last_correction": outcome.correction, **system.sizes(),
    }  # fmt: skip
    if unused:
        cost["unused_face_mismatch"] = mismatch
    return Solution(
        values={name: values[i][None].copy() for i, name in enumerate(problem.equation.fields)},
        status=Status.INACCURATE if complaints else Status.OK, cost=cost, message="; ".join(complaints),
    )  # fmt: skip


def starting_sizes(problem: Problem, split: Split, tail: float, most: int) -> tuple[int, ...]:
    """Coefficients per axis that the equation at u = 0, its coefficients and the data on faces need."""
    sizes = [33] * len(problem.grid.axes)
    while True:
        sampled = _given_functions(problem, split, sizes)
        grown = list(sizes)
        for axis in range(len(sizes)):
            if not all(basis.settled(c, tail, k) for c, axes in sampled for k, a in enumerate(axes) if a == axis):
                grown[axis] = min(most, 2 * sizes[axis] - 1)
        if grown == sizes:
            break
        sizes = grown
    wanted = []
    for axis in range(len(sizes)):
        counts = [basis.needed(c, tail, k) for c, axes in sampled for k, a in enumerate(axes) if a == axis]
        wanted.append(min(most, max([FEWEST, *(count + count // 10 + 6 for count in counts)])))
    return tuple(wanted)


def _given_functions(problem: Problem, split: Split, sizes: list[int]) -> list[tuple[Array, tuple[int, ...]]]:
    """Coefficients of each given function, and the axes it lives on."""
    lines = [Interval(a, n, 0, ()) for a, n in zip(problem.grid.axes, sizes, strict=True)]
    at = dict(zip(split.axes, np.meshgrid(*(line.points for line in lines), indexing="ij"), strict=True))
    everywhere = tuple(range(len(sizes)))
    trees = [*split.rates, *(part for parts in (*split.linear, *split.nonlinear) for _, part in parts)]
    found: list[tuple[Array, tuple[int, ...]]] = []
    for node in trees:
        values = evaluate(node, {}, at, tuple(sizes))
        if not np.isfinite(values).all():
            raise RunFailed("chebyshev: the equation is not finite at u = 0, where Newton's method starts.")
        if np.ptp(values) > 0:
            for axis in everywhere:
                values = basis.to_coefficients(values, axis)
            found.append((values, everywhere))
    for axis in everywhere if len(sizes) == 2 else ():
        other = lines[1 - axis]
        for side, kind in zip(("lower", "upper"), problem.grid.axes[axis].faces, strict=True):
            if kind != "open":
                values = face_values(problem, 0, axis, (side, kind), {split.axes[1 - axis]: other.points})
                if np.ptp(values) > 0:
                    found.append((basis.to_coefficients(values), (1 - axis,)))
    return found


def unused_mismatch(problem: Problem, sizes: Any, conditions: Any, unused: Any, x: Array) -> float:
    """Largest difference between the solution and data that were not imposed, relative to the solution."""
    worst = 0.0
    for axis, condition in unused:
        line = Interval(problem.grid.axes[axis], sizes[axis], 1, (condition,))
        if x.ndim == 2:
            difference = line.rows @ x[0] - face_values(problem, 0, axis, condition, {})
        else:
            name = problem.equation.axes[1 - axis]
            other = Interval(problem.grid.axes[1 - axis], sizes[1 - axis], 0, ())
            given = face_values(problem, 0, axis, condition, {name: other.points})
            found = line.rows @ (x[0] if axis == 0 else x[0].T)
            difference = basis.to_values(found)[0] - given
        worst = max(worst, float(np.abs(difference).max()))
    scale = float(np.abs(basis.to_values(x) if x.ndim == 2 else basis.to_values(basis.to_values(x, 1), 2)).max())
    return worst / (scale or 1.0)
