"""A family's members one after the other: stopped and resumed, the same answers."""

from __future__ import annotations

import numpy as np
import pytest
from sciml_classical.solver import Etdrk4
from tiny_learner import family as heat

from sciml import Run, Solution, Status
from sciml.errors import Stopped
from sciml.one_by_one import packed, unpacked


def test_stopped_and_resumed_gives_the_same_answers_without_solving_twice(tmp_path, monkeypatch):
    problems = [heat().draw("test", i) for i in range(4)]
    solver = Etdrk4(step=0.1)
    whole = solver.solve_all(problems, Run())
    calls, solve = [], Etdrk4.solve

    def counted(self, problem, run):
        calls.append(problem.name)
        return solve(self, problem, run)

    monkeypatch.setattr(Etdrk4, "solve", counted)
    run = Run(folder=tmp_path, checkpoint_every=0.0)
    step = run.step

    def stops_after_two(fraction, state=None, note=""):
        if fraction >= 0.5:
            run._interrupted = True
        step(fraction, state, note)

    monkeypatch.setattr(run, "step", stops_after_two)
    with pytest.raises(Stopped, match="run the same command again"):
        solver.solve_all(problems, run)
    again = solver.solve_all(problems, Run(folder=tmp_path))
    assert calls == [p.name for p in problems]
    for a, b in zip(whole, again, strict=True):
        np.testing.assert_array_equal(a.values["u"], b.values["u"])
        assert a.cost == b.cost and a.status is b.status and a.reached == b.reached


def test_everything_but_the_history_survives_a_checkpoint(tmp_path):
    rng = np.random.default_rng(0)
    answers = [
        Solution({"u": rng.normal(size=(2, 3))}, Status.PARTIAL, 0.5, std={"u": np.ones((2, 3))}, message="why"),
        Solution({"u": rng.normal(size=(2, 3))}, cost={"steps": 4.0}),
    ]
    run = Run(folder=tmp_path)
    run.save(packed(answers))
    for a, b in zip(answers, unpacked(Run(folder=tmp_path).restore()), strict=True):
        np.testing.assert_array_equal(a.values["u"], b.values["u"])
        assert (a.status, a.reached, a.message, dict(a.cost)) == (b.status, b.reached, b.message, dict(b.cost))
        assert set(a.std) == set(b.std)
