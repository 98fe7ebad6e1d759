"""Jets, the estimator without bias, the solvers in few and in many dimensions."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_stde.estimator import ALL, draw
from sciml_stde.jets import Directions, Network, jet
from sciml_stde.polynomials import LocalMonomials
from sciml_stde.residual import BallEquation
from sciml_stde.solver import LocalPolynomial, RadialFit, Stde
from sciml_stde.training import Trainer

from sciml import Ball, Equation, Grid, Problem, Run, Status, UsageError
from sciml.ball import draw_points
from sciml.errors import RunFailed, Stopped
from sciml.files import problem_file
from sciml.reference.builder import exact_reference
from sciml.reference.values import read_reference
from sciml.scoring.problem import Scores, score

PROBLEMS = Path(__file__).parents[2] / "problems"
D = 5


def problem_in(text: list[str], radius: float = 1.0, dimension: int = D) -> Problem:
    rng = np.random.default_rng(1)
    points = draw_points(rng, 200, dimension, radius)
    ball = Ball(dimension, radius, points, {"c": rng.standard_normal(dimension - 1)})
    equation = Equation.parse(text, ["u"], (), {"d": float(dimension), "R": radius}, ["x", "c"])
    return Problem("ball", equation, Grid((), np.zeros(1)), kind="ball", ball=ball)


# u = (R² - |x|²) Σ c_i x_i x_{i+1}:  Δu = -(2d + 8) Σ c_i x_i x_{i+1}
PAIRS = "(R**2 - sum(x[i]**2))*sum(c[i]*x[i]*x[i+1])"
POISSON = ["laplacian(u) = -(2*d + 8)*sum(c[i]*x[i]*x[i+1])"]
CUBIC = [f"e = {PAIRS}", "laplacian(u) + u - u**3 = -(2*d + 8)*sum(c[i]*x[i]*x[i+1]) + e - e**3"]
SINE = ["laplacian(u) + sin(u) = 3 + sum(x[i])"]


def scored(problem: Problem, solution: object) -> Scores:
    solution.check(problem)  # type: ignore[attr-defined]
    return score(problem, solution, exact_reference(problem, {"u": PAIRS}))  # type: ignore[arg-type]


def network(depth: int, width: int = 7) -> tuple[Network, torch.Tensor]:
    made = Network(D, width, depth)
    return made, torch.randn(made.size, generator=torch.Generator().manual_seed(depth), dtype=torch.float64) / 2


@pytest.mark.parametrize(("depth", "width"), [(1, 7), (2, 7), (4, 7), (3, 3)])
def test_jets_are_exact(depth: int, width: int) -> None:
    """Also with fewer units than dimensions, where the Laplacian is summed over a factor of the first layer."""
    made, theta = network(depth, width)
    x = torch.from_numpy(draw_points(np.random.default_rng(0), 3, D))

    def plain(point: torch.Tensor) -> torch.Tensor:
        parts = made.unpack(theta)
        h = point
        for weights, bias in zip(parts[0 : 2 * depth : 2], parts[1 : 2 * depth : 2], strict=True):
            h = torch.tanh(weights @ h + bias)
        return parts[-4] @ h + parts[-3] @ point + parts[-2] @ point**2 + parts[-1][0]

    hessian = torch.func.vmap(torch.func.hessian(plain))(x)  # type: ignore[no-untyped-call]
    slope = torch.func.vmap(torch.func.grad(plain))(x)  # type: ignore[no-untyped-call]
    value, radial, laplacian = jet(made, theta, x, ALL)
    assert torch.allclose(value, torch.stack([plain(p) for p in x]), rtol=1e-13, atol=1e-13)
    assert torch.allclose(radial, (slope * x).sum(1), rtol=1e-12, atol=1e-13)
    assert torch.allclose(laplacian[:, 0], torch.einsum("nii->n", hessian), rtol=1e-12, atol=1e-12)
    vectors = torch.randn(3, 2, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    _, _, along = jet(made, theta, x, Directions(None, vectors, 2, 1.0))
    squares = made.unpack(theta)[-2]
    sampled = hessian - torch.diag(2 * squares)  # the Laplacian of the squares is not sampled but known
    wanted = torch.einsum("nki,nij,nkj->nk", vectors, sampled, vectors) + 2 * squares.sum()
    assert torch.allclose(along, wanted, rtol=1e-12, atol=1e-12)


def test_axes_are_sampled_without_bias_exactly() -> None:
    """The mean over every pair of axes that can be drawn is the Laplacian itself."""
    made, theta = network(3)
    x = torch.from_numpy(draw_points(np.random.default_rng(0), 4, D))
    _, _, exact = jet(made, theta, x, ALL)
    subsets = list(itertools.combinations(range(D), 2))
    found = [jet(made, theta, x, Directions(torch.tensor(s).expand(4, 2), None, 1, D / 2))[2] for s in subsets]
    assert torch.allclose(torch.stack(found).mean(0), exact, rtol=1e-12, atol=1e-13)


def test_every_set_of_axes_is_equally_likely_and_estimates_are_independent() -> None:
    along = draw(Stde.build(samples=2), np.random.default_rng(0), 40_000, D)
    assert along.axes is not None and along.weight == D / 2
    first, second = (part.sort(1).values for part in along.axes.split(2, 1))
    assert (first[:, 0] < first[:, 1]).all()  # no axis twice
    codes = [10 * part[:, 0] + part[:, 1] for part in (first, second)]
    for code in codes:
        counts = torch.unique(code, return_counts=True)[1]
        assert len(counts) == 10 and (counts - 4000).abs().max() < 5 * 4000**0.5
    joint = torch.unique(100 * codes[0] + codes[1], return_counts=True)[1]
    assert len(joint) == 100 and (joint - 400).abs().max() < 5 * 400**0.5


@pytest.mark.parametrize("directions", ["coordinates", "gaussian"])
def test_the_loss_is_unbiased_and_the_square_of_one_estimate_is_not(directions: str) -> None:
    """Over 40000 draws of directions the mean of r₁ r₂ is r² within five standard errors; that of r₁² is far off."""
    made, theta = network(2)
    count = 40_000
    point = torch.from_numpy(draw_points(np.random.default_rng(2), 1, D))
    solver = Stde.build(samples=1, directions=directions)
    along = draw(solver, np.random.default_rng(5), count, D)
    _, _, found = jet(made, theta, point.expand(count, D), along)
    exact = float(jet(made, theta, point, ALL)[2][0, 0])
    for one in found.unbind(1):
        assert abs(float(one.mean()) - exact) < 5 * float(one.std()) / count**0.5
    target = exact - 0.3  # residual 0.3
    products = (found[:, 0] - target) * (found[:, 1] - target)
    noise = 5 * float(products.std()) / count**0.5
    assert abs(float(products.mean()) - 0.09) < noise
    assert float((found[:, 0] - target).square().mean()) - 0.09 > 5 * noise


def test_monomials_are_all_there_and_differentiated() -> None:
    features = LocalMonomials(4, 2, 3, 2.0)
    x = torch.tensor([[0.3, -0.7, 1.1, 0.9]], dtype=torch.float64)
    value, radial, laplacian = features(x)
    assert features.count == value.shape[1] == 1 + 4 * 3 + 3 * 3  # x, x², x³; xy, x²y, xy² of neighbours
    jacobian = torch.func.jacrev(lambda p: features(p[None])[0][0])(x[0])  # type: ignore[no-untyped-call]
    hessian = torch.func.hessian(lambda p: features(p[None])[0][0])(x[0])  # type: ignore[no-untyped-call]
    assert torch.allclose(radial[0], jacobian @ x[0], atol=1e-13)
    assert torch.allclose(laplacian[0], torch.einsum("fii->f", hessian), atol=1e-13)


@pytest.mark.parametrize("text", [POISSON, CUBIC])
@pytest.mark.parametrize("radius", [1.0, 1.7])
def test_local_polynomials_find_a_polynomial(text: list[str], radius: float) -> None:
    problem = problem_in(text, radius)
    solution = LocalPolynomial.build(degree=2).solve(problem, Run())
    assert solution.status is Status.OK
    assert scored(problem, solution).error < 1e-9


def test_the_span_comes_from_the_equation() -> None:
    assert BallEquation(problem_in(POISSON)).span == 2
    assert BallEquation(problem_in(["laplacian(u) = sum(x[i+1]*x[i+3]) + sum(x[i])"])).span == 3
    assert BallEquation(problem_in(["laplacian(u) = sum(c[i]*x[i+1])"])).span == 1


def test_one_parameter_is_found_by_residual() -> None:
    problem = problem_in(["laplacian(u) = -6*d"], 2.0)  # u = 3 (R² - |x|²) = 12 (1 - |x|²/R²)
    solution = RadialFit().solve(problem, Run())
    assert solution.cost["k"] == pytest.approx(12, rel=1e-10)
    assert np.allclose(solution.values["u"][0], 12 * problem.ball.hat, rtol=1e-10)  # type: ignore[union-attr]


@pytest.mark.parametrize("text", [POISSON, CUBIC])
@pytest.mark.parametrize("estimator", ["stde", "exact"])
def test_stde_solves_a_small_problem(text: list[str], estimator: str) -> None:
    problem = problem_in(text)
    solver = Stde.build(estimator=estimator, samples=2, width=32, depth=2, steps=600, rate=1e-2)
    solution = solver.solve(problem, Run())
    scores = scored(problem, solution)
    assert solution.status is Status.OK
    assert scores.error < 3e-2 < 0.5 < scores.baseline["u"]
    assert solution.cost["residual"] <= solution.cost["residual_trained"]


def test_a_nonpolynomial_equation_is_taken() -> None:
    solution = Stde.build(samples=2, width=32, depth=1, steps=100).solve(problem_in(SINE), Run())
    assert solution.status is Status.OK and solution.cost["residual"] < 1e-2


def test_what_was_not_reduced_is_called_inaccurate() -> None:
    """A rate far too high leaves more residual than one parameter does."""
    problem = problem_in(POISSON)
    solution = Stde.build(samples=2, width=16, depth=1, steps=2, rate=1.0, polish=False).solve(problem, Run())
    assert solution.status is Status.INACCURATE and "nothing was gained" in solution.message


def test_the_gradient_is_that_of_the_loss() -> None:
    """One direction, by a difference quotient."""
    trainer = Trainer(Stde.build(samples=2, width=6, depth=2, batch=20), problem_in(CUBIC), Run())
    made = trainer.network
    theta = torch.randn(made.size, generator=torch.Generator().manual_seed(1), dtype=torch.float64) / 3
    way = torch.randn(made.size, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    _, gradient = trainer.gradient(theta, 3)
    ahead, behind = (trainer.gradient(theta + s * 1e-5 * way, 3)[0] for s in (1, -1))
    assert float(gradient @ way) == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)


def test_seeds_repeat_and_differ() -> None:
    problem, solver = problem_in(POISSON), Stde.build(samples=2, width=8, depth=1, steps=20)
    once, again, other = (solver.solve(problem, Run(seed=seed)).values["u"] for seed in (0, 0, 1))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_resuming_ends_with_the_same_bytes(tmp_path: Path) -> None:
    problem, solver = problem_in(POISSON), Stde.build(samples=2, width=8, depth=2, steps=60)
    whole = solver.solve(problem, Run())

    class Interrupted(Run):
        def step(self, fraction, state=None, note=""):  # type: ignore[no-untyped-def]
            self._interrupted = fraction > 0.4
            super().step(fraction, state, note)

    with pytest.raises(Stopped):
        solver.solve(problem, Interrupted(folder=tmp_path))
    resumed = Run(folder=tmp_path)
    found = solver.solve(problem, resumed)
    assert np.array_equal(found.values["u"], whole.values["u"])


def test_requests_that_make_no_sense_are_refused() -> None:
    problem = problem_in(POISSON)
    assert Stde.build(samples=6).refuses(problem) == ["samples=6 axes cannot be drawn from 5"]
    assert Stde.build(samples=6, directions="gaussian").refuses(problem) == []
    assert Stde.build(samples=6, estimator="exact").refuses(problem) == []
    with pytest.raises(UsageError, match="unknowns, above"):
        LocalPolynomial.build(degree=12).solve(problem_in(POISSON, dimension=2000), Run())
    with pytest.raises(RunFailed, match="cannot determine"):
        LocalPolynomial.build(points=3).solve(problem, Run())
    for cls in (Stde, RadialFit, LocalPolynomial):
        line = problem_file.read(PROBLEMS / "poisson-sin100.h5")
        assert "it does not solve problems of kind steady" in cls().refuses(line)  # type: ignore[abstract]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["poisson-100d", "allen-cahn-100d"])
def test_the_shipped_problems_in_short_runs(name: str) -> None:
    """stde below a third of the one-parameter fit; radial-fit close to the best of its kind; polynomials far below."""
    path = PROBLEMS / f"{name}.h5"
    problem = problem_file.read(path)
    reference = read_reference(path, problem)
    found = {
        solver.name: score(problem, solver.solve(problem, Run()), reference)
        for solver in (RadialFit(), Stde.build(steps=50, width=32, depth=2), LocalPolynomial.build(degree=3))
    }
    baseline = found["stde"].baseline["u"]
    assert 0.02 < baseline < 0.2
    assert baseline <= found["radial-fit"].error < 1.05 * baseline
    assert found["stde"].error < baseline / 3
    assert found["local-polynomial"].error < 5e-4
