"""Rows of one problem, seeds put together: the lines of its ranking."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..row import Row
from .intervals import Estimate, over_members, over_seeds


@dataclass(frozen=True)
class Entry:
    """All seeds of one solver with one set of options. number: its place in the ranking, from 1; 0 before that."""

    label: str
    rows: tuple[Row, ...]
    number: int = 0

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def classical(self) -> bool:
        return self.first.classical

    @cached_property
    def finished(self) -> tuple[Row, ...]:
        """Ran to the end. A run that was scored up to an earlier time only is not comparable."""
        return tuple(row for row in self.rows if _ended(row))

    @cached_property
    def failures(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if not _ended(row))

    @cached_property
    def error(self) -> Estimate:
        scored = [row for row in self.finished if math.isfinite(row.error)]
        if len(scored) == 1:
            return over_members(scored[0].error, scored[0].spread, scored[0].members)
        return over_seeds([row.error for row in scored])

    @cached_property
    def seconds(self) -> Estimate:
        return over_seeds([row.seconds for row in self.finished])

    @cached_property
    def cpu_seconds(self) -> Estimate:
        return over_seeds([row.cpu_seconds for row in self.finished])

    @cached_property
    def memory(self) -> Estimate:
        """Bytes."""
        return over_seeds([row.peak_bytes for row in self.finished])

    @cached_property
    def floor(self) -> float:
        """The reference's own error; 0 where it is not known."""
        return max((row.floor for row in self.finished if not math.isnan(row.floor)), default=0.0)

    @property
    def at_floor(self) -> bool:
        return self.error.known and self.error.value <= 2 * self.floor

    @property
    def remarks(self) -> tuple[str, ...]:
        """What finished runs had to say other than "ok"."""
        return tuple(dict.fromkeys(row.outcome for row in self.finished if row.outcome != "ok"))

    def as_good_as(self, other: Entry) -> bool:
        """No difference in error is shown: intervals overlap once each is widened by the reference's own error, by
        which a measured error may be off."""
        return self.error.overlaps(other.error, max(self.floor, other.floor))


def _ended(row: Row) -> bool:
    return bool(row.cell) and row.until is None


def ranking(rows: Sequence[Row]) -> list[Entry]:
    """Of one problem, the most accurate first; of those at the floor the fastest first; then what has no error, then
    what has no run that finished."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.label(), []).append(row)
    entries = [Entry(label, tuple(group)) for label, group in groups.items()]

    def key(entry: Entry) -> tuple[int, float, float]:
        if not entry.finished:
            return 3, 0.0, 0.0
        if not entry.error.known:
            return 2, entry.seconds.value, 0.0
        return (0, entry.seconds.value, 0.0) if entry.at_floor else (1, entry.error.value, entry.seconds.value)

    return [Entry(e.label, e.rows, i) for i, e in enumerate(sorted(entries, key=key), 1)]
