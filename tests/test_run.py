"""The door between a solver and the world: checkpoints, budget, Ctrl-C, random streams."""

from __future__ import annotations

import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from sciml import Run
from sciml.errors import RunFailed, Stopped, UsageError

STATE = {
    "t": 0.1 + 0.2, "n": 7, "on": True, "name": "κ", "none": None, "inf": math.inf,
    "u": np.array([[1 / 3, -0.0], [np.inf, 5e-324]]), "c": np.array([1 + 2j, -1j], dtype=np.complex128),
    "e": np.array([np.longdouble(1) / 3]), "i": np.arange(3), "empty": np.zeros((0, 4)), "s": np.array(["a", "bc"]),
}  # fmt: skip


def test_checkpoint_round_trip_is_exact(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    run = Run(folder=folder)
    assert run.restore() is None
    run.log(loss=1.0)
    run.log(loss=0.5, step=3)
    run.count(steps=4)
    run.save(STATE)
    assert [p.name for p in folder.iterdir()] == ["checkpoint.npz"]
    again = Run(folder=folder)
    found = again.restore()
    assert found is not None
    assert found.keys() == STATE.keys()
    for key, value in STATE.items():
        if isinstance(value, np.ndarray):
            assert found[key].dtype == value.dtype
            assert found[key].shape == value.shape
            assert found[key].tobytes() == value.tobytes() or (key == "e" and found[key] == value)
        else:
            assert found[key] == value
            assert type(found[key]) is type(value)
    assert again.logged == {"loss": [1.0, 0.5], "step": [3.0]}
    assert again.ledger()["steps"] == 4.0


def test_a_resumed_run_adds_to_its_costs(tmp_path: Path) -> None:
    first = Run(folder=tmp_path)
    first.count(rhs=3)
    time.sleep(0.02)
    first.save({"t": 0.0})
    second = Run(folder=tmp_path)
    second.restore()
    second.count(rhs=2)
    ledger = second.ledger()
    assert ledger["rhs"] == 5.0
    assert ledger["seconds"] >= 0.02
    assert ledger["peak_bytes"] > 1e6
    second.log(a=1)
    second.save({"t": 1.0})
    third = Run(folder=tmp_path)
    assert third.restore() == {"t": 1.0}
    assert third.costs["seconds"] >= ledger["seconds"]


def test_without_a_folder_nothing_is_kept() -> None:
    run = Run(budget=1e-9)
    assert run.restore() is None
    with pytest.raises(Stopped) as caught:
        run.step(0.5, {"t": 0.0})
    assert "again to continue" not in str(caught.value)


@pytest.mark.parametrize("damage", ["truncate", "garbage", "empty", "no meta", "pickle"])
def test_a_damaged_checkpoint_is_a_sentence(tmp_path: Path, damage: str) -> None:
    Run(folder=tmp_path).save({"u": np.arange(1000.0)})
    path = tmp_path / "checkpoint.npz"
    content = path.read_bytes()
    if damage == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "garbage":
        path.write_bytes(b"not a zip file at all")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "no meta":
        np.savez(path, u=np.zeros(3))
    else:
        np.savez(path, meta=np.frombuffer(b'{"costs": {}, "plain": {}}', np.uint8), **{"state/u": np.array([{}])})
    with pytest.raises(RunFailed, match="--fresh") as caught:
        Run(folder=tmp_path).restore()
    assert str(path) in str(caught.value)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunFailed, match="cannot write the checkpoint"):
        Run(folder=tmp_path / "file" / "below").save({"t": 0.0})


def test_a_failed_save_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(folder=tmp_path)
    run.save({"t": 1.0})

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(RunFailed, match="No space left"):
        run.save({"t": 2.0})
    monkeypatch.undo()
    assert Run(folder=tmp_path).restore() == {"t": 1.0}
    assert len(list(tmp_path.iterdir())) == 1


def test_budget(tmp_path: Path) -> None:
    run = Run(budget=0.05, folder=tmp_path)
    assert 0 < run.remaining <= 0.05
    run.step(0.1, {"t": 0.1})
    assert not (tmp_path / "checkpoint.npz").exists()  # too soon to save
    time.sleep(0.06)
    with pytest.raises(Stopped, match=r"the budget of 0\.05 s is spent after 20 % of the work; run the same"):
        run.step(0.2, {"t": 0.2})
    assert run.remaining < 0
    assert Run(folder=tmp_path).restore() == {"t": 0.2}


