"""Whether to leave Sinkhorn's algorithm for Newton steps: by its measured rate, in passes over the plan.

A sweep costs one pass and multiplies the error by rho, in the end sigma_2². A step of conjugate gradients costs one
pass too and has the rate (1 - s)/(1 + s), s = sqrt(1 - rho); a Newton step costs a new plan and a few sweeps besides.
"""

from __future__ import annotations

import math

OBSERVED = 6  # sweeps over which the rate is measured
EVERY = 5  # sweeps between two decisions
FEWEST = 3  # Newton steps, at least


def rate(errors: list[float]) -> float:
    """Mean factor per sweep over the last sweeps; 1 where there was no progress."""
    back = min(OBSERVED, len(errors) - 1)
    if back < 1 or not errors[-1] < errors[-1 - back]:
        return 1.0
    return float((errors[-1] / errors[-1 - back]) ** (1.0 / back))


def sweeps_left(errors: list[float], tolerance: float) -> float:
    """Sweeps to the tolerance at the present rate."""
    rho = rate(errors)
    if errors[-1] <= tolerance:
        return 0.0
    return math.inf if rho >= 1.0 else math.log(errors[-1] / tolerance) / -math.log(rho)


def newton_work(errors: list[float], tolerance: float, per_step: float) -> float:
    """Passes that Newton steps would take: products at the rate of conjugate gradients, and per_step a step."""
    gap = math.sqrt(max(1.0 - rate(errors), 1e-16))
    products = math.log(2.0 * max(errors[-1] / tolerance, 1.0)) / (2.0 * gap)
    halvings = max(math.log(tolerance) / math.log(min(errors[-1], 0.5)), 1.0)  # quadratic: digits double
    return products + per_step * max(FEWEST, math.ceil(math.log2(halvings)))


def leave(errors: list[float], tolerance: float, per_step: float) -> bool:
    """True once Newton steps are predicted to be cheaper than the sweeps that are left."""
    decided = len(errors) > 2 * EVERY and (len(errors) - 1) % EVERY == 0
    return decided and newton_work(errors, tolerance, per_step) < sweeps_left(errors, tolerance)
