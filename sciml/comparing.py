"""Many cells, one table: run what is missing, collect what is there, count what failed."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from .campaign.attempt import attempted
from .errors import UsageError
from .kinds import kind_of
from .metrics.breakeven import breakeven
from .planning import Planned
from .row import MEASURE, Row
from .solver import Solver
from .study import MOST_ROWS

__all__ = ["Row", "as_csv", "as_json", "cells", "compare", "markdown", "rows_of", "table"]


def compare(
    paths: Iterable[Path],
    solvers: Iterable[Solver],
    *,
    seeds: Iterable[int] = (0,),
    on_cell: Callable[[str], None] | None = None,
    **arguments: object,
) -> list[Row]:
    """Solve every problem with every solver and seed; a failure is a row, never the end.

    `arguments` go to `solve` (store, budget, device, dtype, fresh; data, for families).
    """
    chosen = tuple(solvers)
    planned = [Planned(path, kind, kind.read(path), chosen) for path in paths for kind in (kind_of(path),)]
    return [row for task in planned for row in rows_of(task, seeds=seeds, on_cell=on_cell, **arguments)]


def check_size(planned: Sequence[Planned], seeds: Sequence[int]) -> None:
    """Raises UsageError for more rows than tables and pages can hold."""
    rows = sum(len(part.solvers) for part in planned) * len(seeds)
    if rows > MOST_ROWS:
        raise UsageError(f"that are {rows} runs; one comparison holds at most {MOST_ROWS}.")


def rows_of(
    planned: Planned, *, seeds: Iterable[int] = (0,), on_cell: Callable[[str], None] | None = None, **arguments: object
) -> list[Row]:
    """The rows of one problem of a plan; see `compare`."""
    import torch  # noqa: F401  # its loading takes seconds, which would be on the bill of the first row

    rows, seeds = [], tuple(seeds)
    for solver in planned.solvers:
        for seed in seeds:
            if on_cell is not None:
                on_cell(f"{planned.task.name} · {solver.name}" + (f" · seed {seed}" if len(seeds) > 1 else ""))
            rows.append(attempted(planned.path, planned.kind, planned.task, solver, seed, arguments))
    return rows


def solves_until_paid(row: Row, rows: list[Row]) -> float:
    """After how many solves a trained model has paid for its training, against the fastest classical row of the same
    problem that is at least as accurate (correlated or valid for as long, where that is known). NaN: there is none."""
    if math.isnan(row.training):
        return math.nan
    rivals = [r for r in rows if r.classical and r.problem == row.problem and r.members == row.members]
    if not math.isnan(row.correlated):
        rivals = [r for r in rivals if r.correlated >= row.correlated]
    elif not math.isnan(row.valid):
        rivals = [r for r in rivals if r.valid >= row.valid]
    else:
        rivals = [r for r in rivals if r.error <= row.error]
    if not rivals:
        return math.nan
    return breakeven(row.training, row.seconds / row.members, min(r.seconds for r in rivals) / row.members)


HEADINGS = ("problem", "solver", MEASURE, "floor", "wall s", "CPU s", "peak MB", "outcome")
BASELINE = "k(1-|x|²)"  # the column that stands beside the error where a problem is posed in a ball


def table(rows: list[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows as text. What only some problems have is a column if one of the rows has it: the error of the
    one-parameter fit in a ball, the time of high correlation of a forecast, the cost of training and when it pays, what
    a kind of problem adds. The error's heading is what it measures, where all rows measure the same."""
    extra: list[tuple[str, list[str]]] = []

    def add(heading: str, values: list[float], form: str) -> None:
        if not all(math.isnan(value) for value in values):
            extra.append((heading, [_number(value, form) for value in values]))

    add(BASELINE, [row.baseline for row in rows], ".1e")
    add("corr. > 0.8", [row.correlated for row in rows], ".1f")
    add("error < 0.4", [row.valid for row in rows], ".2f")
    add("D_stsp", [row.state_space for row in rows], ".2f")
    add("training s", [row.training for row in rows], ".0f")
    add("pays after", [solves_until_paid(row, rows) for row in rows], ".0f")
    for heading in dict.fromkeys(heading for row in rows for heading in row.more):
        add(heading, [row.more.get(heading, math.nan) for row in rows], ".1e")
    body = [cells(row) for row in rows]
    columns = [texts for _, texts in extra]
    measures = {row.measure for row in rows if not math.isnan(row.error)} or {MEASURE}
    measure = measures.pop() if len(measures) == 1 else "error"
    return (
        (*HEADINGS[:2], measure, *(heading for heading, _ in extra), *HEADINGS[3:]),
        [(*line[:3], *(texts[i] for texts in columns), *line[3:]) for i, line in enumerate(body)],
    )


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else "never" if math.isinf(value) else format(value, form)


def cells(row: Row) -> tuple[str, ...]:
    """One row as text, in the order of HEADINGS."""
    label = row.label()
    error = _number(row.error, ".1e") + (f" (to t={row.until:g})" if row.until is not None else "")
    if not math.isnan(row.spread):
        error += f" ± {row.spread:.0e}"
    if row.error <= 2 * row.floor:
        error += " (at floor)"
    return (
        row.problem, label if row.seed == 0 else f"{label} seed={row.seed}", error, _number(row.floor, ".1e"),
        _number(row.seconds, ".1f"), _number(row.cpu_seconds, ".1f"), _number(row.peak_bytes / 1e6, ".0f"), row.outcome,
    )  # fmt: skip


def markdown(rows: list[Row]) -> str:
    headings, body = table(rows)
    lines = ["|" + "---|" * len(headings)]
    escaped = ["| " + " | ".join(text.replace("|", "\\|") for text in line) + " |" for line in (headings, *body)]
    lines = [escaped[0], *lines, *escaped[1:]]
    return "\n".join(lines) + "\n"


def as_json(rows: list[Row]) -> str:
    """Missing numbers are null: JSON has no NaN."""
    plain = [
        {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(row).items()}
        for row in rows
    ]
    return json.dumps(plain, indent=2)


def as_csv(rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(asdict(rows[0])) if rows else ["problem"])
    writer.writeheader()
    nested = ("options", "more", "trivial")
    writer.writerows(asdict(row) | {key: json.dumps(getattr(row, key)) for key in nested} for row in rows)
    return buffer.getvalue()
