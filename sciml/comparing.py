"""Many cells, one table: run what is missing, collect what is there, count what failed."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import problem_file, registry
from .atomic import replacing
from .errors import ScimlError, Stopped
from .solution import Status
from .solver import Solver
from .solving import solve


@dataclass(frozen=True)
class Row:
    """One cell of a comparison. `error` is the worst field's relative L2 error; NaN when there is none."""

    problem: str
    solver: str
    options: dict[str, object]
    seed: int
    outcome: str  # "ok", or what went wrong
    error: float = math.nan
    floor: float = math.nan
    seconds: float = math.nan
    cpu_seconds: float = math.nan
    peak_bytes: float = math.nan
    until: float | None = None
    baseline: float = math.nan  # of a ball: error of k(1 - |x|²/R²), k fitted to the reference
    cell: str = ""


def compare(
    paths: Iterable[Path],
    solvers: Iterable[Solver],
    *,
    seeds: Iterable[int] = (0,),
    on_cell: Callable[[str], None] | None = None,
    **arguments: object,
) -> list[Row]:
    """Solve every problem with every solver and seed; a failure is a row, never the end.

    `arguments` go to `solve` (store, budget, device, dtype, fresh).
    """
    rows = []
    problems = [(path, problem_file.read(path)) for path in paths]  # a bad file ends this before any work
    seeds = tuple(seeds)
    chosen = tuple(solvers)
    for path, problem in problems:
        for solver in chosen:
            for seed in seeds:
                if on_cell is not None:
                    on_cell(f"{problem.name} · {solver.name}" + (f" · seed {seed}" if len(seeds) > 1 else ""))
                rows.append(_row(path, problem.name, solver, seed, arguments))
    return rows


def _row(path: Path, name: str, solver: Solver, seed: int, arguments: dict[str, object]) -> Row:
    changed = {k: v for k, v in solver.options().items() if v != type(solver)().options()[k]}
    head: dict[str, Any] = {"problem": name, "solver": solver.name, "options": changed, "seed": seed}
    try:
        registry.require_able(solver, problem_file.read(path))
        result = solve(path, solver, seed=seed, **arguments)  # type: ignore[arg-type]
    except ScimlError as error:
        if isinstance(error, Stopped) and "Ctrl-C" in error.reason:
            raise
        return Row(**head, outcome=str(error))
    scores = result.scores or {}
    worst = max(scores.get("relative_l2", {}).items(), key=lambda item: item[1], default=("", math.nan))
    outcome = "ok" if result.solution.status is Status.OK else result.solution.message or result.solution.status.value
    return Row(
        **head, outcome=outcome, error=worst[1], floor=scores.get("floor", {}).get(worst[0], math.nan),
        seconds=result.ledger["seconds"], cpu_seconds=result.ledger["cpu_seconds"],
        peak_bytes=result.ledger["peak_bytes"], until=scores.get("until"),
        baseline=scores.get("baseline", {}).get(worst[0], math.nan), cell=result.cell,
    )  # fmt: skip


HEADINGS = ("problem", "solver", "rel. L2 error", "floor", "wall s", "CPU s", "peak MB", "outcome")
BASELINE = "k(1-|x|²)"  # the column that stands beside the error where a problem is posed in a ball


def table(rows: list[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows as text; the one-parameter fit is a column if a problem is posed in a ball."""
    if all(math.isnan(row.baseline) for row in rows):
        return HEADINGS, [cells(row) for row in rows]
    beside = ["–" if math.isnan(row.baseline) else f"{row.baseline:.1e}" for row in rows]
    return (
        (*HEADINGS[:3], BASELINE, *HEADINGS[3:]),
        [(*cells(row)[:3], text, *cells(row)[3:]) for row, text in zip(rows, beside, strict=True)],
    )


def cells(row: Row) -> tuple[str, ...]:
    """One row as text, in the order of HEADINGS."""

    def number(value: float, form: str) -> str:
        return "–" if math.isnan(value) else format(value, form)

    label = row.solver + "".join(f" {key}={value}" for key, value in row.options.items())
    error = number(row.error, ".1e") + (f" (to t={row.until:g})" if row.until is not None else "")
    if row.error <= 2 * row.floor:
        error += " (at floor)"
    return (
        row.problem, label if row.seed == 0 else f"{label} seed={row.seed}", error, number(row.floor, ".1e"),
        number(row.seconds, ".1f"), number(row.cpu_seconds, ".1f"), number(row.peak_bytes / 1e6, ".0f"), row.outcome,
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
        {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(row).items()} for row in rows
    ]
    return json.dumps(plain, indent=2)


def write_tables(rows: list[Row], folder: Path) -> list[Path]:
    """table.md, table.csv and table.json in a folder, each written atomically."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(asdict(rows[0])) if rows else ["problem"])
    writer.writeheader()
    writer.writerows(asdict(row) | {"options": json.dumps(row.options)} for row in rows)
    written = []
    for name, text in (("table.md", markdown(rows)), ("table.csv", buffer.getvalue()), ("table.json", as_json(rows))):
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
        written.append(folder / name)
    return written
