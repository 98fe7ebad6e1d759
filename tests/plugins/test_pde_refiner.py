"""pde-refiner: noise levels, refinement, the coarse step, its correction, training, resumption, rollouts, refusals."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_pde_refiner.coarse import Batch, interpolant
from sciml_pde_refiner.collocation import Collocation
from sciml_pde_refiner.networks import build
from sciml_pde_refiner.refining import Refinement
from sciml_pde_refiner.reflection import parity
from sciml_pde_refiner.resolution import Resolution
from sciml_pde_refiner.schedule import Schedule, hiding
from sciml_pde_refiner.setting import Setting, varying
from sciml_pde_refiner.solver import PdeRefiner
from sciml_pde_refiner.stepping import Stepper
from sciml_pde_refiner.training import Refining

from sciml import Axis, Equation, Grid, Problem, Run, Status
from sciml.dataset import Dataset, make
from sciml.errors import RunFailed, Stopped, UsageError
from sciml.family import Family
from sciml.family import read as read_family
from sciml.learning import Model
from sciml.learning.trainer import train
from sciml.numerics.fourier import FourierBasis
from sciml.solution import raw_std

SMALL = {"width": 8, "multipliers": "1,2", "batch_size": 8, "iterations": 12}


def ks(length: float = 20.0, nu: float = 1.0, points: int = 32, seed: int = 0, times: int = 11) -> Problem:
    equation = Equation.parse(["u_t = -u*u_x - u_xx - nu*u_xxxx"], ["u"], ["x"], {"nu": nu, "L": length})
    x = np.arange(points) / points * 2 * np.pi
    rng = np.random.default_rng(seed)
    u = sum(rng.uniform(-1, 1) * np.sin(m * x + rng.uniform(0, 6)) for m in (1, 2, 3))
    grid = Grid((Axis("x", 0.0, length, points),), np.linspace(0.0, 0.8 * (times - 1), times))
    return Problem(f"ks-{seed}", equation, grid, initial_values={"u": np.asarray(u)})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    family = Family.parse({
        "name": "ks-tiny", "equation": ["u_t = -u*u_x - u_xx - nu*u_xxxx"], "fields": ["u"],
        "parameters": {"nu": 1.0}, "axes": [{"name": "x", "lower": 0.0, "upper": "L", "size": 32}],
        "random": {
            "L": {"law": "uniform", "lower": 18.0, "upper": 22.0},
            "phi": {"law": "uniform", "lower": 0.0, "upper": 6.283185307179586, "count": 3},
        },
        "initial": {"u": "sum(sin(2*pi*x/L + phi[i]))"}, "spin_up": 20.0,
        "splits": {
            "train": {"seed": 1, "count": 8, "end": 8.0, "times": 41},
            "valid": {"seed": 2, "count": 2, "end": 4.0, "times": 6},
            "test": {"seed": 3, "count": 2, "end": 4.0, "times": 6},
        },
        "maker": {"solver": "etdrk4", "options": {"step": 0.02}},
    })  # fmt: skip
    root = tmp_path_factory.mktemp("data")
    return {split: make(family, split, root) for split in ("train", "valid", "test")}


def predicted(solver: PdeRefiner, model: Model, problems: list[Problem], seed: int = 0) -> list[np.ndarray]:
    run = Run(seed=seed)
    run.model = model
    return [solution.values["u"] for solution in solver.solve_all(problems, run)]


# -- noise levels ---------------------------------------------------------------------------------
def test_published_schedule() -> None:
    schedule = Schedule.geometric(3, 4e-7)
    assert schedule.variances == pytest.approx([4e-7, 5.4288e-5, 7.3681e-3, 1.0], rel=1e-4)
    assert schedule.signal[-1] == 0.0 and schedule.noise[-1] == 1.0
    assert schedule.noise[0] == pytest.approx(math.sqrt(4e-7), rel=1e-14)
    for k in range(4):
        product = math.prod(1 - b for b in schedule.variances[: k + 1])
        assert schedule.signal[k] ** 2 == pytest.approx(product, rel=1e-12)
        assert schedule.signal[k] ** 2 + schedule.noise[k] ** 2 == pytest.approx(1.0, rel=1e-14)
    assert schedule.times() == pytest.approx([0.0, 1000 / 3, 2000 / 3, 1000.0])
    assert Schedule.geometric(0, 0.3).variances == (1.0,)
    assert Schedule.parse("1e-4, 1e-2 1").variances == (1e-4, 1e-2, 1.0)


@pytest.mark.parametrize("text", ["1e-2 1e-3 1", "0 1", "1e-3", "a 1", ""])
def test_bad_schedules_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Schedule.parse(text)


def test_v_gives_back_target_and_noise() -> None:
    refinement = Refinement(Schedule.geometric(3, 1e-4), dtype=torch.float64)
    y, noise = torch.randn(2, 8, 1, 5, dtype=torch.float64)
    level = torch.arange(8) % 4
    candidate, v = refinement.noised(y, level, noise)
    s, n = refinement.signal[level].reshape(8, 1, 1), refinement.noise[level].reshape(8, 1, 1)
    last = (level == 3).reshape(8, 1, 1)
    mixed = torch.where(last, noise, candidate)  # of the last level the network sees nothing
    assert torch.allclose(s * mixed - n * v, y, atol=1e-13)
    assert torch.allclose(n * mixed + s * v, noise, atol=1e-13)
    assert torch.equal(v[level == 3], -y[level == 3])
    assert not candidate[level == 3].any()


@pytest.mark.parametrize("least", [4e-7, 1e-2])
def test_sampling_a_gaussian(least: float) -> None:
    """For y ~ N(m, s²) the best v is linear in the candidate. Ancestral sampling then stays Gaussian; its mean is m, its
    variance follows from the recursion of one linear map and fresh noise a level, written out here from Ho et al. (2020)."""
    m, s, schedule = 0.7, 0.5, Schedule.geometric(3, least)
    refinement = Refinement(schedule, dtype=torch.float64)
    a, b = np.array(schedule.signal) ** 2, np.array(schedule.variances)
    gain = np.sqrt(a) * s**2 / (a * s**2 + 1 - a)  # of E[y | candidate]

    def denoise(candidate: torch.Tensor, k: int) -> torch.Tensor:
        best = m + gain[k] * (candidate - math.sqrt(a[k]) * m)
        return (math.sqrt(a[k]) * candidate - best) / math.sqrt(1 - a[k])

    draws = refinement.sample(denoise, torch.zeros(400_000, dtype=torch.float64), torch.Generator().manual_seed(0))
    variance = 0.0
    for k in range(3, 0, -1):
        slope = math.sqrt(1 - b[k]) * (1 - a[k - 1]) / (1 - a[k]) + math.sqrt(a[k - 1]) * b[k] / (1 - a[k]) * gain[k]
        variance = slope**2 * variance + b[k] * (1 - a[k - 1]) / (1 - a[k])
    variance *= gain[0] ** 2
    error = math.sqrt(variance / 400_000)
    assert abs(float(draws.mean()) - m) < 5 * error
    assert float(draws.var()) == pytest.approx(variance, rel=0.02)


def test_a_known_target_is_found_exactly() -> None:
    schedule = Schedule.geometric(3, 4e-7)
    refinement = Refinement(schedule, dtype=torch.float64)
    y = torch.linspace(-1, 1, 9, dtype=torch.float64)

    def denoise(candidate: torch.Tensor, k: int) -> torch.Tensor:
        return (schedule.signal[k] * candidate - y) / schedule.noise[k]

    assert torch.allclose(refinement.sample(denoise, torch.zeros_like(y), None), y, atol=1e-9)


def test_no_refinement_is_plain_prediction() -> None:
    refinement = Refinement(Schedule.geometric(0, 0.5))
    y, noise = torch.randn(2, 4, 1, 6)
    candidate, v = refinement.noised(y, torch.zeros(4, dtype=torch.long), noise)
    assert torch.equal(v, -y) and not candidate.any()
    calls: list[int] = []

    def denoise(candidate: torch.Tensor, k: int) -> torch.Tensor:
        calls.append(k)
        return -y

    assert torch.equal(refinement.sample(denoise, torch.zeros_like(y), None), y)
    assert calls == [0]


# -- the coarse step ------------------------------------------------------------------------------
def test_batch_equals_its_members() -> None:
    problems = [ks(20.0, 1.0, seed=1), ks(31.0, 0.7, seed=2)]
    values = torch.from_numpy(np.stack([p.initial() for p in problems]))
    both = Batch(problems, [20])
    end = both.march(both.coefficients(values), 0.1, 5)
    for i, problem in enumerate(problems):
        alone = Batch([problem], [20])
        assert torch.allclose(alone.march(alone.coefficients(values[i : i + 1]), 0.1, 5), end[i : i + 1], atol=1e-13)


def test_coarse_step_has_order_four() -> None:
    problems = [ks(20.0, seed=1), ks(22.0, seed=2)]
    batch = Batch(problems, [8])  # |hL| < 2: no stiff order reduction
    state = batch.coefficients(torch.from_numpy(np.stack([p.initial() for p in problems])))
    truth = batch.march(state, 0.005, 80)
    errors = [float((batch.march(state, h, round(0.4 / h)) - truth).abs().max()) for h in (0.04, 0.02)]
    assert 3.85 < math.log2(errors[0] / errors[1]) < 4.15


def test_two_dimensions_and_coordinates() -> None:
    """Kolmogorov flow: a nonlocal velocity and a forcing that depends on y, against the core's reading."""
    from sciml.numerics.pseudospectral import PseudoSpectral

    statements = ["psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x", "w_t = -u*w_x - v*w_y + a*laplacian(w) - cos(2*y)"]
    equation = Equation.parse(statements, ["w"], ["x", "y"], {"a": 0.1})
    axes = tuple(Axis(n, 0.0, 2 * math.pi, 12) for n in "xy")
    problem = Problem("flow", equation, Grid(axes, np.array([0.0, 1.0])), initial_text={"w": "sin(x)*cos(2*y)"})
    batch = Batch([problem, problem], [5, 5])
    state = batch.coefficients(torch.from_numpy(np.stack([problem.initial()] * 2)) + torch.rand(2, 1, 12, 12))
    system = PseudoSpectral(equation, batch.basis)
    assert torch.allclose(batch.rate(state), system.rate(state, 0.0), atol=1e-12)


