"""Line search on the semi-dual function F(g) = Σ r phi(g) + Σ c g, which is concave.

Armijo's condition F(g + t d) >= F(g) + DELTA t F'(g; d) follows from the slope at the end where that is still at least
DELTA F'(g; d); where it is not, it is tested; and where the gain is below the rounding of F, the approximate condition
of Hager & Zhang (SIAM J. Optim. 16, 2005, eq. 4.1) on the slope stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sciml.numerics.transport.geometry import Array, Geometry, Plan

DELTA = 1e-2
TRIES = 12
ROUNDING = 1e-13


@dataclass
class Found:
    """plan: at g + t d, or None where no t served; slope: F' at the end over F' at the start; plans: computed."""

    plan: Plan | None
    t: float
    slope: float
    plans: int


def along(geometry: Geometry, plan: Plan, c: Array, d: Array) -> Found:
    """d: (m,), a direction of ascent for g."""
    inside = c > 0
    slope = float((c - plan.columns) @ d)
    if not slope > 0 or not np.isfinite(d).all():
        return Found(None, 0.0, 1.0, 0)
    base = plan.dual(c)
    rounding = ROUNDING * float(plan.r @ np.abs(plan.phi) + c[inside] @ np.abs(plan.g[inside]))
    t = 1.0
    for tried in range(1, TRIES + 1):
        new = geometry.softmin(plan.r, plan.g + t * d, plan.eta)
        end = float((c - new.columns) @ d)
        gain = t * slope
        enough = end >= DELTA * slope or (
            new.dual(c) - base >= DELTA * gain if gain > rounding else end >= (2 * DELTA - 1) * slope
        )
        if enough and (new.columns[inside] > 0).all():
            return Found(new, t, end / slope, tried)
        t *= min(max(slope / (slope - end), 0.1), 0.5) if end < slope else 0.1
    return Found(None, t, 1.0, TRIES)
