"""Light Schroedinger bridges: Gaussians have a closed form, ends and paths the right laws."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sciml_sinkhorn_newton.bridge.paths import drift, sample
from sciml_sinkhorn_newton.bridge.potential import Potential
from sciml_sinkhorn_newton.bridge.training import fit, objective
from sciml_sinkhorn_newton.solve import solve
from scipy.linalg import sqrtm

from sciml.errors import UsageError
from sciml.numerics.transport.task import between_points


def gaussians(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) @ [[1.0, 0.4], [0.0, 0.7]] + [1.0, -2.0], rng.normal(size=(n, 2)) @ [[0.5, -0.6], [0.0, 1.2]]


def mixture() -> Potential:
    centres = torch.tensor([[1.0, 0.0], [-1.0, 0.5], [0.0, -1.0]], dtype=torch.float64)
    potential = Potential.at(centres, 0.6, 0.3)
    potential.logits[:] = torch.tensor([0.1, -0.4, 0.3])
    potential.below[:, 1, 0] = torch.tensor([0.3, -0.2, 0.1])
    return potential


@pytest.mark.parametrize("eps", [0.5, 10.0])
def test_between_gaussians_it_is_the_closed_form(eps: float) -> None:
    """Janati, Muzellec, Peyré & Cuturi (NeurIPS 2020), theorem 1, at the samples' moments, which alone enter L."""
    start, end = gaussians(100)
    potential = fit(start, end, eps, components=1)
    first, second = np.cov(start.T, bias=True), np.cov(end.T, bias=True)
    root = np.real(sqrtm(first))
    middle = np.real(sqrtm(4 * root @ second @ root + eps**2 * np.eye(2)))
    slope = (0.5 * root @ middle @ np.linalg.inv(root) - 0.5 * eps * np.eye(2)).T @ np.linalg.inv(first)
    factor = potential.factor()[0].numpy()
    assert np.abs(factor @ factor.T - slope).max() < 1e-5
    x = np.array([[0.3, -0.7], [2.0, 1.0]])
    wanted = end.mean(0) + (x - start.mean(0)) @ slope.T
    assert np.abs(potential.conditional_mean(torch.as_tensor(x)).numpy() - wanted).max() < 1e-5


def test_shifted_samples_have_a_shifted_potential() -> None:
    potential = mixture()
    a, b = torch.tensor([0.7, -0.2]).double(), torch.tensor([-1.0, 0.4]).double()
    moved, x = potential.shifted(a, b), torch.tensor([[0.4, -0.3], [-1.0, 0.2]], dtype=torch.float64)
    assert torch.allclose(moved.conditional_mean(x + a), potential.conditional_mean(x) + b, atol=1e-12)
    y = torch.tensor([[0.1, 0.9], [2.0, -0.5]], dtype=torch.float64)
    loss = objective(moved, x + a, y + b) - objective(potential, x, y)
    terms = ((x + a) @ b).mean() + (y @ a).mean()  # <x0, x1> less what it is of the shifted ones
    assert float(loss) == pytest.approx(float(terms / potential.eps), abs=1e-12)


def test_the_normaliser_is_the_integral() -> None:
    potential, x = mixture(), torch.tensor([[0.4, -0.3], [-1.0, 0.2]], dtype=torch.float64)
    axis = torch.linspace(-8, 8, 801, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    density = torch.exp(grid @ x.T / potential.eps + potential.log_v(grid)[:, None])
    cell = float(axis[1] - axis[0]) ** 2
    assert torch.allclose(density.sum(0) * cell, potential.log_c(x).exp(), rtol=1e-10)
    means = torch.einsum("nk,nd->kd", density / density.sum(0), grid)
    assert torch.allclose(means, potential.conditional_mean(x), atol=1e-10)


def test_the_drift_is_the_expected_end() -> None:
    """At time 0 of the conditional law; later by integration over the ends, weighed with the Brownian kernel."""
    potential, x, t = mixture(), torch.tensor([[0.4, -0.3], [-1.0, 0.2]], dtype=torch.float64), 0.6
    assert torch.allclose(drift(potential, x, 0.0), potential.conditional_mean(x) - x, atol=1e-12)
    axis = torch.linspace(-6, 6, 801, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    squares = ((grid[None] - x[:, None]) ** 2).sum(-1)
    logs = potential.log_v(grid) + (grid**2).sum(1) / (2 * potential.eps) - squares / (2 * potential.eps * (1 - t))
    wanted = (torch.softmax(logs, 1) @ grid - x) / (1 - t)
    assert torch.allclose(drift(potential, x, t), wanted, atol=1e-9)


def test_paths_begin_where_they_should_and_spread_as_the_process_does() -> None:
    potential, generator = mixture(), torch.Generator().manual_seed(0)
    start = torch.tensor([[0.4, -0.3]], dtype=torch.float64).expand(40_000, 2)
    path = sample(potential, start, torch.tensor([0.0, 0.3, 1.0]), generator)
    assert torch.equal(path[0], start)
    expected = potential.conditional_mean(start[:1])[0]
    assert (path[2].mean(0) - expected).abs().max() < 0.02
    assert (path[1].mean(0) - (0.7 * start[0] + 0.3 * expected)).abs().max() < 0.01
    ends = torch.cov(path[2].T)
    assert (torch.cov(path[1].T) - 0.09 * ends - 0.21 * potential.eps * torch.eye(2)).abs().max() < 0.01


def test_a_mixture_learns_the_coupling_that_sinkhorn_finds() -> None:
    """Two modes to two modes on a line; the exact discrete plan of the same samples is the measure."""
    rng = np.random.default_rng(1)
    start = np.concatenate([rng.normal(-2, 0.3, 200), rng.normal(2, 0.3, 200)])
    end = np.concatenate([rng.normal(-1, 0.2, 300), rng.normal(3, 0.5, 100)])
    eps, w = 0.5, np.full(400, 1 / 400)
    potential = fit(start, end, eps, components=4)
    plan = solve(between_points(w, start, w, end), 2 * eps)  # the bridge's cost is half the square
    mean = plan.times(end) / w
    learnt = potential.conditional_mean(torch.as_tensor(start[:, None])).numpy()[:, 0]
    assert np.abs(learnt - mean).mean() < 0.06
    untrained = Potential.at(torch.as_tensor(end[:4, None]), 1.0, eps)
    x0, x1 = torch.as_tensor(start[:, None]), torch.as_tensor(end[:, None])
    assert objective(potential, x0, x1) < objective(untrained, x0, x1) - 0.1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((np.zeros((3, 2)), np.zeros((3, 1)), 1.0), "start has 2 coordinates"),
        ((np.zeros(3), np.full(3, np.nan), 1.0), "not finite"),
        ((np.zeros(3), np.ones(3), 0.0), "eps must be"),
        ((np.zeros(3), np.ones(3), 1.0, 4), "components must be from 1"),
    ],
)
def test_bad_samples_get_one_sentence(arguments: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        fit(*arguments)  # type: ignore[arg-type]
