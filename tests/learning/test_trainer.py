"""Training: resumes bit for bit, shares batches among processes, never loses a good checkpoint, never leaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sciml import Run, RunFailed, UsageError
from sciml.dataset import digest, make
from sciml.errors import Stopped
from sciml.learning import Model
from sciml.learning.schedules import rate
from sciml.learning.trainer import _portable, check_apart, train

PROGRAM = str(Path(__file__).parents[1] / "tiny_learner.py")


@pytest.fixture
def data(tiny, tmp_path):
    return [make(tiny.family(), split, tmp_path / "data") for split in ("train", "valid", "test")]


def test_training_lowers_the_error(tiny, data):
    before = train(tiny.Tiny(iterations=1), data[0], data[1], Run()).card.metrics["mse"]
    model = train(tiny.Tiny(iterations=300), data[0], data[1], Run())
    assert model.card.metrics["mse"] < 0.6 * before
    assert model.card.parameters == 1 * 4 * 3 + 4 + 4 * 3 + 1
    assert model.card.data_hash == data[0].hash


def test_stopped_by_the_budget_and_resumed_ends_with_the_same_bits(tiny, data, tmp_path):
    whole = train(tiny.Tiny(iterations=120), data[0], data[1], Run())
    folder, stops = tmp_path / "cell", 0
    for _ in range(1000):
        try:
            pieces = train(tiny.Tiny(iterations=120), data[0], data[1], Run(folder=folder, budget=0.02))
            break
        except Stopped:
            stops += 1
    assert stops >= 2
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(pieces.weights[name], value)
    assert pieces.card.metrics == whole.card.metrics


def test_the_weights_of_the_best_validation_are_kept_stopped_or_not(tiny, data, tmp_path):
    unsteady = {"iterations": 60, "learning_rate": 0.3, "ema": 0.0, "schedule": "constant", "keep": "best"}
    run = Run()
    whole = train(tiny.Tiny(**unsteady), data[0], data[1], run)
    checks = run.logged["valid mse"]
    assert whole.card.metrics["mse"] == min(checks) < checks[-1]
    network = tiny.StepTask(data[0], data[1], 0)
    network.network.load_state_dict(whole.state_dict())
    assert network.validate(network.network)["mse"] == pytest.approx(min(checks))
    for _ in range(1000):
        try:
            pieces = train(tiny.Tiny(**unsteady), data[0], data[1], Run(folder=tmp_path / "cell", budget=0.02))
            break
        except Stopped:
            continue
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(pieces.weights[name], value)


@pytest.mark.slow
def test_killed_at_random_moments_ends_with_the_same_bits(tmp_path):
    _program(tmp_path / "whole", 150)
    whole = Model.read(tmp_path / "whole" / "model.safetensors")
    rng, kills = np.random.default_rng(0), 0
    for _ in range(12):
        process = subprocess.Popen([sys.executable, PROGRAM, str(tmp_path / "killed"), "150"], stderr=subprocess.DEVNULL)
        folder = tmp_path / "killed" / "partial"
        start = time.monotonic()
        while process.poll() is None and not folder.exists() and time.monotonic() - start < 60:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.4))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
        if (tmp_path / "killed" / "model.safetensors").exists():
            break
    _program(tmp_path / "killed", 150)
    pieces = Model.read(tmp_path / "killed" / "model.safetensors")
    assert kills >= 1
    for name, value in whole.weights.items():
        np.testing.assert_array_equal(pieces.weights[name], value)


def _two_processes(*arguments):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0",
               "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", PROGRAM, *arguments]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=240, env=os.environ | {"OMP_NUM_THREADS": "1"})


@pytest.mark.slow
def test_no_process_looks_for_the_model_before_it_is_written(tmp_path):
    _program(tmp_path, 0, only_data=True)
    _two_processes(str(tmp_path), "3", "slowly")
    assert len(list((tmp_path / "store" / "models").glob("*.safetensors"))) == 1


def test_two_processes_have_the_loss_curve_of_one(tmp_path):
    _program(tmp_path / "one", 30)
    made = tmp_path / "two"
    _program(made, 0, only_data=True)
    _two_processes(str(made), "30")
    one, two = np.load(tmp_path / "one" / "losses.npy"), np.load(made / "losses.npy")
    np.testing.assert_allclose(two, one, rtol=2e-5)
    a, b = (Model.read(tmp_path / place / "model.safetensors") for place in ("one", "two"))
    for name, value in a.weights.items():
        np.testing.assert_allclose(b.weights[name], value, rtol=1e-4, atol=1e-6)


def _program(place: Path, iterations: int, only_data: bool = False) -> None:
    place.mkdir(parents=True, exist_ok=True)
    if only_data:
        import tiny_learner

        for split in ("train", "valid"):
            make(tiny_learner.family(), split, place / "data")
        return
    subprocess.run([sys.executable, PROGRAM, str(place), str(iterations)], check=True, timeout=240, capture_output=True)


def test_a_loss_that_is_not_a_number_keeps_the_last_checkpoint(tiny, data, tmp_path, monkeypatch):
    monkeypatch.setattr(tiny.Tiny, "fails_at", 25)
    run = Run(folder=tmp_path / "cell", checkpoint_every=0.0)
    with pytest.raises(RunFailed, match="the loss is nan at step 24; the last checkpoint stays"):
        train(tiny.Tiny(iterations=40), data[0], data[1], run)
    saved = Run(folder=tmp_path / "cell").restore()
    assert saved is not None
    assert saved["iteration"] == 24
    assert all(np.isfinite(v).all() for k, v in saved.items() if k.startswith(("weights/", "averaged/")))


def test_weights_of_another_network_are_refused_in_a_sentence(tiny, data, tmp_path, monkeypatch):
    """As after an upgrade that builds the network in another way."""
    folder = tmp_path / "cell"
    with pytest.raises(Stopped):
        train(tiny.Tiny(iterations=100_000), *data[:2], Run(folder=folder, budget=0.5, checkpoint_every=0.0))
    whole = train(tiny.Tiny(iterations=5), *data[:2], Run())
    import torch

    narrow = torch.nn.Conv1d
    monkeypatch.setattr(torch.nn, "Conv1d", lambda a, b, *rest, **more: narrow(a, b, 5, **(more | {"padding": 2})))
    with pytest.raises(UsageError, match="the checkpoint to resume from is of another network than tiny builds now"):
        train(tiny.Tiny(iterations=100_000), *data[:2], Run(folder=folder))
    run = Run()
    run.model = whole
    with pytest.raises(UsageError, match="do not fit the network that tiny builds now .* train it again"):
        tiny.Tiny().solve_all([tiny.family().draw("test", 0)], run)


def test_the_budget_decides_the_number_of_steps_when_it_is_not_given(tiny, data):
    model = train(tiny.Tiny(iterations=0), data[0], data[1], Run(budget=2.0))
    planned = model.card.options["iterations"]
    assert model.card.iterations >= 20 and planned >= model.card.iterations  # twenty are the trial
    if model.card.iterations < planned:  # the machine became slower than the trial foretold
        assert "the budget ended it" in model.card.stopped
    assert np.isfinite(model.card.metrics["mse"])
    with pytest.raises(UsageError, match="give a --budget"):
        train(tiny.Tiny(iterations=0), data[0], data[1], Run())


def test_validation_data_in_the_training_data_are_refused(tiny, data, tmp_path):
    with pytest.raises(UsageError, match="4 of the validation problems are in the training data"):
        check_apart(data[0], data[0])
    other = make(tiny.family(parameters={"d": 0.2}), "valid", tmp_path / "data")
    with pytest.raises(UsageError, match="do not match"):
        check_apart(data[0], other)


def test_a_model_refuses_to_be_scored_on_what_it_was_trained_on(tiny, data):
    model = train(tiny.Tiny(iterations=2), data[0], data[1], Run())
    run = Run()
    run.model = model
    seen, fresh = data[0].problem(2), data[2].problem(2)
    assert digest(seen) in model.seen and digest(fresh) not in model.seen
    with pytest.raises(RunFailed, match="was in the model's training data"):
        tiny.Tiny().solve(seen, run)
    later = type(seen)(**{**seen.__dict__, "grid": type(seen.grid)(seen.grid.axes, np.array([0.0, 3.0]))})
    with pytest.raises(RunFailed, match="was in the model's training data"):  # other times do not hide it
        tiny.Tiny().solve(later, run)
    tiny.Tiny().solve(fresh, run).check(fresh)


def test_schedules_start_peak_and_end_where_they_say():
    assert rate("constant", 0.7, 0.1) == 1.0
    assert rate("cosine", 0.0, 0.1) == 0.0 and rate("cosine", 1.0, 0.1) == pytest.approx(0.1)
    assert rate("one-cycle", 0.0, 0.01) == pytest.approx(0.5)
    assert rate("one-cycle", 0.2, 0.01) == pytest.approx(1.0) and rate("one-cycle", 1.0, 0.01) == pytest.approx(0.01)
    values = [rate("one-cycle", p, 0.01) for p in np.linspace(0.2, 1, 50)]
    assert all(a >= b for a, b in zip(values, values[1:], strict=False))


def test_a_model_does_not_say_where_a_machine_keeps_things(monkeypatch, tmp_path):
    typed = ["sciml", "train", "/home/me/f.h5", "--solver", "tiny", "--data", "/home/me/d", "--store=/home/me/s", "-o", "iterations=3"]
    monkeypatch.setattr(sys, "argv", [*typed, "--output", str(tmp_path / "m.safetensors"), "--seed", "1"])
    assert _portable(sys.argv[1:]) == ["train", "f.h5", "--solver", "tiny", "-o", "iterations=3", "--seed", "1"]
