"""Stochastic Runge–Kutta methods: conditions of order, Brownian paths, convergence on geometric Brownian motion."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from sciml import RunFailed, UsageError
from sciml.numerics.ode.brownian import TICKS, Segment, normals
from sciml.numerics.ode.sde import SCHEMES, solve_sde, solve_sde_with_gradients
from sciml.numerics.ode.sri import Scheme, step

MU, SIGMA = 0.5, 0.8


def drift(t: Tensor, y: Tensor) -> Tensor:
    return MU * y


def diffusion(t: Tensor, y: Tensor) -> Tensor:
    return SIGMA * y


def matrix(rows: tuple[tuple[float, ...], ...]) -> np.ndarray:
    return np.array([[*row, *[0.0] * (4 - len(row))] for row in rows])


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)
def test_conditions_of_strong_order_one_and_a_half(scheme: Scheme) -> None:
    """Rößler 2010, theorem 5.1 and section 6 (25 conditions of scheme SRI), and the stages' times."""
    e = np.ones(4)
    a0, b0, a1, b1 = (matrix(rows) for rows in (scheme.a0, scheme.b0, scheme.a1, scheme.b1))
    alpha = np.array(scheme.alpha)
    betas = [np.array(b) for b in (scheme.beta1, scheme.beta2, scheme.beta3, scheme.beta4)]
    found = [alpha @ e - 1, alpha @ a0 @ e - 0.5, alpha @ b0 @ e - 1, alpha @ (b0 @ e) ** 2 - 1.5]
    for vector, targets in (
        (e, (1, 0, 0, 0)), (b1 @ e, (0, 1, 0, 0)), (a1 @ e, (1, 0, -1, 0)), ((b1 @ e) ** 2, (1, 0, -1, 2)),
        (b1 @ b1 @ e, (0, 0, 0, 1)),
    ):  # fmt: skip
        found += [beta @ vector - target for beta, target in zip(betas, targets, strict=True)]
    found.append(betas[0] @ a1 @ b0 @ e / 2 + betas[2] @ a1 @ b0 @ e / 3)
    assert np.abs(found).max() < 1e-10
    assert np.allclose(a0 @ e, scheme.c0, atol=1e-12) and np.allclose(a1 @ e, scheme.c1, atol=1e-12)


def test_normals_are_normal() -> None:
    a, b = normals(torch.arange(400_000))
    for x in (a, b):
        assert abs(float(x.mean())) < 4 / math.sqrt(len(x)) and abs(float(x.var()) - 1) < 4 * math.sqrt(2 / len(x))
        assert abs(float((x**4).mean()) - 3) < 4 * math.sqrt(96 / len(x))
    assert abs(float((a * b).mean())) < 4 / math.sqrt(len(a)) and abs(float((a[1:] * a[:-1]).mean())) < 4 / 630


