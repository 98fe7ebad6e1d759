"""Sinkhorn-Newton: exact cases, marginals, invariances, gradients, where it stops and why, refusals."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sciml_sinkhorn_newton import switch
from sciml_sinkhorn_newton.distances import divergence, wasserstein
from sciml_sinkhorn_newton.gradients import gradients
from sciml_sinkhorn_newton.operator import Operator
from sciml_sinkhorn_newton.solve import levels, solve
from scipy.ndimage import gaussian_filter
from scipy.optimize import linear_sum_assignment

from sciml.errors import UsageError
from sciml.numerics.transport import sinkhorn
from sciml.numerics.transport.task import Task, between_points, on_grids, with_matrix

Array = np.ndarray
settings.register_profile("transport", deadline=None, max_examples=15, derandomize=True)
settings.load_profile("transport")


def uniform(n: int) -> Array:
    return np.full(n, 1.0 / n)


def cloud(n: int, seed: int, d: int = 2) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    weights = rng.random(n) + 0.1
    return weights / weights.sum(), rng.random((n, d))


def image(n: int, seed: int) -> Array:
    """Blurred strokes over a floor: every pixel has mass."""
    rng = np.random.default_rng(seed)
    pixels = np.zeros((n, n))
    for _ in range(3):
        a, b = rng.uniform(0.2, 0.8, (2, 2))
        for t in np.linspace(0, 1, 4 * n):
            pixels[tuple(((a + t * (b - a)) * n).astype(int))] += 1
    pixels = gaussian_filter(pixels, n / 14, mode="constant")
    pixels = pixels / pixels.sum() + 1e-4 / n**2
    return pixels / pixels.sum()


def images(n: int, cost: str) -> Task:
    scale = np.sqrt(0.5) if cost == "squared euclidean" else 0.5  # the largest cost is 1
    axes = (scale * np.linspace(0, 1, n),) * 2
    return on_grids(image(n, 1), image(n, 2), axes, axes, cost)


@functools.cache
def assignment(n: int) -> Task:
    return with_matrix(uniform(n), uniform(n), np.random.default_rng(0).random((n, n)))


# -- exact cases ---------------------------------------------------------------------------------------
def test_a_pair_of_points_has_the_formula() -> None:
    eps, gap = 0.3, 0.7  # costs 0, gap / gap, 0: by symmetry P_11 = 1/(2 (1 + exp(-gap/eps)))
    result = solve(with_matrix(uniform(2), uniform(2), np.array([[0, gap], [gap, 0]])), eps, 1e-14)
    corner = 0.5 / (1 + np.exp(-gap / eps))
    plan = result.times(np.eye(2)[0]), result.times(np.eye(2)[1])
    assert np.abs(np.stack(plan, 1) - [[corner, 0.5 - corner], [0.5 - corner, corner]]).max() < 1e-14
    assert result.cost == pytest.approx(2 * gap * (0.5 - corner), rel=1e-13)
    entropy = 2 * corner * np.log(4 * corner) + 2 * (0.5 - corner) * np.log(4 * (0.5 - corner))
    assert result.value == pytest.approx(result.cost + eps * entropy, rel=1e-12)


def test_gaussians_on_a_line_have_the_distance_of_their_quantiles() -> None:
    from scipy.special import ndtri

    n = 400
    quantiles = ndtri((np.arange(n) + 0.5) / n)
    x, y = 0.5 + 0.6 * quantiles, -1.0 + 1.5 * quantiles
    exact = np.sqrt(((x - y) ** 2).mean())  # the plan is monotone
    assert exact == pytest.approx(np.hypot(1.5, 0.9), rel=2e-3)  # the continuous one
    found = wasserstein(uniform(n), x, uniform(n), y, 2, 2e-3, 1e-8)
    assert found == pytest.approx(exact, rel=2e-3)
    assert wasserstein(uniform(n), x, uniform(n), y, 1, 2e-3, 1e-8) == pytest.approx(np.abs(x - y).mean(), rel=2e-3)


def test_the_distance_of_a_translation_is_its_length() -> None:
    r, x = cloud(60, 1)
    move = np.array([0.3, -0.4])
    assert divergence(between_points(r, x, r, x + move), 1e-2, 1e-12).value == pytest.approx(0.25, rel=1e-9)
    assert wasserstein(r, x, r, x + 100 * move, 1, 0.1) == pytest.approx(50.0, rel=1e-3)


def test_for_large_eps_the_plan_is_the_product() -> None:
    (r, x), (c, y) = cloud(30, 2), cloud(40, 3)
    result = solve(between_points(r, x, c, y), 1e6, 1e-14)
    plan, dropped = result.sparse(0.0)
    assert dropped < 1e-14 and np.abs(plan.toarray() / np.outer(r, c) - 1).max() < 2e-6  # costs up to 2, over eps
    costs = ((x[:, None] - y) ** 2).sum(-1)
    assert result.value == pytest.approx(r @ costs @ c, rel=1e-5)


def test_as_eps_falls_the_cost_tends_to_the_exact_one_from_above_at_first_order() -> None:
    n = 60
    task = with_matrix(uniform(n), uniform(n), np.random.default_rng(4).random((n, n)))
    costs = task.geometry.matrix  # type: ignore[attr-defined]
    exact = costs[linear_sum_assignment(costs)].mean()
    excess = [solve(task, eps, 1e-9).cost - exact for eps in (4e-3, 2e-3, 1e-3)]
    assert all(e > 0 for e in excess)
    assert all(1.5 < a / b < 6 for a, b in zip(excess, excess[1:], strict=False)) and excess[-1] < n * 1e-3


# -- marginals and where it stops ----------------------------------------------------------------------
@pytest.mark.parametrize("cost", ["squared euclidean", "l1"])
@pytest.mark.parametrize("eta", [200, 1200, 5000])
def test_densities_on_the_whole_grid_do_not_stall_it(cost: str, eta: float) -> None:
    task = images(16, cost)
    result = solve(task, 1 / eta, 1e-9)
    assert result.converged and max(result.column_error, result.row_error) < 1e-9
    columns = result.transposed(np.ones_like(task.r))
    assert np.abs(columns - task.c).sum() < 1e-9
    assert result.reason == "the error is below 1e-09"


def test_the_assignment_problem_takes_few_newton_steps_and_agrees_with_sinkhorn() -> None:
    task = assignment(200)
    ours, other = solve(task, 1 / 600, 1e-11), sinkhorn.solve(task, 1 / 600, 1e-11)
    assert ours.converged and other.converged and ours.counts["newton"] > 0
    assert ours.counts["work"] < other.counts["work"] / 4
    assert ours.value == pytest.approx(other.value, rel=1e-12) and ours.cost == pytest.approx(other.cost, rel=1e-9)


def test_it_stays_with_sinkhorn_where_that_is_fast() -> None:
    (r, x), (c, y) = cloud(50, 5), cloud(50, 6)
    result = solve(between_points(r, x, c, y), 1.0, 1e-10)
    assert result.converged and result.counts["newton"] == 0 and result.counts["sweeps"] < 20


def test_it_says_why_it_stopped() -> None:
    limited = solve(assignment(200), 1 / 600, 1e-11, limit=60)
    assert not limited.converged and limited.reason.startswith("the limit of 60 passes")
    assert limited.column_error > 1e-11 and f"{limited.column_error:.1e}" in limited.reason
    beyond = solve(assignment(200), 1 / 600, 1e-18)
    assert not beyond.converged and beyond.reason.startswith("neither sweeps nor Newton steps")
    assert beyond.column_error < 1e-12
    sweeps = sinkhorn.solve(assignment(200), 1 / 600, 1e-11, most=10)
    assert not sweeps.converged and "10 sweeps" in sweeps.reason


def test_a_report_may_interrupt_it_and_another_call_goes_on() -> None:
    class Enough(Exception):
        pass

    seen = []

    def report(error: float, text: str, state: Callable[[], dict[str, Any]]) -> None:
        seen.append((error, text))
        if text == "Newton" and error < 1e-5:
            kept.update(state())
            raise Enough

    kept: dict[str, Any] = {}
    with pytest.raises(Enough):
        solve(assignment(200), 1 / 600, 1e-11, report=report)
    assert {text for _, text in seen} == {"Sinkhorn", "Newton"} and kept["eta"] == 600
    rest, whole = (solve(assignment(200), 1 / 600, 1e-11, begin=begin) for begin in (kept, None))
    assert rest.converged and rest.counts["work"] - kept["work"] < 0.8 * whole.counts["work"]
    assert rest.value == pytest.approx(whole.value, rel=1e-12)


def test_the_switch_compares_measured_rates() -> None:
    slow, fast = [0.999**k for k in range(21)], [0.3**k for k in range(11)]
    assert switch.rate(slow) == pytest.approx(0.999) and switch.rate([1.0, 2.0]) == 1.0
    assert switch.leave(slow, 1e-9, 12.0) and not switch.leave(fast, 1e-9, 12.0)
    assert switch.sweeps_left(slow, 1e-9) == pytest.approx(np.log(slow[-1] / 1e-9) / -np.log(0.999))
    assert levels(5000.0, 1.0) == [156.25, 312.5, 625.0, 1250.0, 2500.0, 5000.0] and levels(50.0, 1.0) == [50.0]


def test_newton_steps_use_a_sparse_plan_only_where_it_is_safe() -> None:
    task = assignment(200)
    plan = solve(task, 1 / 5000, 1e-6).plan
    sparse = Operator(plan, task.c, 1e-6, 100)
    assert 0 < sparse.cost < 1 and sparse.dropped <= 1e-7
    w = np.random.default_rng(0).normal(size=200)
    assert np.abs(sparse.normal(w) - plan.normal(w)).max() < 1e-7
    assert np.abs(sparse.normal(np.ones(200)) - sparse.columns).max() < 1e-16
    full = task.geometry.softmin(task.r, plan.g, 10.0)
    assert Operator(full, task.c, 1e-6, 100).cost == 1 and Operator(plan, task.c, 1e-6, 3).cost == 1


def test_a_step_that_couples_hardly_at_all_is_solved_by_elimination() -> None:
    """Assignment far into the exact regime, where the equation's condition number is 1e14."""
    task = assignment(200)
    result = solve(task, 1 / 10_000, 1e-11)
    assert result.converged and result.counts["newton"] < 40
    costs = task.geometry.matrix  # type: ignore[attr-defined]
    assert result.cost == pytest.approx(costs[linear_sum_assignment(costs)].mean(), abs=1e-4)


