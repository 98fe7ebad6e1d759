"""Multigrid neural operators: sizes as published, what holds for any weights, training and prediction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_mgno.cycle import Cycle
from sciml_mgno.evolution import operator_of
from sciml_mgno.layout import PRESETS, Layout, layout_of, levels_of, once_a_level
from sciml_mgno.losses import h1_dft_square, relative, square_of
from sciml_mgno.network import MgNO
from sciml_mgno.solver import Mgno
from sciml_mgno.steady import _moments
from sciml_mgno.symmetry import ALL, MIRRORS, symmetries, turned

from sciml import Axis, Equation, Grid, Problem, registry
from sciml.dataset import Dataset, make
from sciml.errors import RunFailed, UsageError
from sciml.family import Family
from sciml.family import read as read_family
from sciml.learning import Model
from sciml.learning.trainer import train
from sciml.metrics.sobolev import relative_h1, relative_l2
from sciml.networks.places import places
from sciml.run import Run
from sciml.solution import Status

SPLITS = {"train": {"seed": 1, "count": 6}, "valid": {"seed": 2, "count": 2}, "test": {"seed": 3, "count": 2}}


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# -- the network ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "size"),
    [("darcy-rough", 572_661), ("darcy-smooth", 678_093), ("pipe", 783_876), ("navier-stokes", 2_885_194),
     ("helmholtz", 5_351_806)],
)  # fmt: skip
def test_parameters_of_the_published_layouts(name: str, size: int) -> None:
    assert count(MgNO(PRESETS[name])) == size


@pytest.mark.parametrize("name", [n for n in PRESETS if n != "darcy-rough"])
def test_published_layouts_answer_on_their_grids(name: str) -> None:
    layout = PRESETS[name]
    torch.manual_seed(0)
    with torch.no_grad():
        found = MgNO(layout)(torch.randn(1, layout.inputs, *layout.grid))
    assert found.shape == (1, 1, *layout.grid)
    assert torch.isfinite(found).all() and found.std() > 0


@pytest.mark.parametrize("grid", [(16, 16), (17, 24), (13, 11)])
@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize("restriction", ["plain", "residual"])
@pytest.mark.parametrize("prolongation", ["fit", "3"])
def test_any_grid_keeps_its_size(grid: tuple[int, int], padding: str, restriction: str, prolongation: str) -> None:
    layout = Layout(
        grid, 2, 3, 4, 2, ((2, 1), (1, 1), (2, 0)), padding, restriction, bias="both", norm="levels",
        prolongation=prolongation,
    )  # type: ignore[arg-type]  # fmt: skip
    net = MgNO(layout)
    net(torch.randn(2, 2, *grid)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.parameters())


@pytest.mark.parametrize("restriction", ["plain", "residual"])
def test_a_cycle_is_linear(restriction: str) -> None:
    torch.manual_seed(0)
    cycle = Cycle(1, Layout((12, 12), channels=3, smoothing=((2, 1), (1, 0), (2, 0)), restriction=restriction)).double()
    a, b = torch.randn(2, 1, 1, 12, 12, dtype=torch.float64)
    assert torch.allclose(cycle(a + 3 * b), cycle(a) + 3 * cycle(b), rtol=0, atol=1e-12)


def test_shifts_commute_with_circular_padding() -> None:
    torch.manual_seed(0)
    net = MgNO(Layout((16, 32), channels=4, layers=2, smoothing=once_a_level(4), padding="circular")).double()
    a = torch.randn(2, 1, 16, 32, dtype=torch.float64)
    for shift in ((8, 0), (0, 16), (8, 8)):
        assert torch.allclose(net(a).roll(shift, (2, 3)), net(a.roll(shift, (2, 3))), rtol=0, atol=1e-12)
    assert (net(a).roll(1, 2) - net(a.roll(1, 2))).abs().max() > 1e-4  # coarse grids know where they are


def multigrid(f: np.ndarray, levels: int, omega: float) -> np.ndarray:
    """A textbook V(1, 1) cycle for -Δ on the square, u = 0 outside, h = 1 on every level's grid: damped Jacobi, full
    weighting, bilinear interpolation; two steps on the coarsest grid. Written with loops over offsets, not convolutions.
    """

    def operator(u: np.ndarray, scale: float) -> np.ndarray:
        p = np.pad(u, 1)
        return scale * (4 * u - p[:-2, 1:-1] - p[2:, 1:-1] - p[1:-1, :-2] - p[1:-1, 2:])

    def smooth(u: np.ndarray, f: np.ndarray, scale: float) -> np.ndarray:
        return u + omega / (4 * scale) * (f - operator(u, scale))

    def cycle(f: np.ndarray, level: int) -> np.ndarray:
        scale = 4.0**-level
        u = smooth(np.zeros_like(f), f, scale)
        if level == levels - 1:
            return smooth(u, f, scale)
        left = np.pad(f - operator(u, scale), 1)
        line = (0.25, 0.5, 0.25)
        n = f.shape[0]
        coarse_f = sum(
            line[i] * line[j] * left[i : i + n : 2, j : j + n : 2] for i in range(3) for j in range(3)
        )  # fmt: skip
        coarse = cycle(coarse_f, level + 1)
        fine = np.zeros((n, n))
        for (i, j), value in np.ndenumerate(coarse):
            for di, wi in ((-1, 0.5), (0, 1.0), (1, 0.5)):
                for dj, wj in ((-1, 0.5), (0, 1.0), (1, 0.5)):
                    if 0 <= 2 * i + di < n and 0 <= 2 * j + dj < n:
                        fine[2 * i + di, 2 * j + dj] += wi * wj * value
        return smooth(u + fine, f, scale)

    return cycle(f, 0)


def test_with_weights_set_by_hand_it_is_linear_multigrid() -> None:
    n, levels, omega = 17, 3, 0.8
    layout = Layout(
        (n, n), channels=1, smoothing=((1, 1),) * (levels - 1) + ((2, 0),), restriction="residual"
    )  # fmt: skip
    cycle = Cycle(1, layout).double()
    stencil = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]], dtype=torch.float64)
    centre = torch.zeros(3, 3, dtype=torch.float64)
    centre[1, 1] = 1.0
    hat = torch.tensor([0.5, 1.0, 0.5], dtype=torch.float64)
    with torch.no_grad():
        for index, level in enumerate(cycle.levels):
            for step in (*level.pre, *level.post):
                step.smoother.weight[0, 0] = omega * 4.0**index / 4 * centre
                if step.operator is not None:
                    step.operator.weight[0, 0] = 4.0**-index * stencil
        for index, descent in enumerate(cycle.descents):
            descent.operator.weight[0, 0] = 4.0**-index * stencil
            descent.restrict_f.weight[0, 0] = torch.outer(hat, hat) / 4
            descent.restrict_u.weight.zero_()  # the correction starts from nothing
            descent.prolong.weight[0, 0] = torch.outer(hat, hat)
    # on a coarser grid the first step starts from Pi u = 0, as the textbook's does
    f = np.random.default_rng(0).normal(size=(n, n))
    found = cycle(torch.as_tensor(f)[None, None]).detach().numpy()[0, 0]
    assert np.abs(found - multigrid(f, levels, omega)).max() < 1e-13 * np.abs(found).max()


def test_layouts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="take fewer levels"):
        Layout((16, 16), smoothing=once_a_level(6))
    with pytest.raises(UsageError, match="that 8 divides"):
        Layout((20, 16), smoothing=once_a_level(4), padding="circular")
    with pytest.raises(UsageError, match="on the way down"):
        Layout((16, 16), smoothing=((1, 0), (0, 0)))
    with pytest.raises(UsageError, match="no way up"):
        Layout((16, 16), smoothing=((1, 0), (1, 1)))


def test_levels_end_at_four_or_five_points() -> None:
    assert [levels_of((n, n), False) for n in (65, 64, 129, 101, 7, 8)] == [5, 5, 6, 6, 2, 2]
    assert levels_of((48, 40), True) == 4  # 48, 24, 12, 6; 40, 20, 10, 5
    assert levels_of((20, 20), True) == 3  # 20, 10, 5, which cannot be halved on a circle


# -- losses, symmetry -----------------------------------------------------------------------------
@pytest.mark.parametrize("boundary", [("periodic", "periodic"), ("dirichlet", "periodic"), ("dirichlet", "neumann")])
def test_losses_are_the_metrics(boundary: tuple[str, str]) -> None:
    axes = [Axis("x", 0.0, 2.0, 12, boundary[0]), Axis("y", -1.0, 2.0, 9, boundary[1])]
    value, truth = np.random.default_rng(0).normal(size=(2, 3, 1, 12, 9))
    lengths, periodic = [a.length for a in axes], [a.periodic for a in axes]
    for name, metric in (("l2", relative_l2), ("h1", relative_h1)):
        found = relative(square_of(name, axes), torch.as_tensor(value), torch.as_tensor(truth))
        assert found.numpy() == pytest.approx(metric(value, truth, lengths, periodic)[:, 0], rel=1e-6)


def test_the_published_loss_counts_integer_wavenumbers_below_twenty() -> None:
    x = torch.arange(48, dtype=torch.float64) / 48
    square = h1_dft_square()

    def of(k: tuple[int, int]) -> float:
        field = torch.cos(2 * torch.pi * (k[0] * x[:, None] + k[1] * x))[None, None]
        return float(square(field)) / (48**4 / 2)

    assert of((3, 4)) == pytest.approx(26, rel=1e-12)
    assert of((-3, 4)) == pytest.approx(26, rel=1e-12)
    assert of((19, 0)) == pytest.approx(362, rel=1e-12)
    assert of((20, 0)) == pytest.approx(0, abs=1e-12)
    assert of((1, 21)) == pytest.approx(0, abs=1e-12)


def steady(equation: str, boundary: str = "dirichlet", upper: float = 1.0) -> Problem:
    axes = (Axis("x", 0.0, 1.0, 8, boundary), Axis("y", 0.0, upper, 8, boundary))
    parsed = Equation.parse([equation], ["u"], ["x", "y"], {"k": 2.0}, given=["a"])
    return Problem("p", parsed, Grid(axes, np.zeros(1)), kind="steady", given={"a": np.ones((8, 8))})


@pytest.mark.parametrize(
    ("equation", "turns"),
    [
        ("d_x(a*u_x) + d_y(a*u_y) = -1", ALL),
        ("laplacian(u) + k**2*a*u + u**3 = exp(a)", ALL),
        ("u_x**2 + u_y**2 + a*u_xxyy = 1", ALL),
        ("2*u_xx + u_yy + a*u = 1", MIRRORS),
        ("laplacian(u) + a*u_x = 1", (0, 4)),  # y may be mirrored
        ("laplacian(u) + a*u_xy = 1", (0, 7)),  # the axes may be exchanged
        ("u_x*u_xx + u_y*u_yy + a*u = 1", (0, 7)),
        ("laplacian(u) + a*u = x*y", (0,)),
        ("laplacian(u) + a*u = y", (0, 6)),  # x may be mirrored
        ("laplacian(u) + a*u + sin(u_x) + sin(u_y) = 0", (0, 7)),
    ],
)
def test_which_turns_leave_an_equation_as_it_is(equation: str, turns: tuple[int, ...]) -> None:
    assert symmetries(steady(equation)) == turns


def test_turns_ask_for_equal_faces_and_an_exchange_for_a_square() -> None:
    good = "d_x(a*u_x) + d_y(a*u_y) = -1"
    assert symmetries(steady(good, upper=2.0)) == MIRRORS
    assert symmetries(steady(good, "dirichlet-neumann")) == (0,)
    assert symmetries(steady(good, "neumann")) == ALL
    beside = {"u": {"x": {"lower": "1"}}}
    assert symmetries(replace(steady(good), boundary_text=beside)) == (0, 4)
    assert symmetries(replace(steady(good), boundary_text={"u": {"x": {"lower": "y"}}})) == (0,)


def test_a_turned_problem_has_the_turned_solution() -> None:
    """What the numbers of turns mean on the grid is what they mean for the equation, checked with a solver."""
    equation, data = "d_x(a*u_x) + 3*d_y(a*u_y) = -1", {"u": {"y": {"upper": "1"}}}
    problem = replace(steady(equation), boundary_text=data)
    rng = np.random.default_rng(0)
    a = 1 + rng.uniform(size=problem.grid.shape)
    solver = registry.get_solver("multigrid").build(points=57)
    solved = {}
    for which in range(8):
        values = turned(torch.as_tensor(a), which).numpy().copy()
        solved[which] = solver.solve(replace(problem, given={"a": values}), Run()).values["u"][0]
    expected = {w: turned(torch.as_tensor(solved[0]), w).numpy() for w in range(8)}
    same = tuple(w for w in range(8) if np.abs(solved[w] - expected[w]).max() < 1e-6)
    assert same == symmetries(problem) == (0, 6)


def test_the_eight_turns_are_different_and_keep_every_value() -> None:
    field = torch.arange(9.0).reshape(1, 3, 3)
    turns = {tuple(turned(field, i).flatten().tolist()) for i in range(8)}
    assert len(turns) == 8
    assert all(sorted(t) == list(range(9)) for t in turns)


# -- training and prediction ----------------------------------------------------------------------
def darcy(size: int = 9) -> Family:
    return Family.parse({
        "name": "tiny-darcy", "kind": "steady", "equation": ["d_x(a*u_x) + d_y(a*u_y) = -1"], "fields": ["u"],
        "axes": [{"name": n, "lower": 0.0, "upper": 1.0, "size": size, "boundary": "dirichlet"} for n in "xy"],
        "random": {"g": {"law": "gaussian-field", "amplitude": "1/(k**2 + 9)", "boundary": "neumann", "modes": 4}},
        "given": {"a": "exp(5*g)"}, "splits": SPLITS, "maker": {"solver": "multigrid", "options": {"points": 65, "accuracy": 0.1}},
    })  # fmt: skip


def vorticity(times: int = 4, nu: str = "nu") -> Family:
    span = {"end": 0.5 * (times - 1), "times": times}
    return Family.parse({
        "name": "tiny-flow", "fields": ["w"], "parameters": {"nu": 0.01},
        "equation": [
            "psi = inverse_laplacian(-w)", "u = psi_y", "v = -psi_x",
            f"w_t = -u*w_x - v*w_y + {nu}*laplacian(w)",
        ],
        "axes": [{"name": n, "lower": 0.0, "upper": 1.0, "size": 16} for n in "xy"],
        "random": {
            "g": {"law": "gaussian-field", "amplitude": "1/(1 + k**2)", "boundary": "periodic", "modes": 3},
            "drawn": {"law": "uniform", "lower": 0.01, "upper": 0.02},
        },
        "initial": {"w": "20*g"}, "splits": {name: split | span for name, split in SPLITS.items()},
        "maker": {"solver": "etdrk4", "options": {"step": 0.05, "modes": 16}},
    })  # fmt: skip


def data(family: Family, root: Path) -> tuple[Dataset, Dataset, Dataset]:
    made = [make(family, split, root) for split in ("train", "valid", "test")]
    return made[0], made[1], made[2]


def trained(solver: Mgno, training: Dataset, validation: Dataset, seed: int = 0) -> Model:
    return train(solver, training, validation, Run(seed=seed, dtype="float32"))


def solved(solver: Mgno, problems: tuple[Problem, ...], model: Model) -> list[np.ndarray]:
    run = Run()
    run.model = model
    answers = solver.solve_all(problems, run)
    for answer, problem in zip(answers, problems, strict=True):
        answer.check(problem)
    (name,) = problems[0].equation.fields
    return [answer.values[name] for answer in answers]


SMALL = {"channels": 6, "layers": 2, "iterations": 60, "batch_size": 4, "learning_rate": 5e-3}


@pytest.mark.parametrize("network", ["mgno", "fno"])
def test_a_steady_family_is_learnt(network: str, tmp_path: Path) -> None:
    training, validation, test = data(darcy(), tmp_path)
    solver = Mgno.build(network=network, modes=3, **SMALL)
    model = trained(solver, training, validation)
    assert set(model.card.metrics) == {"relative L2", "relative H1"}
    found, truth = np.stack(solved(solver, test.problems, model)), test.values["u"]
    mean = training.values["u"].mean(0)
    error, trivial = np.linalg.norm(found - truth), np.linalg.norm(mean - truth)
    assert error < 0.7 * trivial  # better than answering with the mean of the training data
    assert np.abs(found[..., 0, :]).max() == 0.0  # the given value on the boundary is kept


def test_the_same_seed_the_same_model_and_a_file_gives_it_back(tmp_path: Path) -> None:
    training, validation, test = data(darcy(), tmp_path)
    solver = Mgno.build(**(SMALL | {"iterations": 4}))
    first, again, other = (trained(solver, training, validation, seed) for seed in (0, 0, 1))
    assert first.hash == again.hash or first.card.seconds != again.card.seconds
    assert all((first.weights[n] == again.weights[n]).all() for n in first.weights)
    assert any((first.weights[n] != other.weights[n]).any() for n in first.weights)
    first.write(tmp_path / "m.safetensors")
    read = Model.read(tmp_path / "m.safetensors")
    for a, b in zip(solved(solver, test.problems, first), solved(solver, test.problems, read), strict=True):
        assert (a == b).all()


def test_a_training_stopped_and_resumed_is_the_same(tmp_path: Path) -> None:
    training, validation, _ = data(darcy(), tmp_path)
    solver = Mgno.build(**(SMALL | {"iterations": 12}))
    whole = trained(solver, training, validation)
    from sciml.errors import Stopped

    steps = {"n": 0}

    def interrupt(fraction: float, note: str) -> None:
        steps["n"] += 1
        if steps["n"] == 5:
            run._interrupted = True

    run = Run(dtype="float32", folder=tmp_path / "part", on_progress=interrupt)
    with pytest.raises(Stopped):
        train(solver, training, validation, run)
    resumed = train(solver, training, validation, Run(dtype="float32", folder=tmp_path / "part"))
    assert all((whole.weights[n] == resumed.weights[n]).all() for n in whole.weights)


def test_training_problems_are_not_scored(tmp_path: Path) -> None:
    training, validation, _ = data(darcy(), tmp_path)
    solver = Mgno.build(**(SMALL | {"iterations": 1}))
    model = trained(solver, training, validation)
    with pytest.raises(RunFailed, match="training data"):
        solved(solver, training.problems[:1], model)


def test_steps_of_an_evolution(tmp_path: Path) -> None:
    training, validation, test = data(vorticity(), tmp_path)
    solver = Mgno.build(unroll=2, **SMALL)
    model = trained(solver, training, validation)
    assert set(model.card.metrics) == {"relative L2", "first step"}
    found, truth = np.stack(solved(solver, test.problems, model)), test.values["w"]
    assert np.array_equal(found[:, 0], truth[:, 0])
    still = np.linalg.norm(truth[:, 1] - truth[:, 0])
    assert np.linalg.norm(found[:, 1] - truth[:, 1]) < 0.8 * still  # better than standing still


def test_ten_frames_to_the_next(tmp_path: Path) -> None:
    training, validation, test = data(vorticity(times=14), tmp_path)
    solver = Mgno.build(protocol="ten-to-ten", **(SMALL | {"iterations": 3}))
    model = trained(solver, training, validation)
    run = Run()
    run.model = model
    (answer,) = solver.solve_all(test.problems[:1], run)
    assert np.abs(answer.values["w"][:11] - test.values["w"][0, :11]).max() < 1e-10  # computed, as the data were
    assert answer.predicted_from == test.times[11]
    assert answer.cost["network_calls"] == 3
    short = replace(test.problems[0], grid=Grid(test.problems[0].grid.axes, test.times[:11]))
    with pytest.raises(UsageError, match="starts from 11 output times"):
        solver.solve_all([short], run)


def forced(force: str) -> Problem:
    axes = (Axis("x", 0.0, 2.0, 16), Axis("y", 0.0, 1.0, 16))
    equation = Equation.parse([f"u_t = laplacian(u) - u*u_x{force}"], ["u"], ["x", "y"], {"a": 3.0})
    return Problem("forced", equation, Grid(axes, np.linspace(0, 1, 3)), initial_text={"u": "0"})


def test_a_force_is_shown_where_it_stands() -> None:
    assert places(forced("")).shape == places(forced(" + a*sin(t)")).shape == (0, 16, 16)
    shown = places(forced(" + a*cos(pi*x)*sin(2*pi*y)"))
    x, y = np.meshgrid(np.arange(16) / 8, np.arange(16) / 16, indexing="ij")
    assert shown.shape == (5, 16, 16)
    np.testing.assert_allclose(shown[:2], [np.sin(np.pi * x), np.cos(np.pi * x)], atol=1e-14)
    force = np.cos(np.pi * x) * np.sin(2 * np.pi * y)
    np.testing.assert_allclose(shown[4], force / force.std(), atol=1e-14)


@pytest.mark.parametrize("network", ["mgno", "fno"])
def test_only_a_network_that_knows_the_place_answers_differently_there(network: str) -> None:
    """Fed with zeros, a network says the same in every cell of its coarsest grid (4 points wide), unless it is told."""
    solver = Mgno(network=network, channels=4, layers=2, modes=4)
    for force, varies in (("", False), (" + a*cos(pi*x)", True)):
        torch.manual_seed(0)
        with torch.no_grad():
            (found,) = operator_of(solver, 1, 1, forced(force))(torch.zeros(1, 1, 16, 16))
        apart = float((found - found.roll(4, dims=1)).abs().max() / found.abs().max())
        assert apart > 1e-2 if varies else apart < 1e-6


def waves(size: int = 13) -> Family:
    """As helmholtz, far from resonances: flux through one edge, and reflection shows no network which."""
    return Family.parse({
        "name": "tiny-waves", "kind": "steady", "equation": ["laplacian(u) + 30*a*u = 0"], "fields": ["u"],
        "axes": [{"name": n, "lower": 0.0, "upper": 1.0, "size": size, "boundary": "neumann"} for n in "xy"],
        "random": {"g": {"law": "gaussian-field", "amplitude": "1/(k**2 + 9)", "boundary": "neumann", "modes": 4}},
        "given": {"a": "1 + g/10"}, "boundary": {"u": {"y": {"upper": "1"}}}, "splits": SPLITS,
        "maker": {"solver": "spectral-element", "options": {"degree": 4, "estimate": False}},
    })  # fmt: skip


def test_edges_that_reflection_hides_are_shown(tmp_path: Path) -> None:
    training, validation, _ = data(waves(), tmp_path)
    problem = training.problems[0]
    x, y = np.meshgrid(np.linspace(-1, 1, 13), np.linspace(-1, 1, 13), indexing="ij")
    np.testing.assert_allclose(places(problem), [x, y], atol=1e-14)
    assert places(steady("laplacian(u) + a*u = 1")).shape[0] == 0  # zeros beyond the edges show them
    metrics = trained(Mgno.build(**(SMALL | {"iterations": 120})), training, validation).card.metrics
    assert metrics["relative L2"] < 0.1


def test_a_member_near_a_resonance_does_not_set_the_units() -> None:
    fields = torch.randn(50, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    loud = torch.cat([fields, 1e6 * fields[:1]])
    quiet = torch.cat([fields, torch.zeros_like(fields[:1])])
    for other in (loud, quiet):
        for found, usual in zip(_moments([other]), _moments([fields]), strict=True):
            assert float((found - usual).abs().max()) < 0.2
    assert all(not m.any() for m in _moments([torch.zeros(3, 1, 2, 2)]))


def test_a_rollout_that_grows_beyond_numbers_is_partial(tmp_path: Path) -> None:
    training, validation, test = data(vorticity(), tmp_path)
    solver = Mgno.build(**(SMALL | {"iterations": 1}))
    model = trained(solver, training, validation)
    model.weights["std_out"] = np.full_like(model.weights["std_out"], 1e25)
    run = Run()
    run.model = model
    (answer,) = solver.solve_all(test.problems[:1], run)
    answer.check(test.problems[0])
    assert answer.status is Status.PARTIAL and answer.reached < test.times[-1]


def test_other_steps_than_trained_are_refused(tmp_path: Path) -> None:
    training, validation, test = data(vorticity(), tmp_path)
    solver = Mgno.build(**(SMALL | {"iterations": 1}))
    model = trained(solver, training, validation)
    run = Run()
    run.model = model
    other = replace(test.problems[0], grid=Grid(test.problems[0].grid.axes, np.array([0.0, 0.4, 0.8])))
    with pytest.raises(UsageError, match="steps over 0.5"):
        solver.solve_all([other], run)


# -- the manifest ---------------------------------------------------------------------------------
def test_presets_take_the_grid_of_the_problem() -> None:
    grid = darcy(65).draw("train", 0).grid
    layout = layout_of(Mgno.build(preset="darcy-rough"), 1, 1, grid)
    assert layout == replace(PRESETS["darcy-rough"], grid=(65, 65))
    own = layout_of(Mgno.build(channels=5, layers=2, smoothing=2, post=1), 1, 1, grid)
    assert (own.channels, own.layers, own.padding) == (5, 2, "zeros")
    assert own.smoothing == ((2, 1), (2, 1), (2, 1), (2, 1), (3, 0))
    assert layout_of(Mgno.build(), 1, 1, vorticity().draw("train", 0).grid).padding == "circular"
    assert layout_of(Mgno.build(padding="reflect"), 1, 1, grid).padding == "reflect"


def test_what_is_refused() -> None:
    problem = darcy().draw("train", 0)
    assert Mgno.build().refuses(problem) == []
    assert "leave them out" in Mgno.build(preset="pipe", channels=5).refuses(problem)[0]
    assert "take fewer levels" in Mgno.build(levels=9).refuses(problem)[0]
    assert "needs 24 points" in Mgno.build(network="fno").refuses(problem)[0]
    bare = Equation.parse(["laplacian(u) = -1"], ["u"], ["x", "y"])
    without = Problem("p", bare, problem.grid, kind="steady")
    assert "given on the grid" in Mgno.build().refuses(without)[0]
    flow = vorticity().draw("train", 0)
    uneven = replace(flow, grid=Grid(flow.grid.axes, np.array([0.0, 0.5, 1.5])))
    assert Mgno.build().refuses(flow) == []
    assert "equally far apart" in Mgno.build().refuses(uneven)[0]


def test_families_whose_members_differ_in_numbers_are_refused() -> None:
    assert Mgno.build().refuses_family(vorticity()) == []  # a number that is drawn but not used does no harm
    assert "drawn is another number" in Mgno.build().refuses_family(vorticity(nu="drawn"))[0]


def test_the_shipped_model_answers_members_it_has_not_seen(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    path = root / "plugins/sciml_mgno/models/darcy-smooth-mgno.safetensors"
    assert path.stat().st_size < 5e6
    model = Model.read(path)
    test = make(read_family(root / "problems/darcy-smooth.h5"), "test", tmp_path, count=4)
    found = np.stack(solved(Mgno.build(**model.card.options), test.problems, model))
    errors = relative_l2(found[:, 0], test.values["u"][:, 0], [1.0, 1.0], [False, False])
    assert errors.mean() < 8e-3
