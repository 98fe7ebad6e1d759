"""Damped Newton with the natural monotonicity test (Deuflhard, Newton Methods for Nonlinear Problems, 2004, sec. 3.3):
a step is accepted if the next simplified correction is smaller, whatever the scaling of the residual.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sciml.errors import RunFailed
from sciml.problem import Array

Corrector = Callable[[Array], Array]
LEAST_DAMPING = 2.0**-12
FLOOR = 1e-7  # relative size below which corrections that no longer shrink are rounding errors


class System(Protocol):
    """An equation on given coefficients whose conditions on the faces hold."""

    linear: bool

    def residual(self, x: Array) -> Array: ...

    def corrector(self, x: Array) -> Corrector:
        """residual -> correction, with the Jacobian at x."""


class Stalled(RunFailed):
    """No step improves, or too many were needed: on few coefficients a layer may have no solution nearby."""


@dataclass
class Outcome:
    x: Array
    correction: float  # last one, relative
    steps: int


@dataclass
class Progress:
    """After `count` steps that were not the last: all that the next one starts from. step: used where the system is
    linear, whose corrector is the same everywhere."""

    count: int
    x: Array
    step: Array
    damping: float
    before: float


def newton(
    system: System, x: Array, tolerance: float, most: int, on_step: Callable[[Progress], None],
    begun: Progress | None = None,
) -> Outcome:  # fmt: skip
    """Until a correction is at most `tolerance` of the solution, or at rounding; from x, or from where `begun` was.
    Raises Stalled, or RunFailed where the linearised equation is singular."""
    x = x if begun is None else begun.x
    correct = system.corrector(x)
    step = begun.step if begun is not None and system.linear else correct(system.residual(x))
    first, damping, before = (0, 1.0, np.inf) if begun is None else (begun.count, begun.damping, begun.before)
    for count in range(first + 1, most + 1):
        x, next_step, damping = _accepted(system, x, step, correct, damping)
        size = float(np.abs(x).max()) or 1.0
        latest = float(np.abs(damping * step).max()) / size
        remaining = float(np.abs(next_step).max()) / size
        if damping == 1.0 and remaining <= tolerance:
            return Outcome(x + next_step, remaining, count)
        if damping == 1.0 and max(latest, remaining) < FLOOR and remaining > 0.25 * min(latest, before):
            return Outcome(x, remaining, count)
        before = remaining
        on_step(Progress(count, x, next_step, damping, before))
        if system.linear:
            if remaining > 1e-2 * latest and latest > FLOOR:
                raise RunFailed(
                    "chebyshev: corrections of a linear equation do not shrink; the equation and its faces do not"
                    " determine the solution, or hardly."
                )
            step = next_step
        else:
            correct = system.corrector(x)
            step = correct(system.residual(x))
    raise Stalled(
        f"chebyshev: Newton's method has not converged after {most} steps; its last correction was {latest:.1e} of the"
        " solution."
    )


def _accepted(
    system: System, x: Array, step: Array, correct: Corrector, damping: float
) -> tuple[Array, Array, float]:
    """The new iterate, the simplified correction that follows it, and the damping it took."""
    size = float(np.linalg.norm(step))
    if not np.isfinite(size):
        raise RunFailed("chebyshev: a Newton correction is not finite; the linearised equation may be singular.")
    damping = min(1.0, 4.0 * damping)
    while True:
        new = x + damping * step
        residual = system.residual(new)
        if np.isfinite(residual).all():
            following = correct(residual)
            small = size <= FLOOR * float(np.linalg.norm(new))
            if system.linear or small or np.linalg.norm(following) <= (1.0 - damping / 4) * size:
                return new, following, damping
        damping /= 2
        if damping < LEAST_DAMPING:
            raise Stalled("chebyshev: Newton's method found no step that improves; no solution near the start.")
