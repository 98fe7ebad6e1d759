"""How the algorithms' reports become a run's steps, and their history named series."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from .geometry import Array


class Steps(Protocol):
    """What is needed of a `sciml.run.Run`."""

    def step(self, fraction: float, state: Any = None, note: str = "") -> None: ...


def reporting(run: Steps, tolerance: float) -> Callable[[float, str, Callable[[], dict[str, Any]]], None]:
    """report(error, text, state): progress by digits of the error, checkpoints, budget."""
    worst = 0.0

    def report(error: float, text: str, state: Callable[[], dict[str, Any]]) -> None:
        nonlocal worst
        worst = max(worst, error, 10 * tolerance)
        share = math.log(worst / max(error, tolerance)) / math.log(worst / tolerance)
        run.step(min(share, 0.999), state, f"{text}, error {error:.1e}")

    return report


def series(history: list[tuple[float, float]]) -> dict[str, Array]:
    """work: in passes over the plan, and marginal_error at it."""
    work, error = np.asarray(history, dtype=np.float64).reshape(-1, 2).T
    return {"work": work, "marginal_error": error}