# -- invariances ---------------------------------------------------------------------------------------
@given(seed=st.integers(0, 2**31), shift=st.floats(-3, 3), scale=st.floats(0.1, 10))
def test_costs_that_are_shifted_and_scaled_lead_to_the_same_plan(seed: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    r, c, matrix = rng.dirichlet(np.ones(13)), rng.dirichlet(np.ones(9)), rng.random((13, 9))
    rows, columns = rng.normal(size=(13, 1)), rng.normal(size=9)
    one = solve(with_matrix(r, c, matrix), 0.05, 1e-12)
    other = solve(with_matrix(r, c, scale * (matrix + shift + rows + columns)), 0.05 * scale, 1e-12)
    assert one.converged and other.converged
    assert np.abs(one.sparse(0.0)[0] - other.sparse(0.0)[0]).max() < 1e-10
    moved = scale * (one.value + shift + r @ rows[:, 0] + c @ columns)
    assert other.value == pytest.approx(moved, rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 2**31), mass=st.floats(1e-3, 1e3))
def test_exchange_order_and_mass(seed: int, mass: float) -> None:
    (r, x), (c, y) = cloud(11, seed), cloud(14, seed + 1)
    base = solve(between_points(r, x, c, y), 0.02, 1e-12)
    back = solve(between_points(c, y, r, x), 0.02, 1e-12)
    assert back.value == pytest.approx(base.value, rel=1e-10) and np.abs(back.phi - base.psi).max() < 1e-9
    order = np.random.default_rng(seed).permutation(11)
    mixed = solve(between_points(r[order], x[order], c, y), 0.02, 1e-12)
    assert np.abs(mixed.phi - base.phi[order]).max() < 1e-9
    heavy = solve(between_points(mass * r, x, mass * c, y), 0.02, 1e-12)
    assert heavy.value == pytest.approx(mass * base.value, rel=1e-10)


