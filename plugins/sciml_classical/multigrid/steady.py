"""From grid to grid: each is solved from the last one's solution, until two grids agree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sciml.errors import UsageError
from sciml.numerics.multigrid import multigrid
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .discrete import Discrete, imbalance
from .elliptic import Elliptic
from .ladder import grids
from .sampling import sampled

if TYPE_CHECKING:
    from ..solver import Multigrid

CYCLES = 100  # on one grid
RESTARTS = 3  # of conjugate gradients on one grid
TRUSTED = 1e-10  # by more than this factor a residual known by recurrence is not believed to have fallen
ROUNDING = 4e-16  # of |D u|: what a residual cannot fall below
DISAGREEMENT = 1e-8  # relative, of data or sources that contradict each other


@dataclass
class Found:
    """What is known when a grid is done. u: its solution; better: the same, extrapolated, from the second grid on."""

    u: Array
    better: Array | None = None
    estimate: float = math.inf
    earlier: float = math.inf  # the estimate one grid before
    rest: float = 0.0  # last relative residual
    stuck: bool = False
    grid: tuple[int, int] = (0, 0)


def solve(options: Multigrid, problem: Problem, run: Run) -> Solution:
    """Solve, sample on the problem's grid, and say what is not as it should be."""
    form = Elliptic.of(problem)
    _check_compatible(problem, form)
    if run.device == "cpu":
        return _doubled(options, problem, form, run)
    from sciml.kernels.dispatch import recording

    with recording(run.took):  # what each kernel took, refusals with their reasons
        return _doubled(options, problem, form, run)


def _doubled(options: Multigrid, problem: Problem, form: Elliptic, run: Run) -> Solution:
    saved = run.restore()
    found = None if saved is None else _restored(saved)
    counts = {key: 0.0 if saved is None else float(saved[key]) for key in ("cycles", "grids")}
    enough = options.accuracy
    for intervals in grids(options, problem, form):
        if found is not None and found.grid >= intervals:
            continue
        grid = Discrete(problem, form, intervals)
        found = _climbed(options, grid, found, counts, run)
        fine = all(n >= axis.size - 1 for n, axis in zip(intervals, problem.grid.axes, strict=True))
        if not options.points and fine and found.estimate <= enough and _falls(found, options):
            break
    assert found is not None
    complaints = []
    if not found.estimate <= enough:
        known = "is not known from one grid" if math.isinf(found.estimate) else f"is {found.estimate:.1e}"
        complaints.append(f"the estimated relative error {known}, wanted was {enough:.1e}")
    if found.stuck:
        complaints.append(f"cycles no longer reduce the residual, {found.rest:.1e}")
    corner = grid.corner_mismatch()
    if corner > DISAGREEMENT:
        complaints.append(f"the data of two faces differ by {corner:.1e} at their common corner")
    answer = found.better if options.extrapolate and found.better is not None else found.u
    run.step(1.0)
    notes = ["the solution is determined up to a constant; its mean was set to 0"] if grid.singular else []
    return Solution(
        values={problem.equation.fields[0]: sampled(answer, problem.grid.shape)[None]},  # type: ignore[arg-type]
        status=Status.INACCURATE if complaints else Status.OK, message="; ".join(complaints + notes),
        cost={
            **counts, "points": min(answer.shape), "unknowns": answer.size, "relative_residual": found.rest,
            **({} if math.isinf(found.estimate) else {"estimated_error": found.estimate}),
        },
        history={key: np.array(values) for key, values in run.logged.items()},
    )  # fmt: skip


def _check_compatible(problem: Problem, form: Elliptic) -> None:
    """Raises UsageError where fluxes are given on all faces, the value does not occur, and more flows in than out."""
    if Discrete(problem, form, (4, 4)).singular and imbalance(problem, form) > DISAGREEMENT:
        raise UsageError(
            "multigrid: with fluxes given on all faces there is a solution only if they balance the source; they do"
            " not."
        )


