"""The kits for solvers that are trained and for transport problems find what they are there to find, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import broken_learned
import broken_transport

from sciml import registry
from sciml.numerics.transport.certificate import entropic
from sciml.testing import check_solver, checks, kit, learned, transported
from sciml.testing.families import oscillators, small_families
from sciml.testing.kit import _name
from sciml.testing.measures import small_measures
from sciml.transport.routes import task_of

LEARNED = [c for c in learned.LEARNED_CHECKS if c is not checks.light_import]  # a process each; tests of the first kit
TRANSPORT = [c for c in transported.TRANSPORT_CHECKS if c is not checks.light_import]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Of the oscillators, made once for all solvers."""
    root, make = tmp_path_factory.mktemp("data"), learned.make
    return lambda family, split, _: make(family, split, root)


@pytest.fixture(autouse=True)
def quick(monkeypatch, data):
    mine = [broken_learned.Sound, *broken_learned.BROKEN.values()]
    everything = (*registry.plugins(), registry.Plugin("mine", "tests", "0", "mine", mine))
    monkeypatch.setattr(registry, "plugins", lambda: everything)
    monkeypatch.setattr(learned, "make", data)
    monkeypatch.setattr(checks, "PATIENCE", 0.2)
    monkeypatch.setattr(kit, "LEARNED_CHECKS", tuple(LEARNED))
    monkeypatch.setattr(kit, "TRANSPORT_CHECKS", tuple(TRANSPORT))


def ended(solver, status, **more):
    return {o.check: o.reason for o in check_solver(solver, **more) if o.status == status}


def test_sound_solvers_pass_every_check():
    assert set(ended(broken_learned.Sound, "passed")) == {_name(c) for c in LEARNED}
    assert set(ended(broken_transport.Plain, "passed")) == {_name(c) for c in TRANSPORT}


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(broken_learned.BROKEN))
def test_every_check_is_failed_by_a_learned_solver_that_breaks_it(check):
    reasons = ended(broken_learned.BROKEN[check], "failed", most=1)
    allowed = {
        "answers": set(), "repeatable": {"tidy", "resumes", "round-trips"}, "resumes": {"steps-are-functions"},
        "stops-for-its-budget": {"predicting-stops-for-ctrl-c"},
    }  # fmt: skip
    assert check in reasons and set(reasons) - {check} <= allowed.get(check, set()), reasons


@pytest.mark.slow
@pytest.mark.parametrize("check", sorted(broken_transport.BROKEN))
def test_every_check_is_failed_by_a_transport_solver_that_breaks_it(check):
    reasons = ended(broken_transport.BROKEN[check], "failed")
    allowed = {"answers": {"takes-odd-measures"}, "repeatable": {"tidy"}, "stops-for-its-budget": {"stops-for-ctrl-c"}}
    assert check in reasons and set(reasons) - {check} <= allowed.get(check, set()), reasons


def test_a_check_for_every_broken_promise():
    assert {_name(c) for c in LEARNED} == set(broken_learned.BROKEN)
    assert {_name(c) for c in TRANSPORT} == set(broken_transport.BROKEN)


def test_families_are_of_every_shape_and_small():
    assert [len(f.description.axes) for f in small_families()] == [0, 1, 2, 2]
    assert oscillators().split("train").count <= 4


@pytest.mark.parametrize("posed", small_measures(), ids=lambda posed: posed.problem.name)
def test_the_optimum_lies_within_the_bounds_of_any_potentials(posed):
    """The core's certificate, against another computation of the optimum."""
    problem, rng = posed.problem, np.random.default_rng(1)
    value = posed.value(problem.eps)
    for size in (0.0, 0.05, 0.5):
        phi, psi = (size * rng.normal(size=n) for n in problem.shape)
        found = entropic(task_of(problem), phi, psi, problem.eps)
        assert found.lower <= value * (1 + 1e-12) and value <= found.upper * (1 + 1e-12)