def test_points_without_mass_do_not_count() -> None:
    (r, x), (c, y) = cloud(20, 7), cloud(25, 8)
    r[3] = c[[0, 9]] = 0.0
    r, c = r / r.sum(), c / c.sum()
    whole = solve(between_points(r, x, c, y), 0.01, 1e-11)
    part = solve(between_points(r[r > 0], x[r > 0], c[c > 0], y[c > 0]), 0.01, 1e-11)
    assert whole.value == pytest.approx(part.value, rel=1e-11)
    assert np.isfinite(whole.phi).all() and np.isfinite(whole.psi).all()
    costs = ((x[:, None] - y) ** 2).sum(-1)
    transform = -0.01 * np.log((r[:, None] * np.exp((whole.phi[:, None] - costs) / 0.01)).sum(0))
    assert np.abs(whole.psi - transform).max() < 1e-9


def test_grids_points_and_matrices_agree() -> None:
    task = images(12, "squared euclidean")
    axis = np.sqrt(0.5) * np.linspace(0, 1, 12)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    eps = 1 / 300
    grid = solve(task, eps, 1e-11)
    streamed = solve(between_points(task.r, points, task.c, points, stored=False), eps, 1e-11)
    dense = solve(with_matrix(task.r, task.c, task.geometry.matrix()), eps, 1e-11)  # type: ignore[attr-defined]
    for other in (streamed, dense):
        assert other.cost == pytest.approx(grid.cost, rel=1e-8) and other.value == pytest.approx(grid.value, rel=1e-11)
    plan, dropped = grid.sparse(1e-6)
    assert dropped <= 1e-6 and plan.sum() + dropped == pytest.approx(1.0, abs=1e-14)


