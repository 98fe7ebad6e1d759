"""Metrics of plugins: what they are shown, where their numbers stand, what happens when one fails."""

from __future__ import annotations

import json
from typing import ClassVar

import numpy as np
import pytest

from sciml import Metric, registry
from sciml.files.problem_file import read, write
from sciml.reference.values import Reference
from sciml.scoring.measuring import measured, metric_columns, metric_lines
from sciml.solution import Solution


class LastMean(Metric):
    name: ClassVar[str] = "last-square"
    version: ClassVar[str] = "2"
    summary: ClassVar[str] = "mean square at the last time over the reference's, less one"

    def measure(self, problem, values, reference, times):
        assert len(times) == len(values["u"]) == len(reference["u"])
        found = abs((values["u"][-1] ** 2).mean() / (reference["u"][-1] ** 2).mean() - 1)
        values["u"][:] = reference["u"][:] = times[:] = 0  # its own copies
        return found


class Absent(LastMean):
    name: ClassVar[str] = "absent"

    def applies(self, problem):
        return len(problem.grid.axes) == 3


class Raises(LastMean):
    name: ClassVar[str] = "raises"

    def measure(self, problem, values, reference, times):
        raise ValueError("no such thing\nand more")


class Infinite(LastMean):
    name: ClassVar[str] = "infinite"

    def measure(self, problem, values, reference, times):
        return np.inf


@pytest.fixture
def plugin(monkeypatch):
    mine = registry.Plugin("mine", "tests", "0", "nowhere", metrics=[LastMean, Absent, Raises, Infinite])
    everything = (*registry.plugins(), mine)
    monkeypatch.setattr(registry, "plugins", lambda: everything)


@pytest.fixture
def scored(ks_file):
    """The small problem with a reference, and that reference as a solution."""
    problem = read(ks_file)
    times = problem.grid.times
    exact = {"u": np.exp(-times)[:, None] * np.sin(problem.grid.axes[0].points())}
    reference = Reference(exact, {"u": 1e-9}, {"u": np.full(len(times), 1e-9)}, "a formula of a test", {})
    write(ks_file, problem, reference)
    return problem, reference


def test_numbers_stand_beside_those_of_the_reference_and_of_persistence(plugin, scored) -> None:
    problem, reference = scored
    reached = problem.grid.times[5]
    values = {"u": 2 * reference.values["u"]}
    values["u"][6:] = np.nan
    before = values["u"].copy()
    found = measured(problem, Solution(values, reached=reached), reference)
    assert set(found) == {f"mine/{name} 2" for name in ("last-square", "raises", "infinite")}
    numbers = found["mine/last-square 2"]
    assert numbers["value"] == pytest.approx(3) and numbers["of_reference"] == 0
    assert numbers["of_trivial"] == pytest.approx(np.exp(2 * reached) - 1)
    np.testing.assert_array_equal(values["u"], before)
    assert found["mine/raises 2"] == {"failed": "ValueError: no such thing"}
    assert found["mine/infinite 2"] == {"failed": "value is not finite"}
    assert metric_lines(found)[0].startswith("metric      mine/last-square 2: 3 (0 of the reference itself")
    assert "failed, ValueError" in metric_lines(found)[1]
    assert np.isnan(metric_columns(found)["mine/raises 2"])


def test_nothing_is_measured_without_a_reference_or_before_the_first_output(plugin, scored) -> None:
    problem, reference = scored
    solution = Solution(dict(reference.values))
    assert measured(problem, solution, None) == {}
    assert measured(problem, Solution(dict(reference.values), reached=-1.0), reference) == {}


def test_results_tables_and_reports_show_it(plugin, scored, ks_file, cli, tmp_path) -> None:
    store = tmp_path / "store"
    done = cli("solve", ks_file, "-s", "etdrk4", "--store", store)
    assert "metric      mine/last-square 2:" in done.out and "mine/raises 2: failed" in done.out
    done = cli("compare", ks_file, "--solvers", "etdrk4", "--store", store, "-o", tmp_path / "report")
    assert done.code == 0 and "last-square 2" in done.out
    report = json.loads((tmp_path / "report/report.json").read_text())
    (entry,) = report["problems"][0]["ranking"]
    assert entry["more"]["mine/last-square 2"] > 0 and entry["more"]["mine/raises 2"] is None
    assert "mine/last-square 2" in (tmp_path / "report/report.html").read_text()
    listed = cli("plugins", "--json").out
    assert "last-square 2" in next(p["metrics"] for p in json.loads(listed) if p["plugin"] == "mine")
