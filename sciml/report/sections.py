"""Of each problem of a comparison everything a report says: ranking, verdict, evidence of its results."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ..evidence import About, Evidence
from ..planning import Planned
from ..row import MEASURE, Row
from .entries import Entry, ranking
from .figures.fields import worth_seeing
from .verdict import Verdict, verdict

MOST_SEEN = 200  # best entries of which result files are read: more are not drawn, and would not fit into memory
Pairs = tuple[tuple[Entry, Evidence], ...]


@dataclass(frozen=True)
class Section:
    """pairs: of the best entries those with a finished run, and the evidence of its first; arrays only of those that
    are drawn."""

    about: About
    file: str
    content_hash: str
    entries: tuple[Entry, ...]
    verdict: Verdict
    measure: str = MEASURE
    trivial: Mapping[str, float] = field(default_factory=dict)
    pairs: Pairs = ()
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    added: str = ""

    @property
    def rows(self) -> list[Row]:
        return [row for entry in self.entries for row in entry.rows]

    @property
    def failures(self) -> list[Row]:
        return [row for entry in self.entries for row in entry.failures]

    def evidence(self, entry: Entry) -> Evidence:
        return self._evidence.get(entry.number, Evidence())

    @cached_property
    def _evidence(self) -> dict[int, Evidence]:
        return {entry.number: found for entry, found in self.pairs}


def section(planned: Planned, rows: Sequence[Row], store: Path) -> Section:
    """Reads the result files of the rows. Rows of solvers that cannot take the problem are no failures: they are told
    apart."""
    rows = [row for row in rows if row.label() not in planned.refused]
    entries = ranking(rows)
    about = planned.kind.about(planned.path, planned.task)
    pairs = []
    for entry in entries[:MOST_SEEN]:
        if entry.finished:
            row = entry.finished[0]
            kept = store / row.problem / f"{row.solver}-{row.cell}.h5"
            pairs.append((entry, planned.kind.evidence(planned.path, kept)))
    drawn = worth_seeing(pairs)
    light = tuple(pair if pair in drawn else (pair[0], replace(pair[1], found={}, exact={})) for pair in pairs)
    trivial = next((row.trivial for row in rows if row.trivial and row.until is None), {})
    measures = {row.measure for row in rows if not math.isnan(row.error)} or {MEASURE}
    return Section(
        about=about, file=str(planned.path), content_hash=planned.task.content_hash, entries=tuple(entries),
        verdict=verdict(entries, trivial), measure=measures.pop() if len(measures) == 1 else "error",
        trivial=trivial, pairs=light, refused=planned.refused, added=planned.added,
    )  # fmt: skip


def command(file: str, row: Row, store: Path, device: str = "cpu") -> str:
    """The command line that repeats one run (`--fresh` runs it again where its result is kept)."""
    words = ["sciml", "solve", file, "--solver", row.solver]
    for key, value in row.options.items():
        words += ["-o", f"{key}={str(value).lower() if isinstance(value, bool) else value}"]
    words += ["--seed", str(row.seed)] if row.seed else []
    words += ["--device", device] if device != "cpu" else []
    words += ["--store", str(store)] if str(store) != "sciml-results" else []
    return shlex.join(words)
