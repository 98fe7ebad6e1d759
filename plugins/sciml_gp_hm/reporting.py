"""What a finished solve tells: status, message, the kernel that the likelihood chose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sciml.problem import Array, Problem
from sciml.solution import Solution, Status

from .features import Features
from .learning import Learnt
from .progress import Progress

if TYPE_CHECKING:
    from .solver import GpHm

EPS = float(np.finfo(np.float64).eps)
FIRST_WIDTH, LAST_WIDTH = 30, 480  # harmonics on each side of a frequency
UNRESOLVED = 1e-2  # a held-out residual of this relative size says that the equation is not solved


def first_width(solver: GpHm) -> int:
    return solver.width or FIRST_WIDTH


def may_widen(solver: GpHm, width: int) -> bool:
    return solver.width == 0 and width < LAST_WIDTH


def finish(
    solver: GpHm, problem: Problem, progress: Progress, mean: Array, std: Array, *, converged: bool, held_out: float,
    estimate: float, learnt: Mapping[str, Learnt], features: Mapping[str, Features], cost: Mapping[str, float],
    notes: Sequence[str] = (),
) -> Solution:  # fmt: skip
    """held_out: residual off the collocation points, relative; estimate: relative error by the posterior."""
    (name,) = problem.equation.fields
    reasons = []
    if not converged:
        reasons.append("Gauss–Newton did not converge")
    if held_out > UNRESOLVED:
        reasons.append(f"the residual off the collocation points is {held_out:.1e} of the equation's terms")
    if estimate > solver.tolerance:
        reasons.append(f"the estimated relative error {estimate:.1e} is above tolerance={solver.tolerance:g}")
    history = {key: np.asarray(values) for key, values in progress.history.items()}
    for axis, found in learnt.items():
        history[f"frequencies_{axis}"] = found.mixture.frequency
        history[f"lengths_{axis}"] = np.exp(found.mixture.log_length)
        history[f"log_weights_{axis}"] = found.mixture.log_weight
    fine = [f"residual {held_out:.1e} off the collocation points, estimated relative error {estimate:.1e}"]
    message = "; ".join([*(reasons or fine), *notes])
    return Solution(
        values={name: mean[None]}, std={name: std[None]}, status=Status.INACCURATE if reasons else Status.OK,
        history=history, message=message,
        cost={
            **progress.costs(), **cost, "held_out_residual": held_out, "estimated_error": estimate,
            "log_likelihood": sum(found.value for found in learnt.values()),
            "features": float(np.prod([f.count for f in features.values()], dtype=float)),
        },
    )  # fmt: skip