@pytest.mark.parametrize("network", ["unet", "fno"])
@pytest.mark.parametrize(("force", "told", "sees"), [
    ("a*u", [], False), ("a*cos(3*x)", [], True), ("a*cos(3*x)", ["a"], True), ("a*cos(t)", [], False),
])  # fmt: skip
def test_a_force_that_stands_still_is_seen(network: str, force: str, told: list[str], sees: bool) -> None:
    """The same state at every point gives the same answer at every point, unless the equation names a place."""
    equation = Equation.parse([f"u_t = u_xx + {force}"], ["u"], ["x"], {"a": 1.0})
    grid = Grid((Axis("x", 0.0, 2 * math.pi, 16),), np.linspace(0, 1, 3))
    problem = Problem("forced", equation, grid, initial_text={"u": "0"})
    setting = Setting(0.5, ["u"], [0.0], [1.0], [1.0], [], told, [0.0] * len(told), [1.0] * len(told))
    torch.manual_seed(0)
    solver = PdeRefiner(method="mse", network=network, width=8, modes=4)
    made = build(solver, problem, 1, 1, setting)
    for weights in made.parameters():
        torch.nn.init.normal_(weights, std=0.2)
    answer = made(torch.ones(2, 1, 16), torch.zeros(2), torch.zeros(2, len(told)))
    assert (float(answer.detach().std(-1).min()) > 1e-3) == sees


