"""An older report beside this one: what got better, what got worse, beyond intervals and the noise of timing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import UsageError
from ..files.regular import read_text
from .intervals import Estimate
from .words import number, seconds, times

NOISE = 1.5  # times that differ by less are not called different
SHORTEST = 0.2  # seconds below which no difference of times is called one: libraries load, kernels compile
BORNE_OUT = 1.25  # on a CPU: factor by which CPU times must differ too; other programs slow wall time only
SAME = 1.05  # errors of single runs that differ by less are not called different
MOST_BYTES = 200_000_000


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class OldEstimate(_Loose):
    value: float | None
    low: float | None
    high: float | None
    count: int
    kind: str

    def estimate(self) -> Estimate:
        value, low, high = (math.nan if v is None else v for v in (self.value, self.low, self.high))
        return Estimate(value, low, high, self.count, self.kind)


class OldEntry(_Loose):
    label: str
    error: OldEstimate
    seconds: OldEstimate
    cpu_seconds: OldEstimate
    floor: float | None
    failed: int


class OldProblem(_Loose):
    name: str
    content_hash: str = ""
    ranking: list[OldEntry]


class OldMachine(_Loose):
    processor: str = ""
    accelerator: str = ""


class OldReport(_Loose):
    """Of report.json what a comparison needs."""

    schema_version: int
    created: str
    device: str
    machine: OldMachine
    problems: list[OldProblem]


@dataclass(frozen=True)
class Change:
    """what: "error", "time" or "run". verdict: "better", "worse", "new" or "gone"."""

    problem: str
    label: str
    what: str
    verdict: str
    text: str


def read_old(path: Path) -> OldReport:
    """Raises UsageError for anything that is not a report.json of ours."""
    text = read_text(path, MOST_BYTES)
    try:
        report = OldReport.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise UsageError(f"{path} is not a report.json of `sciml compare` ({where}: {first['msg']}).") from None
    if report.schema_version != 1:
        raise UsageError(f"{path} has schema {report.schema_version}; this version of sciml reads schema 1.")
    return report


def changes(old: OldReport, new: dict[str, Any]) -> tuple[list[Change], list[str]]:
    """new: this report as plain data (see `document`). The second list: what could not be compared, and why."""
    found, remarks = [], []
    now = OldReport.model_validate(new)
    same_machine = old.machine == now.machine and old.device == now.device
    if not same_machine:
        there, here = (f"{report.device}, {report.machine.processor or 'unknown'}" for report in (old, now))
        remarks.append(f"Times are not compared: another machine (then {there}; now {here}).")
    before = {problem.name: problem for problem in old.problems}
    for problem in now.problems:
        then = before.pop(problem.name, None)
        if then is None:
            remarks.append(f"{problem.name} is new.")
            continue
        if then.content_hash != problem.content_hash:
            remarks.append(f"{problem.name} asks for something else than it did: it is not compared.")
            continue
        found += _problem(then, problem, same_machine, now.device == "cpu")
    remarks += [f"{name} is not in this comparison." for name in before]
    return found, remarks


def _problem(old: OldProblem, new: OldProblem, same_machine: bool, on_cpu: bool) -> list[Change]:
    found, before = [], {entry.label: entry for entry in old.ranking}
    for entry in new.ranking:
        then = before.pop(entry.label, None)
        if then is None:
            text = "not there before"
            found.append(Change(new.name, entry.label, "run", "new", text))
            continue
        if bool(then.failed) != bool(entry.failed):
            verdict = "better" if then.failed else "worse"
            text = f"{then.failed} did not finish, now {entry.failed}"
            found.append(Change(new.name, entry.label, "run", verdict, text))
        found += _error(new.name, then, entry)
        if same_machine:
            found += _time(new.name, then, entry, on_cpu)
    return found + [Change(new.name, label, "run", "gone", "not in this comparison") for label in before]


def _error(problem: str, old: OldEntry, new: OldEntry) -> Sequence[Change]:
    a, b = old.error.estimate(), new.error.estimate()
    if not (a.known and b.known) or a.overlaps(b, max(old.floor or 0.0, new.floor or 0.0)):
        return ()
    ratio = max(a.value, b.value) / max(min(a.value, b.value), 1e-300)
    if ratio < SAME:
        return ()
    verdict, size = ("better", "smaller") if b.value < a.value else ("worse", "larger")
    text = f"error {number(a.value)} → {number(b.value)} ({times(ratio)} times {size})"
    return (Change(problem, new.label, "error", verdict, text),)


def _time(problem: str, old: OldEntry, new: OldEntry, on_cpu: bool) -> Sequence[Change]:
    a, b = old.seconds.estimate(), new.seconds.estimate()
    if not (a.known and b.known) or a.overlaps(b) or abs(a.value - b.value) < SHORTEST:
        return ()
    ratio = max(a.value, b.value) / max(min(a.value, b.value), 1e-9)
    first, second = old.cpu_seconds.estimate().value, new.cpu_seconds.estimate().value
    borne_out = BORNE_OUT * min(first, second) <= max(first, second) and (first < second) == (a.value < b.value)
    if ratio < NOISE or (on_cpu and not borne_out):
        return ()
    verdict, pace = ("better", "faster") if b.value < a.value else ("worse", "slower")
    text = f"{seconds(a.value)} → {seconds(b.value)} ({times(ratio)} times {pace})"
    return (Change(problem, new.label, "time", verdict, text),)