def _climbed(
    options: Multigrid, grid: Discrete, last: Found | None, counts: dict[str, float], run: Run
) -> Found:
    """Solve on a grid, estimate by the grid before.

    A checkpoint holds what was known when the grid was begun: conjugate gradients that go on from an iterate alone are
    others, and a resumed run is to end with the same bits.
    """
    shape = (grid.intervals[0] + 1, grid.intervals[1] + 1)
    b = grid.balanced(grid.right - grid.applied(grid.lift))
    current = np.zeros(shape) if last is None else sampled(_foreseen(last), shape) - grid.lift
    state = _kept(last, dict(counts))
    cycles: list[dict[str, float]] = []
    solver = multigrid(
        grid.ax, grid.by, grid.shift, grid.fixed, grid.singular, options.sweeps, torch.get_num_threads(), run.device
    )  # fmt: skip
    run.took("multigrid", solver.path)
    size = solver.start(b, np.zeros(shape))
    norm = solver.start(b, current)
    spent = slow = 0
    for _ in range(RESTARTS):
        target = max(options.tolerance * size, ROUNDING * solver.size, TRUSTED * norm)
        while norm > target and spent < CYCLES and slow < 5:
            before, norm = norm, solver.cycle() if options.cycle == "v" else solver.conjugate_step()
            spent, slow = spent + 1, slow + 1 if norm > 0.9 * before else 0
            counts["cycles"] += 1
            cycles.append({"residual": norm / (size or 1.0), "contraction": norm / before})
            run.step(min(0.9, 0.01 * counts["cycles"]), state, f"{shape[0]} × {shape[1]} points")
        norm = solver.start(b, solver.solution())  # itself: conjugate gradients know it by recurrence only
        if norm <= max(options.tolerance * size, ROUNDING * solver.size):
            break
    for cycle in cycles:
        run.log(**cycle, intervals=min(grid.intervals))
    u = grid.centred(solver.solution() + grid.lift)
    found = Found(u, rest=norm / size if size else 0.0, grid=grid.intervals)
    found.stuck = norm > max(options.tolerance * size, 10 * ROUNDING * solver.size)
    counts["grids"] += 1
    if last is not None:
        scale = float(np.abs(u).max()) or 1.0
        change = u[::2, ::2] - last.u
        found.better = u + sampled(change / 3, shape)
        found.earlier = last.estimate
        if not options.extrapolate:
            found.estimate = float(np.abs(change).max()) / 3 / scale
        elif last.better is not None:
            found.estimate = float(np.abs(found.better[::2, ::2] - last.better).max()) / 15 / scale
    return found


def _foreseen(last: Found) -> Array:
    """What the next grid's solution will be if the error falls to a quarter."""
    return last.u if last.better is None else last.better + (last.u - last.better) / 4


def _falls(found: Found, options: Multigrid) -> bool:
    """Whether the estimate fell as errors of this order do, so that it can be believed; or is nothing at all."""
    factor = 8 if options.extrapolate else 2
    return found.estimate <= 1e-3 * options.accuracy or found.estimate <= found.earlier / factor


def _kept(last: Found | None, counts: dict[str, float]) -> dict[str, Any]:
    """The state as a checkpoint keeps it."""
    kept: dict[str, Any] = {**counts}
    if last is not None:
        kept |= {
            "grid": np.array(last.grid), "u": last.u, "estimate": last.estimate, "earlier": last.earlier,
            "stuck": last.stuck, "rest": last.rest,
        }  # fmt: skip
        kept |= {} if last.better is None else {"better": last.better}
    return kept


def _restored(saved: dict[str, Any]) -> Found | None:
    if "u" not in saved:
        return None
    return Found(
        saved["u"], saved.get("better"), saved["estimate"], saved["earlier"], saved["rest"], saved["stuck"],
        (int(saved["grid"][0]), int(saved["grid"][1])),
    )  # fmt: skip
