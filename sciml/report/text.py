"""report.md: the same as Markdown, without pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .against import Change
from .words import between, number, plural, seconds

MOST_LINES = 200  # of a ranking, and of its runs


def markdown(
    data: dict[str, Any], changed: Sequence[Change] | None = None, remarks: Sequence[str] = (), older: str = ""
) -> str:
    """data: as `document` makes it."""
    lines = [f"# {data['title']}", ""]
    for problem in data["problems"]:
        told = problem["verdict"]
        lines += [f"**{problem['name']}.** **{told['lead']}** {' '.join(told['details'])}".rstrip(), ""]
    if changed is not None:
        lines += [f"## Against {older}", "", *change_lines(changed), *(f"- {r}" for r in remarks), ""]
    for problem in data["problems"]:
        lines += _problem(problem)
    lines += ["## How this was made", "", f"    {data['command']}", ""]
    machine = data["machine"]
    lines += [
        f"- {machine['processor']}, accelerator: {machine['accelerator']}; {data['dtype']} on {data['device']}",
        f"- seeds {', '.join(str(s) for s in data['seeds'])}",
        "- " + ", ".join(f"{k} {v}" for k, v in data["versions"].items()), "",
    ]  # fmt: skip
    for cited in data["citations"]:
        lines += [f"{cited['solvers']}:", "", *(f"    {line}" for line in cited["bibtex"].splitlines()), ""]
    return "\n".join(lines).rstrip() + "\n"


def change_lines(changed: Sequence[Change]) -> list[str]:
    """One a change; one that says so where there is none."""
    if not changed:
        return ["Nothing got better or worse beyond intervals (errors) and a factor 1.5 (times)."]
    return [f"- {c.verdict}: {c.problem}, {c.label}, {c.what}: {c.text}" for c in changed]


def _problem(problem: dict[str, Any]) -> list[str]:
    lines = [f"## {problem['name']}", "", *(f"    {line}" for line in problem["equation"].splitlines()), ""]
    lines += [f"Reference: {problem['reference']}", ""]
    if problem["added_classical"]:
        lines += [f"{problem['added_classical']} was not asked for: a classical row for comparison.", ""]
    head = ("#", "solver", problem["measure"], "interval", "wall time", "peak MB", "runs", "remarks")
    body = [_line(entry) for entry in problem["ranking"][:MOST_LINES]]
    body += [("·", f"{k} (baseline)", number(v), "", "0", "", "", "") for k, v in problem["trivial"].items()]
    lines += [_joined(head), "|" + "---|" * len(head), *(_joined(row) for row in body), ""]
    lines += _rest("lines", problem["ranking"])
    failed = [run for run in problem["runs"] if not run["cell"] or run["until"] is not None]
    if failed:
        lines += [f"Did not finish ({plural(len(failed), 'run')}):", ""]
        lines += [f"- {run['label']}, seed {run['seed']}: {run['outcome']}" for run in failed[:MOST_LINES]] + [""]
        lines += _rest("failures", failed)
    if problem["not_applicable"]:
        lines += ["Not applicable:", ""]
        lines += [f"- {name}: {'; '.join(why)}" for name, why in problem["not_applicable"].items()] + [""]
    lines += ["Commands and cells:", ""]
    runs = problem["runs"]
    lines += [f"- `{run['command']}` → `{run['cell'] or 'no result'}`" for run in runs[:MOST_LINES]] + [""]
    return lines + _rest("runs", runs)


def _rest(what: str, items: Sequence[Any]) -> list[str]:
    """What is left out, where something is."""
    if len(items) <= MOST_LINES:
        return []
    return [f"These are the first {MOST_LINES} of {len(items)} {what}; report.json holds all.", ""]


def _line(entry: dict[str, Any]) -> tuple[str, ...]:
    error, spent, memory = (_value(entry[key]) for key in ("error", "seconds", "peak_bytes"))
    remarks = [*(["at reference floor"] if entry["at_floor"] else []), *entry["remarks"]]
    remarks += [f"no better than {entry['not_better_than']}"] if entry["not_better_than"] else []
    if entry["training_seconds"] is not None:
        pays = f"pays after {entry['pays_after']:.0f} solves" if entry["pays"] else "never pays here"
        remarks.append(f"trained in {seconds(entry['training_seconds'])}, {pays}")
    if entry["coverage"] is not None:
        remarks.append(f"1.96 standard deviations hold {100 * entry['coverage']:.1f} %")
    interval = ""
    if entry["error"]["kind"] not in ("one", "none"):
        interval = between(_or_nan(entry["error"]["low"]), _or_nan(entry["error"]["high"]))
    return (
        str(entry["number"]), entry["label"] + (" (classical)" if entry["classical"] else ""), number(error), interval,
        seconds(spent), "–" if math.isnan(memory) else f"{memory / 1e6:.0f}",
        f"{entry['runs'] - entry['failed']}/{entry['runs']}", "; ".join(remarks),
    )  # fmt: skip


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _value(estimate: dict[str, Any]) -> float:
    return _or_nan(estimate["value"])


def _joined(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
