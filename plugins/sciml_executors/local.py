"""Processes of this machine: each runs one cell at a time, and may crash or be killed without harm to the others."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing.connection import wait
from typing import ClassVar

from pydantic import Field

from sciml import UsageError
from sciml.campaign import Answer, Cell, Executor, Lane, Site
from sciml.campaign.devices import cores, environments, gpus
from sciml.campaign.lane import stop

LOOK = 1.0  # seconds between looks at whether a process is still there


class LocalExecutor(Executor):
    """Workers are kept for the next cell; one that dies is replaced. With --device cuda each gets one GPU, in turn; the
    cores are shared out by OMP_NUM_THREADS, unless it is set."""

    name: ClassVar[str] = "local"
    summary: ClassVar[str] = "processes of this machine"
    gpus: str = Field("", description="CUDA devices for the workers in turn, with commas; default: all that are there")
    recycle: int = Field(1000, ge=0, description="cells after which a worker is replaced by a fresh one; 0: never")

    def run(self, cells: Iterator[Cell], site: Site) -> Iterator[tuple[Cell, Answer]]:
        found = gpus(site.device, self.gpus)
        each = self.processes_per_cell
        count = site.workers or max(1, (len(found) or cores()) // each)
        if len(set(found)) < each and found:
            raise UsageError(f"{each} processes of a cell need a GPU each; there are {len(found)}.")
        if found and count * each > len(found):
            site.notice(f"{count} workers share {len(found)} GPU(s)")
        lanes = [Lane(environment, self.recycle) for environment in environments(count, found, each)]
        try:
            while True:
                for lane in lanes:
                    if lane.cell is None and (cell := next(cells, None)) is not None:
                        lane.give(cell)
                busy = [lane for lane in lanes if lane.cell is not None]
                if not busy:
                    return
                left = [LOOK, *(seconds for lane in busy if (seconds := lane.left()) is not None)]
                wait([lane.connection for lane in busy if lane.connection is not None], min(left))
                for lane in busy:
                    answer = lane.collect()
                    if answer is not None:
                        yield answer
        finally:
            stop(lanes)
