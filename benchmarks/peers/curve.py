"""Error against time of a method under training. Runs in the peer's own environment: needs only numpy.

Each measured point is one line on standard output, `POINT {json}`, which peers/race.py reads. The clocks
stand still while an error is measured.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np

FIRST, GROWTH = 1.0, 1.05  # seconds to the first point, and factor (or FIRST seconds more) from each to the next


class Curve:
    """target: an npz file with `points` (n, dimensions) and `truth` (n,)."""

    def __init__(self, target: str, budget: float) -> None:
        with np.load(target) as data:
            self.points, self.truth = data["points"], data["truth"]
        self.budget = budget
        self._due = FIRST
        self.start()

    def start(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._wall

    @property
    def due(self) -> bool:
        return self.seconds >= self._due

    @property
    def spent(self) -> bool:
        return self.seconds >= self.budget

    def measure(self, predict: Callable[[np.ndarray], np.ndarray], iteration: int, phase: str) -> None:
        """Print relative L2 error over the target's points, at the time before it was asked for."""
        seconds, cpu = self.seconds, time.process_time() - self._cpu
        wall, process = time.monotonic(), time.process_time()
        difference = np.asarray(predict(self.points), dtype=np.float64).reshape(-1) - self.truth
        error = float(np.linalg.norm(difference) / np.linalg.norm(self.truth))
        point = {"seconds": seconds, "cpu": cpu, "error": error, "iteration": iteration, "phase": phase}
        print("\nPOINT " + json.dumps(point), flush=True)
        self._due = max(seconds + FIRST, seconds * GROWTH)
        self._wall += time.monotonic() - wall
        self._cpu += time.process_time() - process
