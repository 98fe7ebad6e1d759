"""One cell in a process of its own, for executors whose workers are somebody else's processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import wait

from ..cell import Answer, Cell
from .lane import Lane, stop

_lanes = threading.local()


def isolated(
    cell: Cell, environment: Mapping[str, str] | None = None, stopped: Callable[[], bool] = lambda: False
) -> Answer:
    """Run a cell in a worker process, which this thread keeps for its next cell. That process may crash, or be killed
    at the cell's hard limit: that is the answer then.

    `stopped` is asked every second; when it says so, the cell is interrupted, saves its checkpoint, and is answered as
    busy: not done yet.
    """
    lane: Lane | None = getattr(_lanes, "lane", None)
    if lane is None or lane.environment != dict(environment or {}):
        if lane is not None:
            stop([lane])
        lane = _lanes.lane = Lane(environment)
    try:
        lane.give(cell)
        while True:
            left = lane.left()
            wait([lane.connection], 1.0 if left is None else min(left, 1.0))  # type: ignore[list-item]
            found = lane.collect()
            if found is not None:
                return found[1]
            if stopped():
                stop([lane])
                return {"busy": True}
    except BaseException:  # Ctrl-C, or a signal that ends the job: the cell is not left running
        interrupt()
        raise


def interrupt() -> None:
    """Stop what this thread has started with `isolated`, as by Ctrl-C; returns when its checkpoint is saved."""
    lane: Lane | None = getattr(_lanes, "lane", None)
    if lane is not None:
        stop([lane])
