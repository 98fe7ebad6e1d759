"""Bounds of the value: they hold for any potentials, meet at the optimum, and see what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sciml_sinkhorn_newton.solve import solve
from scipy.sparse import csr_matrix

from sciml.numerics.transport.certificate import entropic, linear
from sciml.numerics.transport.exact import costs
from sciml.numerics.transport.task import between_points, on_grids, with_matrix

settings.register_profile("certificates", deadline=None, max_examples=20, derandomize=True)
settings.load_profile("certificates")
EPS = 0.05


def task(seed=0, n=12, m=15, mass=1.0):
    rng = np.random.default_rng(seed)
    r, c = rng.uniform(0.2, 1, n), rng.uniform(0.2, 1, m)
    return with_matrix(mass * r / r.sum(), mass * c / c.sum(), rng.random((n, m)))


def objective(r, c, matrix, plan):
    """<C, P> + eps KL(P | r c), by its definition."""
    inside = plan > 0
    return float((plan * matrix).sum() + EPS * (plan[inside] * np.log((plan / np.outer(r, c))[inside])).sum())


@given(seed=st.integers(0, 2**31), size=st.floats(1e-6, 0.5))
def test_bounds_hold_for_any_potentials(seed, size):
    problem, rng = task(seed % 5), np.random.default_rng(seed)
    best = solve(problem, EPS, 1e-13)
    phi, psi = best.phi + size * rng.normal(size=12), best.psi + size * rng.normal(size=15)
    found = entropic(problem, phi, psi, EPS)
    assert found.lower <= best.value + 1e-14 <= found.upper + 3e-14
    plan = np.outer(problem.r, problem.c) * np.exp((phi[:, None] + psi - costs(problem)) / EPS)
    assert found.row_error == pytest.approx(np.abs(plan.sum(1) - problem.r).sum(), rel=1e-9)
    assert found.column_error == pytest.approx(np.abs(plan.sum(0) - problem.c).sum(), rel=1e-9)
    assert found.cost == pytest.approx((plan * costs(problem)).sum(), rel=1e-12)


def test_the_upper_bound_is_above_that_of_the_rounded_plan_itself():
    problem, rng = task(1), np.random.default_rng(2)
    best = solve(problem, EPS, 1e-13)
    phi, psi = best.phi + 0.05 * rng.normal(size=12), best.psi + 0.05 * rng.normal(size=15)
    r, c, matrix = problem.r, problem.c, costs(problem)
    plan = np.outer(r, c) * np.exp((phi[:, None] + psi - matrix) / EPS)
    plan *= np.minimum(r / plan.sum(1), 1)[:, None]
    plan *= np.minimum(c / plan.sum(0), 1)
    u, v = r - plan.sum(1), c - plan.sum(0)
    plan += np.outer(u, v) / u.sum()
    assert np.abs(plan.sum(1) - r).max() < 1e-16 and np.abs(plan.sum(0) - c).max() < 1e-16
    exact, bound = objective(r, c, matrix, plan), entropic(problem, phi, psi, EPS).upper
    assert best.value < exact <= bound + 1e-15 and bound - exact < 0.25 * (exact - best.value)


@pytest.mark.parametrize("mass", [1.0, 250.0])
def test_they_meet_at_the_optimum(mass):
    problem = task(3, mass=mass)
    best = solve(problem, EPS, 1e-13)
    found = entropic(problem, best.phi, best.psi, EPS)
    assert found.gap < 1e-12 and found.lower == pytest.approx(best.value, rel=1e-13)
    assert found.cost == pytest.approx(best.cost, rel=1e-12)


def test_all_ways_to_hold_costs_agree():
    rng = np.random.default_rng(4)
    axis, weights = np.linspace(0, 1, 6), rng.uniform(0.1, 1, (2, 6, 6))
    r, c = (w / w.sum() for w in weights)
    places = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1).reshape(-1, 2)
    grid = on_grids(r, c, (axis, axis), (axis, axis), "l1")
    cloud = between_points(r.ravel(), places, c.ravel(), places, "l1", stored=False)
    phi, psi = rng.normal(size=(2, 36)) * 0.1
    one, two, three = (entropic(t, phi, psi, EPS) for t in (grid, cloud, with_matrix(r.ravel(), c.ravel(), costs(grid))))
    for other in (two, three):
        for name in ("cost", "lower", "upper", "row_error", "column_error"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-11)
    u, v = rng.random((2, 36))
    for t in (grid, cloud):
        assert t.geometry.product_cost(u, v) == pytest.approx(u @ costs(grid) @ v, rel=1e-13)


def test_too_many_pairs_are_bounded_not_summed(monkeypatch):
    cloud = between_points(np.full(9, 1 / 9), np.arange(9.0), np.full(9, 1 / 9), np.arange(9.0) + 2, "euclidean")
    u, v = np.random.default_rng(5).random((2, 9))
    true = cloud.geometry.product_cost(u, v)
    monkeypatch.setattr("sciml.numerics.transport.rows.PAIRS", 10)
    assert true <= cloud.geometry.product_cost(u, v) <= 10 * u.sum() * v.sum()


def test_potentials_far_off_are_told_so():
    found = entropic(task(), np.full(12, 1e6), np.full(15, 1e6), EPS)
    assert found.gap == float("inf") and found.cost == float("inf")


def test_without_entropy_the_dual_is_the_c_transform():
    problem = task(6, 5, 5)
    matrix = costs(problem)
    plan = np.outer(problem.r, problem.c)
    found = linear(problem, csr_matrix(plan), np.zeros(5))
    assert found.lower == pytest.approx(problem.c @ matrix.min(0)) and found.upper == pytest.approx((plan * matrix).sum())
    off = linear(problem, csr_matrix(1.1 * plan), np.zeros(5))
    assert off.row_error == pytest.approx(0.1) and off.upper == pytest.approx(found.upper) and off.cost == pytest.approx(1.1 * found.cost)


def test_the_independent_coupling_beside_a_solution():
    """Between points on a line it costs the variances and the squared distance of the means, whatever eps is."""
    from sciml import Measure, Run, Transport
    from sciml.transport.reference import TransportReference
    from sciml.transport.routes import task_of
    from sciml.transport.scoring import against, measured

    rng = np.random.default_rng(0)
    x, y, equal = rng.normal(size=(20, 1)), 1 + 2 * rng.normal(size=(30, 1)), (np.full(n, 3 / n) for n in (20, 30))
    problem = Transport("line", Measure(next(equal), x), Measure(next(equal), y), 0.5, "squared euclidean")
    from sciml_classical.transport import Sinkhorn

    scores = measured(problem, Sinkhorn().transport(problem, Run()), task_of(problem))[0]
    cost = 3 * (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
    assert scores.independent == pytest.approx(cost, rel=1e-12) and scores.independent_error is None
    known = against(scores, TransportReference(scores.lower, scores.cost, 1e-12, "by itself"))
    assert known.independent_error == pytest.approx(cost / scores.lower - 1) and known.independent_error > 0
