"""From large eps to the one asked for: each value starts from the potentials of the one before.

Levels: eta doubles, from the first with eta·(spread of the costs) above FIRST on. Between levels the potential psi
(relative to the measure) is kept; errors there only need to be small (BETWEEN).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sciml.numerics.transport.geometry import weighted
from sciml.numerics.transport.result import Transported, finished
from sciml.numerics.transport.sinkhorn import start
from sciml.numerics.transport.task import Task, rate_of

from . import stage

FIRST, FACTOR = 100.0, 2.0
BETWEEN = 1e-4
LIMIT = 1e6


def levels(eta: float, spread: float, first: float = FIRST, factor: float = FACTOR) -> list[float]:
    """Values of eta, the last being the one asked for; factor 1: no other."""
    found = [eta]
    while factor > 1.0 and found[0] * spread > factor * first:
        found.insert(0, found[0] / factor)
    return found


def solve(task: Task, eps: float, tolerance: float = 1e-9, limit: float = LIMIT,
          report: stage.Report = lambda error, text, state: None,
          begin: Mapping[str, Any] | None = None, first: float = FIRST, factor: float = FACTOR,
          first_sweeps: int = 0) -> Transported:  # fmt: skip
    """limit: on the work, in passes over a plan. first, factor: of the levels; first_sweeps: see `stage.solve`.
    report(error, text, state): called once a pass, and may raise; state() is what another call takes as `begin`, to
    go on from there."""
    geometry, c = task.geometry, task.c
    ledger = stage.Ledger(limit, geometry.work, report)
    etas = levels(rate_of(eps), geometry.spread(), first, factor)
    if begin is None:
        plan = start(geometry, task.r, c, etas[0])
    else:
        etas = [eta for eta in etas if eta >= begin["eta"]] or etas[-1:]
        plan = geometry.softmin(task.r, np.asarray(begin["g"], dtype=np.float64), float(begin["eta"]))
        for name in stage.COUNTS:  # what was done before counts too
            setattr(ledger, name, begin[name])
    ledger.plans, ledger.work = ledger.plans + 2, ledger.work + 2 * geometry.work
    reason = ""
    for eta in etas:
        if eta != plan.eta:
            psi = plan.g - weighted(0.0 * c, c, plan.eta)
            psi[c == 0] = 0.0
            plan = geometry.softmin(task.r, weighted(psi, c, eta), eta)
            if not (plan.columns[c > 0] > 0).all():  # a column too far from all mass at this potential
                plan = start(geometry, task.r, c, eta)
            ledger.plans, ledger.work = ledger.plans + 1, ledger.work + geometry.work
        goal = tolerance if eta == etas[-1] else max(BETWEEN, tolerance)
        done = stage.solve(geometry, plan, c, goal, ledger, first_sweeps)
        plan, reason = done.plan, done.reason
    counts = {
        "sweeps": float(ledger.sweeps), "newton": float(ledger.newton), "products": float(ledger.products),
        "plans": float(ledger.plans), "work": ledger.work, "levels": float(len(etas)), "dropped": ledger.dropped,
    }  # fmt: skip
    text = reason or f"the error is below {tolerance:g}"
    return finished(task, plan, text, not reason, counts, ledger.history)