def test_brownian_paths_have_the_right_law_at_any_ticks() -> None:
    """Covariances of W and of its integral: Cov(W_s, W_t) = s, Var ∫_0^t W = t³/3, Cov(W_t, ∫_0^t W) = t²/2."""
    count, span = 40_000, 2.0
    segment = Segment(3, torch.arange(count), 1, 0, torch.full((count,), span, dtype=torch.float64))
    places = [TICKS // 3, TICKS // 2 + 12345, TICKS]
    seen = [segment.at(torch.full((count,), place)) for place in places]
    for (w, z), place in zip(seen, places, strict=True):
        t = span * place / TICKS
        for product, expected in ((w * w, t), (z * z, t**3 / 3), (w * z, t**2 / 2)):
            assert abs(float(product.mean()) - expected) < 5 * float(product.std()) / math.sqrt(count)
    first, last = seen[0][0], seen[1][0]
    assert abs(float((first * (last - first)).mean())) < 5 * float((first * (last - first)).std()) / math.sqrt(count)


def test_a_path_depends_on_its_label_only() -> None:
    span = torch.full((5,), 1.0, dtype=torch.float64)
    tick = torch.tensor([5, 77_777, TICKS // 2, TICKS - 1, TICKS])
    w, z = Segment(1, torch.arange(5), 3, 2, span).at(tick)
    for i in range(5):
        alone = Segment(1, torch.tensor([i]), 3, 2, span[:1]).at(tick[i : i + 1])
        assert torch.equal(alone[0][0], w[i]) and torch.equal(alone[1][0], z[i])
    other = Segment(2, torch.arange(5), 3, 2, span).at(tick)[0]
    assert not bool((other == w).any())


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda s: s.name)
def test_strong_and_weak_order_on_geometric_brownian_motion(scheme: Scheme) -> None:
    """E|y_T - exact| falls as h^1.5 and, the exact solution having the same path, E y_T's error at least as fast."""
    count = 2000
    segment = Segment(5, torch.arange(count), 1, 0, torch.ones(count, dtype=torch.float64))
    exact = torch.exp((MU - SIGMA**2 / 2) + SIGMA * segment.increment)
    strong, weak, steps = [], [], (16, 32, 64, 128)
    for many in steps:
        y, h = torch.ones(count, 1, dtype=torch.float64), torch.full((count,), 1 / many, dtype=torch.float64)
        before = torch.zeros_like(y), torch.zeros_like(y)
        for i in range(many):
            after = segment.at(torch.full((count,), (i + 1) * TICKS // many))
            dw, dz = after[0] - before[0], after[1] - before[1] - before[0] * h[:, None]
            y, _ = step(scheme, drift, diffusion, i * h, h, y, dw, dz)
            before = after
        strong.append(float((y - exact).abs().mean()))
        weak.append(abs(float((y - exact).mean())))
    rate = np.polyfit(np.log(steps), np.log(strong), 1)[0]
    assert -1.75 < rate < -1.35, strong
    assert weak[-1] < weak[0] / 8 and weak[-1] < strong[-1]


def test_the_adaptive_solver_is_as_accurate_as_asked_and_unbiased_by_rejections() -> None:
    count = 1500
    y0, times = torch.ones(count, 1, dtype=torch.float64), torch.tensor([0.0, 0.4, 1.0], dtype=torch.float64)
    errors = []
    for tolerance in (1e-2, 1e-4):
        path = solve_sde(drift, diffusion, y0, times, seed=5, relative=tolerance, absolute=tolerance)
        w = sum(
            Segment(5, torch.arange(count), 1, i, torch.full((count,), gap, dtype=torch.float64)).increment
            for i, gap in enumerate((0.4, 0.6))
        )
        exact = torch.exp((MU - SIGMA**2 / 2) + SIGMA * w)
        errors.append(float((path.values[:, -1] - exact).abs().mean()))
        assert int(path.rejected.sum()) > 0 and len(set(path.accepted.tolist())) > 3
        logs = torch.log(path.values[:, -1])
        assert abs(float(logs.mean()) - (MU - SIGMA**2 / 2)) < 4 * SIGMA / math.sqrt(count)
        assert abs(float(logs.std()) - SIGMA) < 4 * SIGMA / math.sqrt(2 * count)
    assert errors[0] < 0.02 and errors[1] < errors[0] / 20


def test_samples_are_independent_of_their_batch() -> None:
    y0, times = torch.ones(6, 2, dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    together = solve_sde(drift, diffusion, y0, times, seed=1)
    alone = solve_sde(drift, diffusion, y0[4:5], times, seed=1, labels=torch.tensor([4]))
    assert torch.equal(alone.values[0], together.values[4]) and alone.accepted[0] == together.accepted[4]


def test_gradients_are_those_of_the_exact_solution() -> None:
    """y_T = y0 exp((μ - σ²/2) T + σ W): ∂/∂σ = y_T (W - σ T), ∂/∂μ = y_T T."""
    mu, sigma = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (MU, SIGMA))
    y0, times = torch.ones(20, 1, dtype=torch.float64), torch.tensor([0.0, 0.5], dtype=torch.float64)
    values, _ = solve_sde_with_gradients(
        lambda t, y: mu * y, lambda t, y: sigma * y, y0, times, seed=2, relative=1e-5, absolute=1e-5
    )
    found = torch.autograd.grad(values[:, -1].sum(), [mu, sigma])
    w = Segment(2, torch.arange(20), 1, 0, torch.full((20,), 0.5, dtype=torch.float64)).increment
    exact = torch.exp((MU - SIGMA**2 / 2) * 0.5 + SIGMA * w)
    assert abs(float(found[0] - (exact * 0.5).sum())) < 1e-2
    assert abs(float(found[1] - (exact * (w - SIGMA * 0.5)).sum())) < 1e-2


def test_bad_requests_and_failures_are_sentences() -> None:
    y0, times = torch.ones(1, 1, dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    with pytest.raises(UsageError, match="there is no method 'heun'"):
        solve_sde(drift, diffusion, y0, times, method="heun")
    with pytest.raises(RunFailed, match="step size underflow at t="):
        solve_sde(lambda t, y: 1e9 * y, diffusion, y0, times, relative=1e-8, absolute=1e-8)
