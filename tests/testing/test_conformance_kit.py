"""The kit finds what it is there to find, and nothing else; every solver of ours passes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from broken_solvers import BROKEN, Euler, Writes
from heavy_solver import Heavy

from sciml import UsageError
from sciml.testing import CHECKS, check_solver, checks, kit, manufactured
from sciml.testing.kit import _name


def failing(solver, **more):
    return {o.check: o.reason for o in check_solver(solver, **more) if o.status == "failed"}


def test_a_sound_solver_passes_every_check():
    found = {o.check: o for o in check_solver(Euler)}
    assert len(found) == len(CHECKS)
    assert {name for name, o in found.items() if o.status != "passed"} == {"honest-spread"}
    assert found["honest-spread"].reason == "it states no std"


@pytest.mark.parametrize("check", sorted(BROKEN))
def test_every_check_is_failed_by_a_solver_that_breaks_it(check, monkeypatch):
    monkeypatch.setattr(checks, "PATIENCE", 0.2)
    monkeypatch.setattr(kit, "CHECKS", [c for c in CHECKS if c is not checks.light_import])  # a process each
    reasons = failing(BROKEN[check])
    assert check in reasons, reasons
    others = set(reasons) - {check}
    allowed = {"honest-spread": {"convergence"}, "repeatable": {"resumes", "convergence", "tidy"}}
    allowed |= {"stops-for-its-budget": {"stops-for-ctrl-c"}}  # it never calls run.step()
    assert others <= allowed.get(check, set()), reasons


def test_a_check_for_every_broken_promise():
    assert {_name(check) for check in CHECKS} - set(BROKEN) == {"light-import"}


def test_a_manifest_that_loads_torch():
    assert failing(Heavy)["light-import"] == "importing heavy_solver loads torch; import it inside solve()"


def test_a_solver_that_writes_into_the_problem():
    assert "the problem was changed" in failing(Writes)["answers"]


def test_expected_failures_need_reasons_and_have_to_fail():
    broken = BROKEN["accurate"]
    outcomes = {o.check: o for o in check_solver(broken, expected_failures={"accurate": "the rate is 10 % off"})}
    assert outcomes["accurate"].status == "expected" and outcomes["accurate"].reason == "the rate is 10 % off"
    assert "it holds now" in failing(Euler, expected_failures={"accurate": "once"})["accurate"]
    with pytest.raises(UsageError, match="did you mean"):
        check_solver(Euler, expected_failures={"acurate": "why"})
    with pytest.raises(UsageError, match="needs a reason"):
        check_solver(Euler, expected_failures={"accurate": " "})


def test_manufactured_problems_start_from_their_solutions():
    for task in manufactured():
        if task.problem.kind == "evolution":
            start, exact = task.problem.initial(), task.values()
            for row, name in zip(start, task.problem.equation.fields, strict=True):
                assert abs(row - exact[name][0]).max() < 1e-15
