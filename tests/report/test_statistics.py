"""Intervals, rankings and verdicts from rows."""

from __future__ import annotations

import math

import made
import numpy as np
import pytest
import scipy.stats

from sciml.report.entries import ranking
from sciml.report.intervals import over_members, over_seeds
from sciml.report.verdict import verdict
from sciml.report.words import between


@pytest.mark.parametrize("n", [5, 6, 12])
def test_from_five_seeds_on_the_interval_is_students(n):
    values = np.random.default_rng(n).lognormal(size=n)
    found = over_seeds(list(values))
    low, high = scipy.stats.t.interval(0.95, n - 1, loc=values.mean(), scale=scipy.stats.sem(values))
    assert found.kind == "t" and found.count == n
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), max(low, 0.0), high), rel=1e-12)


def test_no_interval_of_times_or_errors_goes_below_nothing():
    found = over_seeds([9.5, 3.3, 0.5, 0.5, 0.5])  # the first seed loads libraries
    assert found.low == 0.0 and found.value - 0.0 < found.high - found.value
    assert over_members(0.1, 0.2, 9).low == 0.0


def test_ends_that_differ_are_shown_to_differ():
    assert between(0.03081, 0.03124) == "[0.0308, 0.0312]" and between(2e-16, 2e-16) == "[2.0e-16, 2.0e-16]"
    assert between(0.035, 0.041) == "[0.035, 0.041]" and between(math.nan, math.nan) == "[–, –]"


def test_fewer_seeds_have_a_range_and_say_so():
    found = over_seeds([3.0, 1.0, math.nan, 2.5, 8.0])
    assert (found.value, found.low, found.high, found.count) == (2.75, 1.0, 8.0, 4)
    assert "too few for an interval" in found.words
    assert over_seeds([2.0]).words == "one run, no interval"
    assert not over_seeds([math.nan, math.inf]).known


def test_members_of_a_family_have_an_interval_too():
    values = np.random.default_rng(0).normal(3.0, 1.0, 20)
    found = over_members(values.mean(), scipy.stats.sem(values), 20)
    low, high = scipy.stats.t.interval(0.95, 19, loc=values.mean(), scale=scipy.stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high)) and found.kind == "members"


def test_ranking_puts_seeds_together_and_failures_last():
    rows = [
        made.failed("new-lost"), *(made.row("new", 1e-3 * (1 + s / 10), seed=s) for s in range(5)),
        made.row("old", 1e-6), made.row("new-part", 1e-9, until=0.5), made.row("old-blind", math.nan, floor=math.nan),
    ]  # fmt: skip
    found = ranking(rows)
    assert [(e.number, e.label) for e in found] == [(1, "old"), (2, "new"), (3, "old-blind"), (4, "new-lost"), (5, "new-part")]
    assert found[1].error.kind == "t" and found[1].error.value == pytest.approx(1.2e-3)
    assert not found[4].error.known and len(found[4].failures) == 1  # an error up to t = 0.5 is not comparable


def test_at_the_floor_the_faster_comes_first():
    assert [e.label for e in ranking([made.row("a", 1e-13, 9.0), made.row("b", 1.9e-12, 1.0)])] == ["b", "a"]


def told(*rows, trivial=None):
    return verdict(ranking(rows), trivial)


def test_a_clear_winner():
    found = told(made.row("old", 1e-6, 1.0), made.row("new", 1e-4, 10.0))
    assert found.tone == "clear"
    assert found.lead == "old is the most accurate: error 1.0e-06, 100 times below the next, new (one seed each)."
    assert found.details == ("It is also the fastest (1 s).",)


def test_a_winner_below_the_floor_is_ahead_by_what_the_reference_can_tell():
    rows = (made.row("old", 1e-6, floor=1e-12), made.row("new", 1e-13, floor=1e-8))
    assert "at least 100 times below the next, old" in told(*rows).lead


def test_a_far_winner_is_so_by_orders_of_magnitude():
    assert "10 orders of magnitude below the next, new" in told(made.row("old", 1e-11), made.row("new", 0.1)).lead


def test_a_winner_that_is_slower_names_the_cheaper():
    found = told(made.row("old", 1e-6, 100.0), made.row("new", 1.6e-6, 10.0), made.row("new-rough", 1e-3, 0.5))
    assert "Cheapest within a factor 2 of that error: new (error 1.6e-06, 10 s)." in found.text
    assert "For less accuracy: new-rough (error 0.001, 0.5 s), 20 times faster." in found.text


def test_overlapping_intervals_show_no_difference():
    rng = np.random.default_rng(1)
    rows = [made.row(name, 1e-3 * (1 + 0.3 * rng.normal()), t, seed=s) for name, t in (("old", 1.0), ("new", 9.0)) for s in range(6)]
    found = told(*rows)
    assert found.tone == "tie" and found.lead.startswith("No difference in error is shown between")
    assert "intervals overlap" in found.lead and "Cheapest of them: old, 1 s, 9.0 times faster than the next, new." in found.lead


def test_intervals_that_are_apart_are_called_so():
    rows = [made.row(name, e * (1 + s / 100), seed=s) for name, e in (("old", 1e-3), ("new", 2e-3)) for s in range(5)]
    assert "intervals apart" in told(*rows).lead


def test_the_references_own_error_hides_differences():
    found = told(made.row("old", 5e-12, 2.0, floor=1e-12), made.row("new", 6e-12, 2.1, floor=1e-12))
    assert found.tone == "tie" and "once the reference's own error is allowed for" in found.lead
    assert "take about as long" in found.lead


def test_single_runs_that_differ_by_little_are_not_told_apart():
    found = told(made.row("old", 1e-6, 9.0), made.row("new", 1.3e-6, 3.0))
    assert found.tone == "tie" and "(one run each, within a factor 1.5)" in found.lead
    assert "Cheapest of them: new, 3 s, 3.0 times faster" in found.lead


def test_all_at_the_floor():
    found = told(made.row("old", 1e-12, 1.0), made.row("new", 2e-13, 30.0))
    assert "are both at the reference floor (1.0e-12): it cannot tell them apart" in found.lead
    assert "Cheapest of them: old" in found.lead


def test_all_failed():
    found = told(made.failed("old"), made.failed("new", "it broke."))
    assert found.tone == "failed" and found.lead == "Nothing finished: 2 solvers failed."
    assert found.details == ("Did not finish: 2 of 2 runs (old and new, 1 of them out of budget).",)
    assert told().tone == "failed"


def test_without_a_reference_nobody_wins():
    found = told(made.row("old", math.nan, 2.0, floor=math.nan), made.row("new", math.nan, 1.0, floor=math.nan))
    assert found.tone == "open" and found.lead == "new was fastest (1 s); who is right is not known."


def test_the_trivial_baseline_is_not_beaten():
    found = told(made.row("new", 0.95), made.row("old", 1.4), trivial={"persistence": 1.2, "climatology": 0.9})
    assert "None beats the trivial baseline climatology (error 0.9)." in found.details


def test_a_winner_that_no_classical_row_comes_near_is_hedged():
    found = told(made.row("new", 1e-6, 50.0), made.row("old", 1e-4, 10.0))
    assert "No classical row here reaches that error (old (error 1.0e-04, 10 s)); what one would cost there is not shown." in found.details


def test_a_missing_classical_row_is_said():
    assert "No classical solver is among these rows." in told(made.row("new", 1e-3), made.row("newer", 1e-4)).details
