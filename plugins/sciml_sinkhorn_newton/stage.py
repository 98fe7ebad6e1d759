"""One value of eps: sweeps until Newton steps are predicted to be cheaper, then damped truncated Newton steps.

A Newton step solves ((1 + mu) D - N) x = D log(c/columns) and moves g by x/eta. The right side is that of a fixed
point of the sweep: c - columns to first order, but of the right size where columns are far from c. mu bounds the step
along directions that the plan hardly couples, where the dual is far from quadratic (Levenberg, Marquardt); it falls
after whole steps and rises after cut ones. A few sweeps after each step take out what is local.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sciml.numerics.transport.geometry import Array, Geometry, Plan
from sciml.numerics.transport.sinkhorn import error_of, ratio, sweeps

from . import conjugate, search, switch
from .operator import Operator

DAMPING, LEAST, MOST = 1e-3, 1e-14, 1e2  # mu: first, smallest, largest
LOOSE = 0.3  # of the right side, what conjugate gradients leave while the error falls slowly
AFTER = 4  # sweeps after a Newton step
ESCAPE = 50  # sweeps where no step was found, doubled each time
PRODUCTS = 2000  # of one Newton step, at most
HOPELESS = 25  # Newton steps, with their sweeps, that together gain less than a tenth
ROUNDING = 1e-15  # of columns that sum to 1

COUNTS = ("sweeps", "newton", "products", "plans", "work", "dropped")  # of a ledger

State = Callable[[], dict[str, Any]]
Report = Callable[[float, str, State], None]


@dataclass
class Ledger:
    """What was done so far, over all values of eps. work, limit: in passes over the plan."""

    limit: float
    per_plan: float
    report: Report
    plan: Plan | None = None  # the last one known, to go on from
    sweeps: int = 0
    newton: int = 0
    products: int = 0
    plans: int = 0
    work: float = 0.0
    dropped: float = 0.0  # largest mass left out of a Newton step
    history: list[tuple[float, float]] = field(default_factory=list)

    def add(self, error: float, text: str, *, sweeps: int = 0, plans: int = 0, products: int = 0, each: float = 1.0) \
            -> None:  # fmt: skip
        self.sweeps, self.plans, self.products = self.sweeps + sweeps, self.plans + plans, self.products + products
        self.work += sweeps + self.per_plan * plans + each * products
        self.history.append((self.work, error))
        self.tick(error, text)

    def tick(self, error: float, text: str) -> None:
        self.report(error, text, self.state)

    def state(self) -> dict[str, Any]:
        """What `solve` can begin from: plain data."""
        assert self.plan is not None
        return {"eta": self.plan.eta, "g": self.plan.g} | {name: getattr(self, name) for name in COUNTS}

    @property
    def spent(self) -> bool:
        return self.work >= self.limit

    def left(self, of: int) -> int:
        return max(1, min(of, int(self.limit - self.work)))


@dataclass
class Stage:
    plan: Plan
    error: float
    reason: str  # "" where the tolerance is met


def solve(
    geometry: Geometry, plan: Plan, c: Array, tolerance: float, ledger: Ledger, first_sweeps: int = 0,
    damping: float = DAMPING,
) -> Stage:  # fmt: skip
    """From a plan to one whose error is below the tolerance, at the same eps. first_sweeps: before Newton steps; 0:
    until those are predicted to be cheaper."""
    per_step = 2 * geometry.work + AFTER
    ledger.plan = plan

    def enough(errors: list[float]) -> bool:
        ledger.tick(errors[-1], "Sinkhorn")
        return len(errors) > first_sweeps if first_sweeps else switch.leave(errors, tolerance, per_step)

    first = sweeps(geometry, plan, c, tolerance, ledger.left(10**9), enough)
    ledger.plan = first.plan
    ledger.add(first.error, "Sinkhorn", sweeps=len(first.errors) - 1, plans=first.plans)
    plan, error = first.plan, first.error
    before, whole, expected, escape = error, False, 0, ESCAPE
    best, since = error, 0
    while error > tolerance and not ledger.spent:
        forcing = min(LOOSE, 0.9 * (error / before) ** 2) if whole else LOOSE  # Eisenstat & Walker, choice 2
        operator = Operator(plan, c, error, expected)
        b = plan.columns * np.log(ratio(c, plan.columns))
        solved = _solved(operator, b, max(forcing, 0.3 * tolerance / error), damping, ledger, error)
        found = search.along(geometry, plan, c, solved.step / plan.eta)
        if found.plan is None:  # the logarithmic right side need not lead upwards: the gradient does
            solved = _solved(operator, c - plan.columns, LOOSE, damping, ledger, error)
            found = search.along(geometry, plan, c, solved.step / plan.eta)
        ledger.newton, ledger.dropped = ledger.newton + 1, max(ledger.dropped, operator.dropped)
        before, expected = error, expected if solved.direct else solved.iterations
        whole = found.plan is not None and found.t == 1.0
        if whole:
            damping = max(damping / 3 if found.slope > -0.5 else damping, LEAST)
        else:
            damping = min(damping * min(64.0, 1.0 / found.t if found.t > 0 else 64.0), MOST)
        ledger.plan = plan = plan if found.plan is None else found.plan
        ledger.add(error_of(plan, c), "Newton", plans=found.plans)
        count = AFTER if found.plan is not None else escape
        after = sweeps(geometry, plan, c, tolerance, ledger.left(count))
        ledger.add(after.error, "Newton", sweeps=len(after.errors) - 1, plans=after.plans)
        ledger.plan, plan, error = after.plan, after.plan, after.error
        escape = 2 * escape if found.plan is None else escape
        best, since = (error, 0) if error < 0.9 * best else (best, since + 1)
        if error > tolerance and (since == HOPELESS or error < ROUNDING):
            return Stage(plan, error, f"neither sweeps nor Newton steps reduce the error of {error:.1e} any more")
    if error <= tolerance:
        return Stage(plan, error, "")
    text = f"the limit of {ledger.limit:g} passes over the plan is reached, the error is {error:.1e}"
    return Stage(plan, error, text)


def _solved(
    operator: Operator, b: Array, forcing: float, damping: float, ledger: Ledger, error: float
) -> conjugate.Solved:  # fmt: skip
    solved = operator.solve(b, forcing, damping, ledger.left(PRODUCTS), lambda: ledger.tick(error, "Newton"))
    ledger.products += solved.iterations
    ledger.work += operator.cost * solved.iterations
    return solved
