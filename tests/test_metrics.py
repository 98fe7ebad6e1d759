"""Norms and scores on values small enough to be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sciml import Axis, Equation, Grid, Problem
from sciml.metrics.norms import drift, max_error, relative_l2, relative_l2_over_time, valid_time
from sciml.reference.values import Reference
from sciml.scoring.problem import VALID_THRESHOLD, error_over_time, score
from sciml.solution import Solution, Status

SIZE, TIMES = 8, np.array([1.0, 1.5, 2.0, 4.0])


def problem(invariants: dict[str, str] | None = None, lyapunov: float | None = None) -> Problem:
    equation = Equation.parse(["u_t = u_xx"], ["u"], ["x"], {"a": 3.0})
    grid = Grid((Axis("x", 0.0, 2 * np.pi, SIZE),), TIMES)
    return Problem(
        "p", equation, grid, initial_text={"u": "1"}, invariants=invariants or {}, lyapunov=lyapunov
    )  # fmt: skip


def reference(values: np.ndarray, error: float = 1e-9) -> Reference:
    return Reference({"u": values}, {"u": error}, {"u": np.full(len(values), error)}, "by hand")


def test_relative_l2() -> None:
    assert relative_l2(np.array([3.0, 4.0]), np.array([3.0, 0.0])) == pytest.approx(4 / 3)
    assert relative_l2(np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([[1.0, 2.0], [2.0, 4.0]])) == 0.0


def test_relative_l2_does_not_see_the_number_of_points() -> None:
    x = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    for n in (1, 2, 4):
        assert relative_l2(np.sin(x[::n]) + 0.1, np.sin(x[::n])) == pytest.approx(0.1 * math.sqrt(2))


def test_over_time_has_one_denominator() -> None:
    exact = np.array([[2.0, 0.0], [0.0, 0.0]])  # root mean square over all: 1
    value = exact + np.array([[0.0, 0.0], [0.3, 0.4]])
    assert relative_l2_over_time(value, exact) == pytest.approx([0.0, 0.5 / math.sqrt(2)])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_over_time_averages_to_the_whole_and_has_no_unit(seed: int, unit: float) -> None:
    exact, noise = np.random.default_rng(seed).normal(size=(2, 5, 3, 4))
    series = relative_l2_over_time(exact + noise, exact)
    assert math.sqrt(np.mean(series**2)) == pytest.approx(relative_l2(exact + noise, exact), rel=1e-12)
    assert relative_l2_over_time(unit * (exact + noise), unit * exact) == pytest.approx(series, rel=1e-9)
    assert max_error(unit * (exact + noise), unit * exact) == pytest.approx(max_error(exact + noise, exact), rel=1e-9)


def test_max_error() -> None:
    assert max_error(np.array([1.0, -5.0]), np.array([1.0, -4.0])) == pytest.approx(0.25)


def test_drift_is_relative_unless_it_starts_at_nothing() -> None:
    assert drift(np.array([-2.0, -2.0, -1.0, -2.5])) == pytest.approx(0.5)
    assert drift(np.array([0.0, 1e-3, -2e-3])) == pytest.approx(2e-3)
    assert drift(np.array([1e-9, 1e-3])) == pytest.approx(1e-3 - 1e-9)
    assert drift(np.full(4, 7.0)) == 0.0


def test_valid_time() -> None:
    errors = np.array([0.0, 0.3, 0.5, 0.1])
    assert valid_time(errors, TIMES, 0.4) == 1.0  # t = 2 less the start at t = 1
    assert valid_time(errors, TIMES, 0.5) == 3.0  # equal is not above
    assert valid_time(np.array([0.0, np.nan, 0.0, 0.0]), TIMES, 0.4) == 0.5
    assert valid_time(np.array([1.0, 0.0, 0.0, 0.0]), TIMES, 0.4) == 0.0


def test_score_of_an_exact_solution() -> None:
    values = np.ones((4, SIZE))
    found = score(problem(), Solution({"u": values}), reference(values))
    assert (found.error, found.max_error["u"], found.final_l2["u"]) == (0.0, 0.0, 0.0)
    assert found.floor == {"u": 1e-9}
    assert found.at_floor
    assert found.until is None
    assert found.valid_time is None


def test_score_of_a_wrong_one() -> None:
    exact = np.ones((4, SIZE))
    value = exact.copy()
    value[-1] += 0.2
    found = score(problem(), Solution({"u": value}), reference(exact))
    assert found.error == pytest.approx(0.1)
    assert found.final_l2["u"] == pytest.approx(0.2)
    assert found.max_error["u"] == pytest.approx(0.2)
    assert not found.at_floor
    assert score(problem(), Solution({"u": value}), reference(exact, 0.06)).at_floor


def test_a_partial_solution_is_scored_as_far_as_it_went() -> None:
    exact = np.ones((4, SIZE))
    value = exact + 0.1
    value[3] = np.nan
    found = score(problem(lyapunov=2.0), Solution({"u": value}, Status.PARTIAL, 3.0), reference(exact))
    assert found.until == 2.0
    assert found.error == pytest.approx(0.1)
    assert found.valid_time == 3.0  # NaN at t = 4 counts as lost
    assert found.lyapunov_times == 6.0


def test_without_a_reference_there_is_no_error() -> None:
    found = score(problem({"mean": "u"}), Solution({"u": np.ones((4, SIZE))}), None)
    assert math.isnan(found.error)
    assert found.drift == {"mean": 0.0}
    assert found.as_dict()["relative_l2"] == {}


def test_invariants_are_means_of_their_formula() -> None:
    x = 2 * np.pi / SIZE * np.arange(SIZE)
    scale = np.array([1.0, 1.0, 2.0, 1.0])
    solution = Solution({"u": scale[:, None] * np.sin(x)})
    found = score(problem({"energy": "a*u**2", "mean": "u", "moment": "u*sin(x)/t"}), solution, None).drift
    assert found["energy"] == pytest.approx(3.0)
    assert found["mean"] < 1e-15
    assert found["moment"] == pytest.approx(0.75)  # 1/2·(1, 1/1.5, 2/2, 1/4)


def test_forecasts_are_lost_at_the_worst_field() -> None:
    equation = Equation.parse(["x_t = y", "y_t = -x"], ["x", "y"])
    task = Problem("o", equation, Grid((), TIMES), initial_text={"x": "1", "y": "1"}, lyapunov=0.5)
    exact = {"x": np.ones(4), "y": np.ones(4)}
    value = {"x": np.ones(4), "y": np.array([1.0, 1.0, 1 + 1.01 * VALID_THRESHOLD, 1.0])}
    errors = {"x": 0.0, "y": 0.0}
    known = Reference(exact, errors, {n: np.zeros(4) for n in exact}, "by hand")
    found = score(task, Solution(value), known)
    assert found.valid_time == 1.0
    assert found.lyapunov_times == 0.5
    assert found.error == found.relative_l2["y"] > found.relative_l2["x"] == 0.0
    assert error_over_time(Solution(value), known)["y"] == pytest.approx([0, 0, 1.01 * VALID_THRESHOLD, 0])


def test_a_solution_that_reached_nothing_is_not_scored() -> None:
    value = np.ones((len(problem().grid.times), 4))
    before = float(problem().grid.times[0]) - 1.0
    found = score(problem(), Solution({"u": value}, status=Status.PARTIAL, reached=before), None)
    assert found.relative_l2 == {} and found.until == before
