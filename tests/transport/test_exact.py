"""Exact transport by POT: against sorting on a line, and its own dual."""

from __future__ import annotations

import numpy as np
import pytest

from sciml.numerics.transport.exact import solve
from sciml.numerics.transport.task import between_points, with_matrix

pytest.importorskip("ot")


def test_on_a_line_the_plan_is_monotone():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=40), rng.normal(size=40) + 1
    found = solve(between_points(np.full(40, 1 / 40), x, np.full(40, 1 / 40), y))
    assert found.cost == pytest.approx(((np.sort(x) - np.sort(y)) ** 2).mean(), rel=1e-12)
    np.testing.assert_allclose(found.plan.sum(0), 1 / 40, atol=1e-12)
    np.testing.assert_allclose(found.plan.sum(1), 1 / 40, atol=1e-12)


def test_the_potentials_are_feasible_and_have_the_same_value():
    rng = np.random.default_rng(1)
    r, c, costs = rng.uniform(1, 2, 12), rng.uniform(1, 2, 17), rng.uniform(size=(12, 17))
    c *= r.sum() / c.sum()
    found = solve(with_matrix(r, c, costs))
    assert (found.phi[:, None] + found.psi <= costs + 1e-9).all()
    assert found.cost == pytest.approx(r @ found.phi + c @ found.psi, rel=1e-9)
    assert found.cost == pytest.approx((found.plan * costs).sum(), rel=1e-9)
    np.testing.assert_allclose(found.plan.sum(1), r, rtol=1e-9)
