"""What a SLURM job does: its cells, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sciml.campaign import Answer, Cell, isolated
from sciml.campaign.isolated import interrupt


@dataclass
class Batch:
    """cells: as plain data, because submitit pickles it."""

    cells: list[dict[str, Any]]
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> list[Answer]:
        return [isolated(Cell(**cell), self.environment) for cell in self.cells]

    def checkpoint(self) -> Any:
        """Called by submitit when the job is preempted or its time is over: the cell in progress saves its checkpoint,
        and the job that is requeued finds what was finished in the store."""
        from submitit.helpers import DelayedSubmission

        interrupt()
        return DelayedSubmission(Batch([Cell(**cell).again().as_plain() for cell in self.cells], self.environment))
