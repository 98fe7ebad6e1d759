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

from . import family, problem_file, registry
from .atomic import replacing
from .errors import ScimlError, Stopped
from .learning import LearnedSolver
from .learning.models import choose
from .metrics.breakeven import breakeven
from .problem import Problem
from .solution import Status
from .solver import Solver
from .solving import DEFAULT_STORE, solve
from .solving_family import solve_family


@dataclass(frozen=True)
class Row:
    """One cell of a comparison. `error` is the worst field's relative L2 error; NaN when there is none.

    Of a family it is the mean over `members`, with its standard error `spread`; `correlated` is the mean time for which
    the correlation with the reference stays above 0.8, `valid` (of a family without axes) the mean time for which the
    error stays below 0.4, `training` the seconds that went into the model.
    """

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
    members: int = 1
    spread: float = math.nan
    correlated: float = math.nan
    valid: float = math.nan
    state_space: float = math.nan  # of a chaotic family without axes: see metrics.attractors
    training: float = math.nan
    classical: bool = True

    def label(self) -> str:
        """The solver with the options that are not at their defaults."""
        return self.solver + "".join(f" {key}={value}" for key, value in self.options.items())


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
    rows = []
    problems: list[tuple[Path, family.Family | Problem]] = [
        (path, family.read(path) if family.is_family(path) else problem_file.read(path)) for path in paths
    ]  # a bad file ends this before any work
    seeds = tuple(seeds)
    chosen = tuple(solvers)
    for path, problem in problems:
        for solver in chosen:
            for seed in seeds:
                if on_cell is not None:
                    on_cell(f"{problem.name} · {solver.name}" + (f" · seed {seed}" if len(seeds) > 1 else ""))
                rows.append(_row(path, problem, solver, seed, arguments))
    return rows


def _row(path: Path, task: family.Family | Problem, solver: Solver, seed: int, arguments: dict[str, Any]) -> Row:
    asked = {k: v for k, v in solver.options().items() if k in solver.model_fields_set}
    changed = {k: v for k, v in asked.items() if v != type(solver)().options()[k]}
    learned = isinstance(solver, LearnedSolver)
    head: dict[str, Any] = {
        "problem": task.name, "solver": solver.name, "options": changed, "seed": seed, "classical": not learned
    }  # fmt: skip
    try:
        if isinstance(task, family.Family):
            return _family_row(task, solver, seed, head, arguments)
        registry.require_able(solver, task)
        plain = {key: value for key, value in arguments.items() if key != "data"}
        result = solve(path, solver, seed=seed, **plain)
        if isinstance(solver, LearnedSolver):
            model, _ = choose(solver, task, Path(arguments.get("store", DEFAULT_STORE)), None)
            head["training"] = model.card.seconds
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


def _family_row(
    task: family.Family, solver: Solver, seed: int, head: dict[str, Any], arguments: dict[str, Any]
) -> Row:
    plain = {key: value for key, value in arguments.items() if key != "dtype"}
    result, _ = solve_family(task, solver, seed=seed, **plain)
    scores, ledger = result.scores, result.ledger
    floor = scores["floor"]
    return Row(
        **head, outcome="ok" if result.status == "OK" else result.message, error=scores["relative_l2"]["mean"],
        spread=scores["relative_l2"]["error"], floor=math.nan if floor is None else floor, seconds=ledger["seconds"],
        cpu_seconds=ledger["cpu_seconds"], peak_bytes=ledger["peak_bytes"], cell=result.cell, members=result.count,
        correlated=scores.get("high_correlation_0.8", {}).get("mean", math.nan),
        valid=scores.get("valid_time", {}).get("mean", math.nan),
        state_space=scores.get("state_space", {}).get("mean", math.nan),
        training=result.model["seconds"] if result.model else math.nan,
    )  # fmt: skip


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


HEADINGS = ("problem", "solver", "rel. L2 error", "floor", "wall s", "CPU s", "peak MB", "outcome")
BASELINE = "k(1-|x|²)"  # the column that stands beside the error where a problem is posed in a ball


def table(rows: list[Row]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Headings and rows as text. What only some problems have is a column if one of the rows has it: the error of the
    one-parameter fit in a ball, the time of high correlation of a forecast, the cost of training and when it pays."""
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
    body = [cells(row) for row in rows]
    columns = [texts for _, texts in extra]
    return (
        (*HEADINGS[:3], *(heading for heading, _ in extra), *HEADINGS[3:]),
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
