"""Learning rates as a share of the largest, over the course of training."""

from __future__ import annotations

import math

RISE = 0.2  # share of a one-cycle's steps that rise
WARM = 0.01  # share of a cosine's steps that rise from nothing


def rate(schedule: str, progress: float, final: float) -> float:
    """At `progress` in [0, 1], between 0 and 1; `final` is the last value. A one-cycle starts at half the largest."""
    if schedule == "constant":
        return 1.0
    if schedule == "one-cycle" and progress < RISE:
        return 0.75 - 0.25 * math.cos(math.pi * progress / RISE)
    start = RISE if schedule == "one-cycle" else WARM
    if progress < start:
        return progress / start
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (progress - start) / (1 - start)))