def test_finished_work_is_not_stopped_by_the_budget() -> None:
    run = Run(budget=1e-9)
    time.sleep(0.001)
    run.step(1.0, {"t": 1.0})


@pytest.mark.parametrize("budget", [0, -1.0, math.nan])
def test_a_budget_is_positive(budget: float) -> None:
    with pytest.raises(UsageError, match="budget"):
        Run(budget=budget)


def test_dtype_is_checked() -> None:
    with pytest.raises(UsageError, match="float16"):
        Run(dtype="float16")
    assert Run(dtype="float32").torch_dtype() is torch.float32
    assert Run().torch_dtype() is torch.float64
    assert Run().remaining == math.inf


def test_saved_now_and_then_and_lazily(tmp_path: Path) -> None:
    calls = []

    def state() -> dict[str, float]:
        calls.append(1)
        return {"t": 0.5}

    run = Run(folder=tmp_path, checkpoint_every=0.03)
    run.step(0.1, state)
    assert not calls
    time.sleep(0.04)
    run.step(0.2, state)
    run.step(0.3, state)  # just saved
    assert len(calls) == 1
    assert Run(folder=tmp_path).restore() == {"t": 0.5}


def test_ctrl_c_stops_at_the_next_step_and_twice_at_once(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with Run(folder=tmp_path) as run:
        os.kill(os.getpid(), signal.SIGINT)
        reached = True
        with pytest.raises(Stopped, match=r"interrupted by Ctrl-C after 40 % of the work"):
            run.step(0.4, {"t": 0.4})
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
    assert reached
    assert signal.getsignal(signal.SIGINT) is before
    assert Run(folder=tmp_path).restore() == {"t": 0.4}


def test_the_handler_is_given_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError), Run():
        assert signal.getsignal(signal.SIGINT) is not before
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is before


def test_progress_is_shown_within_bounds() -> None:
    seen: list[tuple[float, str]] = []
    run = Run(on_progress=lambda fraction, note: seen.append((fraction, note)))
    for fraction in (-0.1, 0.5, 1.7):
        run.step(fraction, note="n")
    assert seen == [(0.0, "n"), (0.5, "n"), (1.0, "n")]


def test_phases_are_timed_even_when_they_fail() -> None:
    run = Run()
    with run.phase("fit"):
        time.sleep(0.01)
    with pytest.raises(ValueError), run.phase("fit"):
        raise ValueError
    assert run.costs["seconds_fit"] >= 0.01


def test_random_streams_are_reproducible() -> None:
    for seed in (0, 1, 2**40):
        assert np.array_equal(Run(seed=seed).rng("init").normal(size=8), Run(seed=seed).rng("init").normal(size=8))
    a, b = (torch.randn(8, generator=Run(seed=3).torch_generator("init")) for _ in range(2))
    assert torch.equal(a, b)
    run = Run(seed=5)
    run.rng("other").normal(size=100)  # using one stream does not move another
    assert np.array_equal(run.rng("init").integers(2**62, size=4), Run(seed=5).rng("init").integers(2**62, size=4))


def test_random_streams_are_independent() -> None:
    names = [(seed, stream) for seed in range(6) for stream in ("init", "points", "noise", "0/init")]
    draws = np.stack([Run(seed=seed).rng(stream).normal(size=4000) for seed, stream in names])
    correlation = np.corrcoef(draws) - np.eye(len(names))
    assert np.abs(correlation).max() < 0.08  # five standard deviations
    torches = [torch.randn(4, generator=Run(seed=s).torch_generator(n)).tolist() for s, n in names]
    assert len({tuple(t) for t in torches}) == len(names)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux lets a process forget its peak")
def test_a_run_does_not_show_what_an_earlier_one_used():
    """Hundreds of megabytes are given back by the allocator at once, small blocks need not be."""
    with Run() as first:
        large = np.ones(40_000_000)
        del large
        peak = first.ledger()["peak_bytes"]
    with Run() as second:
        assert second.ledger()["peak_bytes"] < peak - 200e6