def test_the_torch_path_gives_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    (r, x), (c, y) = cloud(40, 9), cloud(50, 10)
    compiled = solve(between_points(r, x, c, y), 1e-3, 1e-11)
    monkeypatch.setattr("sciml.kernels.transport.available", lambda: False)
    task = between_points(r, x, c, y)
    assert task.geometry.path == "torch"
    assert solve(task, 1e-3, 1e-11).value == pytest.approx(compiled.value, rel=1e-12)
    hard = with_matrix(uniform(80), uniform(80), np.random.default_rng(2).random((80, 80)))
    assert solve(hard, 1 / 1500, 1e-9).converged
    grids = images(10, "l1")
    assert grids.geometry.path == "torch" and solve(grids, 1 / 800, 1e-9).converged


# -- gradients -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("cost", ["squared euclidean", "euclidean", "l1"])
def test_gradients_are_those_of_finite_differences(cost: str) -> None:
    (r, x), (c, y) = cloud(12, 11), cloud(15, 12)
    rng, eps, h = np.random.default_rng(0), 0.05, 1e-5

    def value(r: Array, x: Array, c: Array, y: Array) -> float:
        return solve(between_points(r, x, c, y, cost), eps, 1e-13).value

    found = gradients(solve(between_points(r, x, c, y, cost), eps, 1e-13))
    assert found.x is not None and found.y is not None
    base = (r, x, c, y)
    for k, gradient in enumerate((found.r, found.x, found.c, found.y)):
        direction = rng.normal(size=gradient.shape)
        if k in (0, 2):
            direction -= direction.mean()
            direction *= 0.1
        ends = [value(*(a + s * h * direction if i == k else a for i, a in enumerate(base))) for s in (1, -1)]
        assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float((gradient * direction).sum()), rel=1e-6, abs=1e-9)


