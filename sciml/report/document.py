"""The whole report as plain data: what report.json holds, and what page and text are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

import numpy as np

from .. import registry
from ..comparing import solves_until_paid
from ..errors import UsageError
from ..evidence import Curve, Evidence
from ..provenance import processor, versions
from .entries import Entry
from .intervals import Estimate
from .sections import Section, command

SCHEMA = 1
MOST_POINTS = 1000  # of a curve


@dataclass(frozen=True)
class Request:
    """What was asked on the command line, or in a study."""

    command: str
    store: Path
    title: str = ""
    seeds: tuple[int, ...] = (0,)
    budget: float | None = None
    device: str = "cpu"
    dtype: str = "float64"


def document(sections: Sequence[Section], request: Request) -> dict[str, Any]:
    records = [found.provenance for part in sections for _, found in part.pairs if found.provenance]
    machines = {(p.get("processor", ""), p.get("accelerator", "")) for p in records}
    machines = machines or {(processor(), "none")}
    solvers = list(dict.fromkeys(row.solver for part in sections for row in part.rows))
    whole: dict[str, Any] = plain({
        "schema_version": SCHEMA, "title": request.title or _title(sections), "command": request.command,
        "created": datetime.now(UTC).isoformat(timespec="seconds"), "seeds": list(request.seeds),
        "budget": request.budget, "device": request.device, "dtype": request.dtype,
        "machine": {
            "processor": " / ".join(sorted({name for name, _ in machines})),
            "accelerator": " / ".join(sorted({name for _, name in machines})),
            "count": len(machines), "cores": records[0].get("cores") if records else None,
        },
        "versions": records[-1].get("versions", {}) if records else versions(),
        "version_sets": len({tuple(sorted(p.get("versions", {}).items())) for p in records}) or 1,
        "precision": records[-1].get("precision", {}) if records else {},
        "problems": [_problem(part, request) for part in sections],
        "citations": _citations(solvers), "licences": _licences(solvers),
    })  # fmt: skip
    return whole


def _title(sections: Sequence[Section]) -> str:
    return "Comparison: " + ", ".join(dict.fromkeys(part.about.name for part in sections))


def _problem(part: Section, request: Request) -> dict[str, Any]:
    return {
        "name": part.about.name, "title": part.about.title, "about": part.about.text, "file": part.file,
        "content_hash": part.content_hash, "equation": part.about.equation, "facts": list(part.about.facts),
        "reference": part.about.reference, "lyapunov": part.about.lyapunov, "measure": part.measure,
        "verdict": {"lead": part.verdict.lead, "details": list(part.verdict.details), "tone": part.verdict.tone},
        "trivial": dict(part.trivial), "added_classical": part.added,
        "not_applicable": {name: list(why) for name, why in part.refused.items()},
        "ranking": [_entry(part, entry) for entry in part.entries],
        "runs": [
            asdict(row)
            | {"label": row.label(), "command": command(part.file, row, request.store, request.device)}
            for entry in part.entries for row in entry.rows
        ],
    }  # fmt: skip


def _entry(part: Section, entry: Entry) -> dict[str, Any]:
    row, found = (entry.finished or entry.rows)[0], part.evidence(entry)
    return {
        "number": entry.number, "label": entry.label, "solver": row.solver, "changed": dict(row.options),
        "options": dict(found.options), "classical": entry.classical, "runs": len(entry.rows),
        "failed": len(entry.failures), "error": _estimate(entry.error), "seconds": _estimate(entry.seconds),
        "cpu_seconds": _estimate(entry.cpu_seconds), "peak_bytes": _estimate(entry.memory),
        "floor": entry.floor or None, "at_floor": entry.at_floor, "remarks": list(entry.remarks),
        "members": row.members,
        "training_seconds": row.training, "pays_after": solves_until_paid(row, part.rows),
        "pays": not math.isnan(row.training) and math.isfinite(solves_until_paid(row, part.rows)),
        "valid_time": row.valid if not math.isnan(row.valid) else found.scores.get("valid_time") or math.nan,
        "valid_throughout": _throughout(found), "correlated": row.correlated, "more": dict(row.more),
        "coverage": found.coverage, "coverage_raw": found.coverage_raw,
        "drift": found.scores.get("drift", {}), "ledger": dict(found.ledger), "not_better_than": _unbeaten(part, entry),
        "kernels": found.provenance.get("kernels", {}), "model": found.model, "curve": _curve(found.curve),
        "floor_curve": _curve(found.floor), "spectrum": found.spectrum, "reference_spectrum": found.exact_spectrum,
    }  # fmt: skip


def _unbeaten(part: Section, entry: Entry) -> str:
    """The baseline that an entry does not beat; empty where it beats all, or that is not known."""
    name, error = min(part.trivial.items(), key=lambda item: item[1], default=("", math.inf))
    return name if entry.error.value >= error else ""


def _throughout(found: Evidence) -> bool:
    """Whether a forecast holds to the last time."""
    times, valid = found.times, found.scores.get("valid_time")
    return times is not None and isinstance(valid, float) and valid >= times[-1] - times[0]


def _estimate(found: Estimate) -> dict[str, Any]:
    return asdict(found) | {"words": found.words}


def _curve(curve: Curve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    kept = slice(None, None, -(-len(curve.x) // MOST_POINTS))
    return {"x_label": curve.x_label, "y_label": curve.y_label, "x": curve.x[kept], "y": curve.y[kept]}


def _citations(names: Sequence[str]) -> list[dict[str, str]]:
    """BibTeX by solver; solvers of one source share an entry."""
    found: dict[str, list[str]] = {}
    for name in names:
        try:
            text = registry.get_solver(name).citation.strip()
        except UsageError:  # rows may come from a solver that is not installed here any more
            text = ""
        if text:
            found.setdefault(text, []).append(name)
    return [{"solvers": ", ".join(solvers), "bibtex": text} for text, solvers in found.items()]


def _licences(names: Sequence[str]) -> dict[str, str]:
    """Of the distributions that the solvers come from."""
    found = {}
    for distribution in sorted({"sciml-toolkit", *(_distribution(name) for name in names)} - {""}):
        try:
            about = metadata(distribution).json
        except PackageNotFoundError:
            continue
        found[distribution] = str(about.get("license_expression") or about.get("license") or "not stated")
    return found


def _distribution(name: str) -> str:
    try:
        return registry.plugin_of(registry.get_solver(name)).distribution
    except UsageError:
        return ""


def plain(value: Any) -> Any:
    """As JSON has it: arrays are lists of numbers with six digits, what is not finite is null."""
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, np.ndarray):
        return [None if not math.isfinite(v) else float(f"{v:.6g}") for v in value.ravel().tolist()]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return str(value)
