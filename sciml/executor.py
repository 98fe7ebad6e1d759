"""The protocol of an executor: it takes cells somewhere, has them run there, and brings back what became of them.

    class MyExecutor(Executor):
        name: ClassVar[str] = "my-cluster"
        queue: str = Field("", description="where jobs wait")

        def run(self, cells, site):
            for cell in cells:                     # at most as many at a time as there are places
                yield cell, my_cluster(isolated, cell)

`sciml.campaign.isolated` runs one cell in a process of its own, which may crash or be killed at the cell's hard limit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from .cell import Answer, Cell
from .options import Options


@dataclass(frozen=True)
class Site:
    """Where a campaign runs. workers: how many cells at once; None: the executor knows best. store: absolute.
    device: as `--device` says."""

    store: Path
    workers: int | None = None
    device: str = "cpu"
    notice: Callable[[str], None] = print


class Executor(Options, ABC):
    """Base of every executor. Frozen; options are pydantic fields with a description each."""

    hard_limit: float = Field(
        0.0, ge=0, description="seconds after which a cell is killed; 0: 1.5 times the budget and 30 s, if there is one"
    )

    processes_per_cell: int = Field(
        1, ge=1, description="processes that train one model together, by torchrun; a cell that solves is one process"
    )

    @abstractmethod
    def run(self, cells: Iterator[Cell], site: Site) -> Iterator[tuple[Cell, Answer]]:
        """Yield every cell with its answer, in any order. `cells` may be long: take only what can run, or wait in a
        queue, now. Closing the iterator stops all that runs. Raises UsageError or RunFailed if nothing can run at all;
        a cell that fails is an answer."""

    def limit(self, budget: float | None) -> float | None:
        """Seconds that a cell with this budget may take."""
        if self.hard_limit:
            return self.hard_limit
        return None if budget is None else 1.5 * budget + 30.0
