"""Generalised teacher forcing: gradients, forcing, training that resumes, forecasts, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sciml_gtf import recurrence
from sciml_gtf.forcing import annealed, needed
from sciml_gtf.network import Plrnn
from sciml_gtf.recurrence import Forced, Weights
from sciml_gtf.solver import Gtf
from tiny_dynamics import family as oscillator

from sciml import Equation, Run, UsageError, registry
from sciml import family as families
from sciml.dataset import make
from sciml.errors import Stopped
from sciml.files import problem_file
from sciml.kernels import recurrence as compiled
from sciml.learning.models import choose
from sciml.learning.trainer import train

SMALL = {"units": 8, "length": 10, "iterations": 60, "batch_size": 4}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    if "gtf" not in registry.solvers():  # not installed with this checkout
        everything = (*registry.plugins(), registry.Plugin("gtf", "sciml-toolkit", "0", "sciml_gtf", [Gtf]))
        monkeypatch.setattr(registry, "plugins", lambda: everything)


@pytest.fixture(params=["compiled", "numpy"])
def way(request, monkeypatch):
    if request.param == "numpy":
        monkeypatch.setattr(compiled, "available", lambda: False)
    elif not compiled.available():
        pytest.skip("no C++ compiler")
    return request.param


@pytest.mark.parametrize("clipped", [False, True])
def test_gradients_are_those_of_differences(clipped, way):
    torch.manual_seed(0)
    network = Plrnn(3, 6, clipped)
    with torch.no_grad():
        network.w1.mul_(30)
    data = torch.randn(9, 5, 3, dtype=torch.float64)
    weights = (network.a, network.w1, network.w2, network.h1, network.h2)
    assert torch.autograd.gradcheck(lambda *p: Forced.apply(*p, data, 0.3, clipped), weights)
    assert recurrence.path() == way


def test_states_are_the_papers_formula():
    rng = np.random.default_rng(0)
    a, w1, w2, h1, h2 = (rng.normal(size=s) for s in (2, (2, 4), (4, 2), 2, 4))
    data, alpha = rng.normal(size=(4, 1, 2)), 0.25
    found = recurrence.forward(Weights(a, w1, w2, h1, h2, True), data, alpha)[0]
    z = data[0, 0]
    for t in range(3):
        z = (1 - alpha) * z + alpha * data[t, 0]
        z = a * z + w1 @ (np.maximum(w2 @ z + h2, 0) - np.maximum(w2 @ z, 0)) + h1
        np.testing.assert_allclose(found[t, 0], z, rtol=1e-12)


def test_jacobians_are_those_of_differences():
    w = Plrnn(3, 9, True).weights()
    z = np.random.default_rng(0).normal(size=(4, 3))
    slope = np.stack([(w.step(z + 1e-6 * e) - w.step(z - 1e-6 * e)) / 2e-6 for e in np.eye(3)], -1)
    np.testing.assert_allclose(w.jacobians(z), slope, atol=1e-8)


def test_forcing_is_what_a_known_growth_asks_for():
    """A diagonal map that grows by 1.25 a step needs α = 1 − 1/1.25."""
    w = Weights(np.array([1.25, 0.5]), np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2), np.zeros(1), True)
    data = np.random.default_rng(0).normal(size=(51, 3, 2))
    assert needed(w, data, 1.0) == pytest.approx(0.2, abs=1e-12)
    assert annealed(w, data, 0.1) == pytest.approx(0.2) and 0.2 < annealed(w, data, 1.0) < 1.0
    calm = Weights(np.array([0.9, 0.5]), np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2), np.zeros(1), True)
    assert needed(calm, data, 0.5) == 0.0


def test_a_clipped_network_stays_bounded():
    torch.manual_seed(1)
    network = Plrnn(3, 20, True)
    with torch.no_grad():
        network.w1.mul_(100)
    states = recurrence.rollout(network.weights(), np.full((1, 3), 10.0), 5000)
    w = network.weights()
    bound = (np.abs(w.w1) @ np.abs(w.arrays[4]) + np.abs(w.arrays[3])) / (1 - 0.98)
    assert (np.abs(states[-1]) <= bound).all()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    place = tmp_path_factory.mktemp("gtf")
    return [make(oscillator(noise=0.01), split, place) for split in families.SPLITS]


def test_it_learns_an_oscillator(tmp_path):
    spans = {"train": (16, 61), "valid": (2, 61), "test": (3, 31)}
    splits = {n: {"seed": i, "count": c, "end": (t - 1) / 10, "times": t} for i, (n, (c, t)) in enumerate(spans.items())}
    places = {"a": {"law": "uniform", "lower": 1.0, "upper": 2.0}, "b": {"law": "uniform", "lower": -1.0, "upper": 1.0}}
    everything = oscillator(noise=0.01, splits=splits, random=places)
    data = [make(everything, split, tmp_path) for split in families.SPLITS]
    solver = Gtf.build(units=20, length=15, iterations=1500, alpha=0.2, learning_rate=1e-2)
    model = train(solver, data[0], data[1], Run())
    run = Run()
    run.model = model
    problems = data[2].problems
    for problem, solution, exact in zip(problems, solver.solve_all(problems, run), range(3), strict=True):
        solution.check(problem)
        error = np.abs(solution.values["p"] - data[2].values["p"][exact]).max()
        assert error < 0.1 * np.abs(data[2].values["p"][exact]).max()
    assert model.card.extra["step"] == pytest.approx(0.1) and model.card.parameters == 2 + 2 * 2 * 20 + 20 + 2


@pytest.mark.parametrize("options", [{}, {"forcing": "adaptive", "clipped": False}])
def test_stopped_and_resumed_is_the_same_bit_for_bit(data, tmp_path, monkeypatch, options):
    solver = Gtf.build(**SMALL, **options)
    whole = train(solver, data[0], data[1], Run())
    calls = iter(range(10_000))
    run = Run(folder=tmp_path)
    real = run.step

    def interrupted(*arguments):
        if next(calls) == 30:
            run._interrupted = True
        real(*arguments)

    monkeypatch.setattr(run, "step", interrupted)
    with pytest.raises(Stopped):
        train(solver, data[0], data[1], run)
    again = train(solver, data[0], data[1], Run(folder=tmp_path))
    assert all((whole.weights[n] == again.weights[n]).all() for n in whole.weights)
    if options:
        assert 0 < whole.card.extra["alpha"] < 1
    else:
        assert whole.card.extra["alpha"] == pytest.approx(0.1)


def test_from_the_command_line(tmp_path, cli):
    path = tmp_path / "f.h5"
    families.write(path, oscillator(noise=0.01))
    where = ("--store", tmp_path / "s", "--data", tmp_path / "d")
    options = [f"-o{k}={v}" for k, v in SMALL.items()]
    assert "trained     60 steps" in cli("train", path, "-s", "gtf", *options, *where).out
    assert "forecast    error below 0.4" in cli("solve", path, "-s", "gtf", *where).out


def test_the_shipped_model_answers_and_visits_both_wings(tmp_path):
    root = Path(__file__).parents[2]
    problem = problem_file.read(root / "problems" / "lorenz.h5")
    model, solver = choose(Gtf(), problem, tmp_path, None)
    assert model.card.parameters == 356 and model.card.family == families.read(
        root / "problems" / "lorenz-series.h5").describe()  # fmt: skip
    run = Run()
    run.model = model
    x = solver.solve(problem, run).values["x"]
    assert np.abs(x).max() < 21 and 3 <= np.count_nonzero(np.diff(np.sign(x))) <= 30  # the reference: 19.6, 6
    other = replace(problem, equation=Equation.parse(problem.equation.statements, ["x", "y", "z"], [], {
        **problem.equation.parameters, "rho": 30.0}))  # fmt: skip
    assert model.covers(other) == ["it was trained with rho = 28, this one has 30"]


def test_requests_that_make_no_sense(data, tmp_path):
    short = Gtf.build(length=30).refuses_family(oscillator())
    assert any("have 21 points, sequences of 30 steps need 31: take a smaller length" in reason for reason in short)
    model = train(Gtf.build(**SMALL), data[0], data[1], Run())
    model.write(tmp_path / "m.safetensors")
    other = oscillator(equation=["p_t = -q", "q_t = p - r", "r_t = p"], fields=["p", "q", "r"],
                       initial={"p": "a", "q": "b", "r": "0"}, parameters={})  # fmt: skip
    with pytest.raises(UsageError, match="does not fit 'oscillator-test-0': it was trained on p_t = -q - d"):
        choose(Gtf(), other.draw("test", 0), tmp_path, tmp_path / "m.safetensors")
    odd = oscillator(splits={n: {"seed": i, "count": 1, "end": 1.0, "times": 8} for i, n in enumerate(families.SPLITS)})
    run = Run()
    run.model = model
    with pytest.raises(UsageError, match="this model steps by 0.1; output times must be multiples"):
        Gtf().solve(odd.draw("test", 0), run)
    time_dependent = oscillator(equation=["p_t = -q + cos(t)", "q_t = p"], parameters={})
    assert Gtf().refuses_family(time_dependent) == ["it does not handle time-dependent terms"]
