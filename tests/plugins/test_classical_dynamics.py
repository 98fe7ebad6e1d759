"""Stiff and stochastic rows: exact where that is known, resumable, refused where they cannot work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sciml_classical.solver import Milstein, Radau, Taylor
from small_problems import small_ks

from sciml import Equation, Grid, Problem, Run, UsageError
from sciml.errors import RunFailed, Stopped
from sciml.numerics.dynamics import jacobian


def van_der_pol(mu: float, end: float) -> Problem:
    equation = Equation.parse(["x_t = y", "y_t = mu*(1 - x**2)*y - x"], ["x", "y"], [], {"mu": mu})
    return Problem("vdp", equation, Grid((), np.linspace(0.0, end, 21)), initial_text={"x": "2", "y": "0"})


def geometric(text: str = "s*u", drift: str = "r*u", times: int = 6, more: str | None = None) -> Problem:
    statements, fields, initial = [f"u_t = {drift}"], ["u"], {"u": "1"}
    diffusion = {"u": text}
    if more is not None:
        statements, fields, initial = [*statements, "v_t = -u"], ["u", "v"], {"u": "1", "v": "1"}
        diffusion["v"] = more
    equation = Equation.parse(statements, fields, [], {"r": 0.5, "s": 1.0})
    return Problem("sde", equation, Grid((), np.linspace(0.0, 1.0, times)), initial_text=initial, diffusion=diffusion)


def test_radau_agrees_with_a_taylor_series():
    problem = van_der_pol(5.0, 12.0)
    exact, found = Taylor().solve(problem, Run()), Radau(tolerance=1e-11).solve(problem, Run())
    for name, values in exact.values.items():
        np.testing.assert_allclose(found.values[name], values, atol=1e-6)


def test_radau_is_cheap_where_explicit_methods_are_not():
    found = Radau(tolerance=1e-6).solve(van_der_pol(1000.0, 800.0), Run())
    x, y = found.values["x"], found.values["y"]
    assert found.cost["rhs_evaluations"] < 2000  # an explicit method needs some 1e6
    np.testing.assert_allclose(y[5:15], (x / (1000.0 * (1 - x**2)))[5:15], atol=2e-6)  # the slow curve


def test_jacobian_is_exact():
    at = np.array([1.3, -0.4])
    expected = [[0.0, 1.0], [-2 * 5.0 * at[0] * at[1] - 1, 5.0 * (1 - at[0] ** 2)]]
    np.testing.assert_allclose(jacobian(van_der_pol(5.0, 1.0))(0.0, at), expected, rtol=1e-14)


@pytest.mark.parametrize(("scheme", "order"), [("milstein", 1.0), ("euler-maruyama", 0.5)])
def test_strong_order_of_the_noise(scheme, order, monkeypatch):
    """Of du = u dW, at the same Brownian path: exp(W - t/2)."""
    drawn = np.random.default_rng(0).standard_normal((256, 1, 20_000)) / 16

    def error(steps: int) -> float:
        path = iter(drawn.reshape(steps, -1, 1, 20_000).sum(1) * np.sqrt(steps))  # in units of √h

        class Known:
            def standard_normal(self, shape):
                return next(path)

        run = Run()
        monkeypatch.setattr(run, "rng", lambda stream: Known())
        kept: list[np.ndarray] = []
        monkeypatch.setattr(run, "step", lambda fraction, state, note: kept.append(state["u"]))
        problem = geometric("s*u", "0*u", times=2)
        Milstein(step=1 / steps, paths=20_000, scheme=scheme).solve(problem, run)
        return float(np.abs(kept[-1][0] - np.exp(drawn.sum((0, 1)) - 0.5)).mean())

    steps = np.array([16, 64, 256])
    rate = -np.polyfit(np.log(steps), np.log([error(n) for n in steps]), 1)[0]
    assert abs(rate - order) < 0.15


def test_without_noise_it_is_of_fourth_order():
    def error(step: float) -> float:
        found = Milstein(step=step, paths=2).solve(geometric("0*u", "-u**2 + cos(5*t)"), Run())
        return float(abs(found.values["u"][-1] - exact))

    exact = Milstein(step=1e-3, paths=2).solve(geometric("0*u", "-u**2 + cos(5*t)"), Run()).values["u"][-1]
    assert 3.7 < np.log2(error(0.04) / error(0.02)) < 4.3


def test_moments_of_a_geometric_brownian_motion():
    found = Milstein(step=0.02, paths=20_000).solve(geometric("0.4*u"), Run())
    t = np.linspace(0.0, 1.0, 6)
    mean, std = np.exp(0.5 * t), np.exp(0.5 * t) * np.sqrt(np.exp(0.16 * t) - 1)
    np.testing.assert_allclose(found.values["u"], mean, atol=5 * std.max() / np.sqrt(20_000))
    np.testing.assert_allclose(found.std["u"], std, rtol=0.05)
    assert found.std["u"][0] == 0


def test_one_path_has_no_spread_and_depends_on_the_seed():
    a, b, c = (Milstein(paths=1).solve(geometric(), Run(seed=s)).values["u"] for s in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.allclose(a, c) and not Milstein(paths=1).solve(geometric(), Run()).std


@pytest.mark.parametrize("solver", [Milstein(paths=3, step=0.05), Radau()])
def test_stopped_and_resumed_is_the_same(solver, tmp_path):
    problem = geometric() if isinstance(solver, Milstein) else van_der_pol(5.0, 3.0)
    whole = solver.solve(problem, Run(seed=3))
    run = Run(seed=3, folder=tmp_path, budget=1e-9)
    with pytest.raises(Stopped):
        solver.solve(problem, run)
    again = solver.solve(problem, Run(seed=3, folder=tmp_path))
    for name, values in whole.values.items():
        np.testing.assert_array_equal(again.values[name], values)


def test_what_it_cannot_do_is_refused():
    mixed = geometric("s*v", more="s*v")
    assert Milstein().refuses(mixed) == ["the diffusion of u depends on v: take scheme=euler-maruyama"]
    assert not Milstein(scheme="euler-maruyama").refuses(mixed)
    assert "dop853" in Milstein().refuses(van_der_pol(1.0, 1.0))[0]
    with pytest.raises(RunFailed, match="take a smaller step"):
        Milstein(step=0.5, paths=4).solve(geometric("s*u", "-1000*u**3"), Run())
    with pytest.raises(UsageError, match="evolutions without axes"):
        replace(small_ks(), diffusion={"u": "1"})