@pytest.mark.parametrize(("grid", "modes"), [((8,), [7]), ((9,), [4]), ((8, 6), [4, 5]), ((7, 8), [6, 4])])
def test_interpolant_returns_every_value(grid: tuple[int, ...], modes: list[int]) -> None:
    axes = ("x", "y")[: len(grid)]
    basis = FourierBasis(axes, (0.0,) * len(grid), (1.0,) * len(grid), tuple(modes))
    values = torch.randn(3, *grid, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = interpolant(values, modes)
    assert found.shape == (3, *basis.shape)
    assert torch.allclose(basis.sample(found, grid), values, atol=1e-14)
    few = [2] * len(grid)
    low = basis.with_modes(few)
    assert torch.allclose(interpolant(values, few), low.from_grid(values), atol=1e-14)


def test_hidden_modes_follow_the_others() -> None:
    """Samples of a resolved state on a coarse grid give the state back to a hundredth of their aliases."""
    problem = ks(20.0, seed=3, points=18)
    fine = Batch([problem], [20])
    state = fine.march(fine.coefficients(torch.from_numpy(problem.initial()[None])), 0.01, 2000)
    values = fine.values(state, (18,))
    plain = float((fine.coefficients(values) - state).abs().max())
    assert float((fine.completed(values, 0.8) - state).abs().max()) < 0.05 * plain


def test_collocation_converges_to_the_flow() -> None:
    batch = Batch([ks(20.0, seed=1)], [20])
    state = batch.march(batch.coefficients(torch.from_numpy(ks(seed=1).initial()[None])), 0.01, 1000)
    truth = batch.march(state, 0.001, 200)
    guess = batch.march(state, 0.2, 1)
    errors = [float((Collocation(batch, 0.2).step(state, guess, n) - truth).abs().max()) for n in (1, 3, 20)]
    assert errors[1] < 0.2 * float((guess - truth).abs().max())
    assert errors[2] < 1e-2 * float((guess - truth).abs().max())


@pytest.mark.parametrize(
    ("text", "sign"),
    [("-u*u_x - u_xx - u_xxxx", -1.0), ("u_xx + u - u**3", 1.0), ("-u*u_x + u_x", None), ("u_xx + u**2", 1.0)],
)
def test_mirror_symmetry_is_recognised(text: str, sign: float | None) -> None:
    equation = Equation.parse([f"u_t = {text}"], ["u"], ["x"], {})
    grid = Grid((Axis("x", 0.0, 3.0, 16),), np.array([0.0, 1.0]))
    assert parity(Problem("p", equation, grid, initial_text={"u": "x"})) == sign


def test_told_are_the_numbers_that_vary() -> None:
    names, centre, scale = varying([ks(20.0), ks(22.0)])
    assert (names, centre, scale) == (["length x"], [21.0], [1.0])  # L is that length, nu does not vary


# -- a network's grid coarser than the data's --------------------------------------------------------
def test_a_coarser_grid_shows_waves_and_no_aliases() -> None:
    problem = ks(points=32)
    x = torch.arange(32, dtype=torch.float64) * (2 * math.pi / 32)
    low, high = 1 + torch.cos(3 * x) + torch.sin(7 * x), torch.cos(9 * x) + torch.sin(8 * x)
    coarse, same = Resolution(problem, 16), Resolution(problem, 0)
    assert (coarse.network, same.network) == ((16,), (32,))
    assert torch.allclose(coarse.reduced(low + high), low[::2], atol=1e-13)
    assert torch.allclose(coarse.full(coarse.reduced(low + high)), low, atol=1e-13)
    assert same.reduced(low + high) is not None and torch.equal(same.reduced(low + high), low + high)
    batch = Batch([problem], [12])
    state = batch.coefficients((low + high).reshape(1, 1, 32))
    assert torch.allclose(coarse.seen(state, batch.basis)[0, 0], low[::2], atol=1e-13)
    assert torch.allclose(same.seen(state, batch.basis)[0, 0], low + high, atol=1e-13)
    assert [axis.size for axis in coarse.axes(problem)] == [16]


def test_hybrid_on_a_coarser_grid_with_a_zero_network_is_the_base_bit_for_bit() -> None:
    problems = [ks(20.0, seed=1), ks(22.0, seed=2)]
    solver = PdeRefiner.build(**SMALL, base_step=0.2, base_modes=12, points=16)
    setting = Setting(0.8, ["u"], [0.0], [1.0], [1.0], [1.0], ["length x"], [21.0], [1.0])
    stepper = Stepper(solver, build(solver, problems[0], 2, 1, setting), setting, problems, "cpu")
    values = torch.from_numpy(np.stack([p.initial() for p in problems]))
    base = Batch(problems, [12])
    found, expected = stepper.advance(stepper.start(values), None), base.march(base.coefficients(values), 0.2, 4)
    assert torch.equal(found, expected)
    assert torch.equal(stepper.values(found), base.values(expected, (32,)))
    with pytest.raises(UsageError, match="tells 7 modes apart; base_modes must be no fewer"):
        Stepper(PdeRefiner.build(**SMALL, base_modes=6, points=16), stepper.network, setting, problems, "cpu")


# -- with networks --------------------------------------------------------------------------------
def test_hybrid_with_a_zero_network_is_the_base_bit_for_bit() -> None:
    problems = [ks(20.0, seed=1), ks(22.0, seed=2)]
    solver = PdeRefiner.build(**SMALL, base_step=0.2)
    setting = Setting(0.8, ["u"], [0.0], [1.0], [1.0], [1.0], ["length x"], [21.0], [1.0])
    stepper = Stepper(solver, build(solver, problems[0], 2, 1, setting), setting, problems, "cpu")
    base = Batch(problems, [31])
    state = stepper.start(torch.from_numpy(np.stack([p.initial() for p in problems])))
    expected = base.coefficients(torch.from_numpy(np.stack([p.initial() for p in problems])))
    for _ in range(3):
        state, expected = stepper.advance(state, None), base.march(expected, 0.2, 4)
    assert torch.equal(state, expected)


@pytest.mark.parametrize("sweeps", [1, 2])
def test_sweeps_improve_a_bad_prediction(sweeps: int) -> None:
    problem = ks(20.0, seed=1)
    setting = Setting(0.8, ["u"], [0.0], [1.0], [1.0], [1.0], [], [], [])
    fine = Batch([problem], [31])
    state = fine.march(fine.coefficients(torch.from_numpy(problem.initial()[None])), 0.02, 1000)
    truth = fine.march(state, 0.01, 80)
    errors = []
    for count in (0, sweeps):
        solver = PdeRefiner.build(**SMALL, base_step=0.4, sweeps=count)
        stepper = Stepper(solver, build(solver, problem, 2, 1, setting), setting, [problem], "cpu")
        errors.append(float((stepper.advance(state, None) - truth).abs().max()))
    assert errors[1] < errors[0] / 1.5


@pytest.mark.parametrize(
    "options",
    [
        {"method": "hybrid"},
        {"method": "hybrid", "network": "fno", "modes": 8, "indicator": "rates"},
        {"method": "hybrid", "indicator": "doubling", "refinement_steps": 1, "min_noise": 0.01},
        {"method": "refiner", "min_noise": 1e-4},
        {"method": "mse"},
        {"method": "mse", "points": 16},
        {"method": "hybrid", "points": 16, "base_modes": 10},
    ],
)  # fmt: skip
def test_training_and_rollout(data: dict[str, Dataset], options: dict[str, object]) -> None:
    solver = PdeRefiner.build(**(SMALL | options))
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    assert math.isfinite(model.card.metrics["error of a step"])
    problems = list(data["test"].problems)
    run = Run(seed=2)
    run.model = model
    for problem, solution in zip(problems, solver.solve_all(problems, run), strict=True):
        solution.check(problem)
        assert np.allclose(solution.values["u"][0], problem.initial()[0], atol=1e-12)
    assert run.costs["network_calls"] == 5 * (solver.refinements() + 1)


def test_learning_beats_the_base_and_persistence(data: dict[str, Dataset]) -> None:
    for method, start, steps in (("hybrid", "error of the base", 40), ("mse", "error of doing nothing", 80)):
        options = {"width": 16, "method": method, "base_step": 0.8, "iterations": steps, "learning_rate": 2e-3}
        metrics = train(PdeRefiner.build(**options), data["train"], data["valid"], Run(seed=1)).card.metrics
        assert metrics["error of a step"] < 0.8 * metrics[start]


def test_stopped_training_resumes_bit_for_bit(data: dict[str, Dataset], tmp_path: Path) -> None:
    solver = PdeRefiner.build(**(SMALL | {"method": "refiner"}))
    whole = train(solver, data["train"], data["valid"], Run(seed=5))
    steps = 0

    def stop_at(fraction: float, note: str) -> None:
        nonlocal steps
        steps += 1
        if steps == 5:
            first._interrupted = True

    first = Run(seed=5, folder=tmp_path, on_progress=stop_at)
    with pytest.raises(Stopped):
        train(solver, data["train"], data["valid"], first)
    resumed = train(solver, data["train"], data["valid"], Run(seed=5, folder=tmp_path))
    assert all(np.array_equal(whole.weights[name], resumed.weights[name]) for name in whole.weights)


def test_samples_give_mean_and_spread(data: dict[str, Dataset]) -> None:
    options = SMALL | {"method": "refiner", "refinement_steps": 1, "min_noise": 0.1}
    solver = PdeRefiner.build(**options)
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    problems = list(data["test"].problems)
    run = Run(seed=2)
    run.model = model
    several = PdeRefiner.build(**options, samples=4).solve_all(problems, run)
    assert not several[0].std["u"][0].any() and (several[0].std["u"][1:] > 0).all()
    singles = [predicted(solver, model, problems, seed=2)[0]]
    assert not np.array_equal(several[0].values["u"], singles[0])
    assert np.array_equal(predicted(solver, model, problems, seed=2)[0], singles[0])
    assert not np.array_equal(predicted(solver, model, problems, seed=3)[0], singles[0])


@pytest.mark.slow
def test_adaptive_levels_are_trained_chosen_kept_and_used(data: dict[str, Dataset], tmp_path: Path) -> None:
    options = {
        "width": 16, "method": "refiner", "variances": "adaptive", "min_noise": 1e-3, "refinement_steps": 2,
        "iterations": 80, "batch_size": 8, "samples": 2,
    }  # fmt: skip
    solver = PdeRefiner.build(**options)
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    assert model.card.metrics["error of a step"] < 0.9 * model.card.metrics["error of doing nothing"]
    assert model.card.extra["levels"][-1] == 1.0 and len(model.card.extra["levels"]) <= 3
    for levels in ([1.0], [0.3, 1.0], [0.002, 0.1, 0.3, 1.0]):
        chosen = model.with_card(dataclasses.replace(model.card, extra=model.card.extra | {"levels": levels}))
        chosen.write(tmp_path / "model.safetensors")
        run = Run(seed=2)
        run.model = Model.read(tmp_path / "model.safetensors")
        solution = solver.solve_all(list(data["test"].problems), run)[0]
        rollouts = 2 if len(levels) > 1 else 1  # without noise they would not differ, and have no spread
        assert run.costs["network_calls"] == 5 * rollouts * len(levels)
        assert ("u" in solution.std) == (rollouts > 1)


def test_a_level_grid_is_chosen_without_the_test_split(data: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is chosen after the training is chosen from the validation data's pairs."""
    from sciml_pde_refiner import validation

    seen: list[torch.Tensor] = []

    def choose(truth: torch.Tensor, *rest: object) -> list[float]:
        seen.append(truth)
        return [0.25, 1.0]

    monkeypatch.setattr(validation, "choose", choose)
    solver = PdeRefiner.build(**SMALL, method="refiner", variances="adaptive", min_noise=0.01)
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    assert model.card.extra["levels"] == [0.25, 1.0]
    u = data["valid"].values["u"]
    unit = model.card.extra["unit"][0]
    starts = [1, 1, 2, 3, 4]
    expected = (u[:, [i + 1 for i in starts]] - u[:, starts]) / unit
    assert np.allclose(seen[-1].reshape(5, 2, 32), expected.swapaxes(0, 1), atol=1e-4)


def test_spreads_are_calibrated_at_the_end_of_training(data: dict[str, Dataset]) -> None:
    options = SMALL | {"method": "refiner", "refinement_steps": 1, "min_noise": 0.1}
    model = train(PdeRefiner.build(**options), data["train"], data["valid"], Run(seed=1))
    kept = model.card.extra["calibration"]
    assert (kept["samples"], kept["members"]) == (8, 2)
    assert model.card.metrics["coverage"] == kept["before"] != 0.95
    plain = model.with_card(dataclasses.replace(model.card, extra={k: v for k, v in model.card.extra.items() if k != "calibration"}))
    several, problems = PdeRefiner.build(**options, samples=4), list(data["test"].problems)
    found = []
    for used in (model, plain):
        run = Run(seed=2)
        run.model = used
        found.append(several.solve_all(problems, run)[0])
    factor = found[0].history["spread_factor"]
    assert np.allclose(found[0].std["u"], factor[:, None] * found[1].std["u"], rtol=1e-14)
    assert np.array_equal(found[0].values["u"], found[1].values["u"])
    assert np.allclose(raw_std(found[0].std, found[0].history)["u"], found[1].std["u"], rtol=1e-14)
    assert not raw_std(found[1].std, found[1].history)
    assert "not calibrated" in found[1].message and not found[0].message
    again = PdeRefiner.build(**options).calibrate(plain, data["valid"], Run(seed=1))
    assert again.card.extra == model.card.extra and again.card.metrics == model.card.metrics
    assert all(np.array_equal(again.weights[name], model.weights[name]) for name in model.weights)
    with pytest.raises(UsageError, match="never on the test split"):
        PdeRefiner.build(**options).calibrate(plain, data["test"], Run())


def test_what_has_no_spread_is_not_calibrated(data: dict[str, Dataset]) -> None:
    solver = PdeRefiner.build(**SMALL, method="mse")
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    assert "calibration" not in model.card.extra and "levels" not in model.card.extra
    with pytest.raises(UsageError, match="no spread"):
        solver.calibrate(model, data["valid"], Run())


def test_a_rollout_that_blows_up_says_so(data: dict[str, Dataset]) -> None:
    solver = PdeRefiner.build(**(SMALL | {"method": "mse"}))
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    model.weights["head.bias"] = np.full_like(model.weights["head.bias"], 3e38)
    run = Run()
    run.model = model
    solution = solver.solve_all(list(data["test"].problems), run)[0]
    solution.check(data["test"].problems[0])
    assert solution.status is Status.PARTIAL and "finite" in solution.message


def test_scored_problems_must_be_new(data: dict[str, Dataset]) -> None:
    solver = PdeRefiner.build(**SMALL)
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    with pytest.raises(RunFailed, match="training data"):
        predicted(solver, model, [data["train"].problems[0]])


# -- refusals -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"method": "mse", "refinement_steps": 2}, "predicts once"),
        ({"method": "refiner", "refinement_steps": 0}, "method=mse"),
        ({"method": "mse", "sweeps": 1}, "method=hybrid"),
        ({"method": "refiner", "indicator": "rates"}, "method=hybrid"),
        ({"samples": 3}, "refinement steps"),
        ({"multipliers": "1,2,2,2,2,2,2"}, "divisible by 64"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, object], reason: str) -> None:
    assert any(reason in text for text in PdeRefiner.build(**options).refuses(ks()))


def test_problems_it_does_not_take() -> None:
    walls = Problem(
        "walls", Equation.parse(["u_t = u_xx"], ["u"], ["x"], {}),
        Grid((Axis("x", 0.0, 1.0, 16, "dirichlet"),), np.array([0.0, 1.0])), initial_text={"u": "x"},
    )  # fmt: skip
    assert any("dirichlet" in text for text in PdeRefiner.build().refuses(walls))


def test_data_and_times_that_do_not_fit(data: dict[str, Dataset]) -> None:
    with pytest.raises(UsageError, match="multiple"):
        Refining(PdeRefiner.build(**SMALL, step=0.3), data["train"], data["valid"], Run())
    with pytest.raises(UsageError, match="even number"):
        Refining(PdeRefiner.build(**SMALL, base_step=0.8, indicator="doubling"), data["train"], data["valid"], Run())
    solver = PdeRefiner.build(**SMALL)
    model = train(solver, data["train"], data["valid"], Run(seed=1))
    problem = data["test"].problems[0]
    odd = dataclasses.replace(problem, grid=Grid(problem.grid.axes, np.array([0.0, 0.5])))
    with pytest.raises(UsageError, match="multiples"):
        predicted(solver, model, [odd])
    with pytest.raises(UsageError, match="grid"):
        predicted(solver, model, [ks(points=64)])


def test_the_base_needs_one_shape_of_equation() -> None:
    equation = Equation.parse(["u_t = u_xx + cos(b*u)"], ["u"], ["x"], {"b": 1.0})
    other = Equation.parse(["u_t = u_xx + cos(b*u)"], ["u"], ["x"], {"b": 2.0})
    problem = dataclasses.replace(ks(), equation=equation)
    with pytest.raises(UsageError, match="whole terms"):
        Batch([problem, dataclasses.replace(problem, equation=other)], [8])


# -- what ships -----------------------------------------------------------------------------------
def test_the_shipped_model_beats_its_base() -> None:
    """On members of the test split, after the spin-up: eight seconds, against ETDRK4 at a tenth of the base's step."""
    root = Path(__file__).parents[2]
    found = read_family(root / "problems" / "ks-ensemble.h5")
    model = Model.read(root / "plugins" / "sciml_pde_refiner" / "models" / "ks-hybrid.safetensors")
    assert model.family.content_hash == found.content_hash
    drawn = [found.draw("test", i) for i in range(4)]
    batch = Batch(drawn, [63])
    state = batch.coefficients(torch.from_numpy(np.stack([p.initial() for p in drawn])))
    start = batch.values(batch.march(state, 0.04, 1800), (64,))
    grid = [Grid(p.grid.axes, np.linspace(0.0, 8.0, 11)) for p in drawn]
    problems = [
        dataclasses.replace(p, grid=g, initial_values={"u": u[0].numpy()})
        for p, g, u in zip(drawn, grid, start, strict=True)
    ]
    state = batch.coefficients(start)
    truth, base = (batch.values(batch.march(state, h, round(8 / h)), (64,)) for h in (0.02, 0.2))
    known = {k: v for k, v in model.card.options.items() if k in PdeRefiner.model_fields}
    value = np.stack([u[-1] for u in predicted(PdeRefiner.build(**known), model, problems)])
    error = np.linalg.norm(value - truth[:, 0].numpy(), axis=1)
    assert (error < 0.05 * (base - truth)[:, 0].norm(dim=1).numpy()).all()


def test_the_variance_that_hides_an_error_adds_five_percent_to_the_deviation():
    error = 3e-5
    assert math.sqrt(hiding(error) + error) == pytest.approx(1.05 * math.sqrt(hiding(error)))
    assert hiding(10.0) == 1.0  # noise of variance 1 hides everything there is
