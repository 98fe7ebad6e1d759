"""What got better and what got worse."""

from __future__ import annotations

import json

import made
import pytest

from sciml.errors import UsageError
from sciml.report.against import changes, read_old


def report(*rows, **more):
    return made.data(made.section(list(rows), **more))


def told(old, new, tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(old))
    found, remarks = changes(read_old(path), new)
    return {(c.label, c.what): (c.verdict, c.text) for c in found}, remarks


def test_errors_times_and_failures_that_changed_are_named(tmp_path):
    old = report(made.row("old", 1e-6, 1.0), made.row("new", 1e-3, 1.0), made.failed("new-lost"), made.row("new-gone", 1e-2))
    new = report(made.row("old", 1e-6, 4.0), made.row("new", 1e-4, 1.2), made.row("new-lost", 0.1), made.row("new-born", 0.1))
    found, remarks = told(old, new, tmp_path)
    assert remarks == []
    assert found == {
        ("old", "time"): ("worse", "1 s → 4 s (4.0 times slower)"),
        ("new", "error"): ("better", "error 0.001 → 1.0e-04 (10 times smaller)"),
        ("new-lost", "run"): ("better", "1 did not finish, now 0"),
        ("new-born", "run"): ("new", "not there before"),
        ("new-gone", "run"): ("gone", "not in this comparison"),
    }


def test_what_is_within_noise_is_no_change(tmp_path):
    seeds = range(5)
    old = report(*(made.row("new", 1e-3 * (1 + s / 10), 1.0, seed=s) for s in seeds), made.row("old", 2.5e-12, 0.01))
    new = report(*(made.row("new", 0.9e-3 * (1 + s / 10), 1.3, seed=s) for s in seeds), made.row("old", 1e-12, 0.04))
    assert told(old, new, tmp_path) == ({}, [])


def test_a_wall_time_that_cpu_time_does_not_bear_out_is_no_change(tmp_path):
    old, new = report(made.row("old", 1e-6, 1.0)), report(made.row("old", 1e-6, 4.0, cpu_seconds=1.1))
    assert told(old, new, tmp_path) == ({}, [])
    old["device"] = new["device"] = "cuda"  # there the CPU waits or not: it says nothing
    assert list(told(old, new, tmp_path)[0]) == [("old", "time")]


def test_another_machine_or_another_question_is_not_compared(tmp_path):
    old, new = report(made.row("old", 1e-6, 1.0)), report(made.row("old", 1e-6, 9.0))
    old["machine"]["processor"] = "another chip"
    found, remarks = told(old, new, tmp_path)
    assert found == {} and remarks == ["Times are not compared: another machine (then cpu, another chip; now cpu, a chip)."]
    old["problems"][0]["content_hash"] = "else"
    assert "asks for something else" in told(old, new, tmp_path)[1][1]


@pytest.mark.parametrize(("text", "sentence"), [
    ("no", "is not a report.json"), ("[]", "is not a report.json"), ('{"schema_version": 1}', "created: Field required"),
    (None, "there is no such file"),
])  # fmt: skip
def test_what_is_no_report_is_refused(tmp_path, text, sentence):
    path = tmp_path / "old.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=sentence):
        read_old(path)


def test_a_newer_schema_is_refused(tmp_path):
    path = tmp_path / "old.json"
    path.write_text(json.dumps(report(made.row("old", 1e-6)) | {"schema_version": 2}))
    with pytest.raises(UsageError, match="reads schema 1"):
        read_old(path)
