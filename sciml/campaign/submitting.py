"""A whole campaign: cells in, an executor between, rows out, as they come into a file and in their order at the end."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from .. import registry
from ..cell import Cell
from ..errors import RunFailed
from ..executor import Executor, Site
from ..files.atomic import unwritable
from ..planning import Planned
from ..row import Row
from .store import store_id

PAUSE = (0.2, 30.0)  # seconds between looks at cells that other processes are at: the first, and the longest
TELL = 5.0  # seconds between words about how far it is


def cells_of(
    planned: Sequence[Planned], executor: Executor, site: Site, *, seeds: Sequence[int], budget: float | None = None,
    dtype: str = "float64", fresh: bool = False, data: Path = Path("sciml-data"), work: str = "solve",
) -> Iterator[Cell]:  # fmt: skip
    """Problem by problem, solver by solver, seed by seed; made one at a time."""
    known, number = store_id(site.store), 0
    for part in planned:
        for solver in part.solvers:
            first = Cell(
                number=number, path=str(part.path.resolve()), problem=part.task.name, content=part.task.content_hash,
                solver=f"{registry.plugin_of(type(solver)).name}/{solver.name}", label=solver.name,
                version=solver.version, options=solver.asked(), changed=solver.changed(), classical=solver.classical,
                seed=0, device=site.device, dtype=dtype, budget=budget, store=str(site.store), store_id=known,
                data=str(data.resolve()), fresh=fresh, hard_limit=executor.limit(budget), work=work,
                processes=executor.processes_per_cell if work == "train" else 1,
            )  # fmt: skip
            for seed in seeds:
                yield replace(first, number=number, seed=seed)
                number += 1


def campaign(
    planned: Sequence[Planned], executor: Executor, site: Site, *, seeds: Sequence[int], record: Path | None = None,
    **arguments: Any,
) -> list[list[Row]]:  # fmt: skip
    """The rows of each part of a plan, in its order. record: a file of JSON lines, to which every row is added as it
    comes. `arguments` as `cells_of` takes them.

    Cells that another process is at, another campaign in the same store maybe, are put off: two campaigns share the
    work. Ctrl-C stops everything that was started.
    """
    sizes = [len(part.solvers) * len(seeds) for part in planned]
    rows: list[Row | None] = [None] * sum(sizes)
    lines = nullcontext(None) if record is None else _opened(record)
    with lines as file:
        told = _Told(len(rows), site.notice)
        cells, pause = cells_of(planned, executor, site, seeds=seeds, **arguments), PAUSE[0]
        while True:
            busy = _round(executor, cells, site, rows, file, told)
            if not busy:
                break
            told.waiting(len(busy), pause)
            time.sleep(pause)
            cells, pause = iter(busy), min(2 * pause, PAUSE[1])
    lost = [number for number, row in enumerate(rows) if row is None]
    if lost:
        raise RunFailed(f"the executor {executor.name} has lost {len(lost)} of {len(rows)} cells; run again.")
    found, start = [], 0
    for size in sizes:
        found.append([row for row in rows[start : start + size] if row is not None])
        start += size
    return found


def _round(
    executor: Executor, cells: Iterator[Cell], site: Site, rows: list[Row | None], file: IO[str] | None, told: _Told
) -> list[Cell]:
    """Run cells once each; those that others are at come back."""
    busy = []
    with closing(executor.run(cells, site)) as answers:  # type: ignore[type-var]
        for cell, answer in answers:
            if rows[cell.number] is not None:
                raise RunFailed(f"the executor {executor.name} has answered a cell twice.")
            if answer.get("busy"):
                busy.append(cell)
                continue
            row = rows[cell.number] = Row(**answer["row"])
            if file is not None:
                file.write(json.dumps(strict({"number": cell.number, "time": time.time()} | asdict(row))) + "\n")
                file.flush()
            told.row(row)
    return busy


class _Told:
    """How far it is, said now and then."""

    def __init__(self, total: int, notice: Callable[[str], None]) -> None:
        self.total, self.notice, self.done, self.failed, self.last = total, notice, 0, 0, time.monotonic()
        self.others = False

    def row(self, row: Row) -> None:
        self.done += 1
        self.failed += not row.cell
        now = time.monotonic()
        if now - self.last > TELL or self.done == self.total:
            self.last = now
            failed = f", {self.failed} of them without a result" if self.failed else ""
            self.notice(f"{self.done} of {self.total} cells{failed}")

    def waiting(self, count: int, pause: float) -> None:
        if not self.others and pause >= 1:
            self.others = True
            self.notice(f"other processes are at {count} of these cells; waiting for their results")


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from None


def strict(value: Any) -> Any:
    """As JSON has it, which knows no NaN."""
    if isinstance(value, dict):
        return {key: strict(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