def test_the_divergence_is_zero_of_equal_measures_and_its_gradient_right() -> None:
    (r, x), (c, y) = cloud(14, 13), cloud(10, 14)
    eps, h = 0.1, 1e-5
    same = divergence(between_points(r, x, r, x), eps, 1e-13)
    assert abs(same.value) < 1e-14 and same.by_x is not None and np.abs(same.by_x).max() < 1e-12
    found = divergence(between_points(r, x, c, y), eps, 1e-13)
    assert found.value > 0 and found.converged and found.by_x is not None
    direction = np.random.default_rng(1).normal(size=x.shape)
    ends = [divergence(between_points(r, x + s * h * direction, c, y), eps, 1e-13).value for s in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float((found.by_x * direction).sum()), rel=1e-6)
    tilt = direction[:, 0] - direction[:, 0].mean()
    ends = [divergence(between_points(r + s * h * tilt, x, c, y), eps, 1e-13).value for s in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * h) == pytest.approx(float(found.by_r @ tilt), rel=1e-6)


# -- refusals ------------------------------------------------------------------------------------------
R, X, MATRIX = uniform(3), np.zeros((3, 2)), np.zeros((3, 3))
NAN = np.array([[0, np.nan, 0]] * 3)
BAD = {
    "negative": lambda: with_matrix(np.array([0.5, 0.7, -0.2]), R, MATRIX),
    "weights r have entries that are not finite": lambda: with_matrix(np.array([np.inf, 0, 0]), R, MATRIX),
    "different masses": lambda: with_matrix(2 * R, R, MATRIX),
    "all zero": lambda: with_matrix(0 * R, 0 * R, MATRIX),
    "shape (2,)": lambda: with_matrix(uniform(2), R, MATRIX),
    "matrix of costs has entries that are not finite": lambda: with_matrix(R, R, NAN),
    "two axes": lambda: with_matrix(R, R, R),
    "coordinates that are not finite": lambda: between_points(R, np.full((3, 2), np.inf), R, X),
    "x have 2 coordinates, points y have 1": lambda: between_points(R, X, R, np.zeros(3)),
    "no cost 'l3'": lambda: between_points(R, X, R, X, "l3"),
    "no cost 'euclidean'": lambda: on_grids(MATRIX, MATRIX, (R, R), (R, R), "euclidean"),
    "its grid has (3, 2)": lambda: on_grids(MATRIX, MATRIX, (R, uniform(2)), (R, R)),
    "eps must be a finite number above 0, not 0": lambda: solve(with_matrix(R, R, MATRIX), 0.0),
    "not -1": lambda: solve(with_matrix(R, R, MATRIX), -1.0),
    "not nan": lambda: sinkhorn.solve(with_matrix(R, R, MATRIX), float("nan")),
    "order 1 or 2": lambda: wasserstein(R, X, R, X, 3, 0.1),
    "needs points": lambda: divergence(with_matrix(R, R, MATRIX), 0.1),
}


@pytest.mark.parametrize("sentence", BAD)
def test_bad_requests_get_one_sentence(sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        BAD[sentence]()
    text = str(error.value)
    assert sentence in text and text.endswith(".") and text.count(". ") == 0


def test_a_single_point_and_equal_costs_are_no_special_cases() -> None:
    assert solve(with_matrix(np.ones(1), np.ones(1), np.array([[2.0]])), 0.1).cost == 2.0
    assert solve(with_matrix(uniform(3), uniform(3), np.full((3, 3), 5.0)), 1e-3).value == pytest.approx(5.0)
