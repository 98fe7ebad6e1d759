"""Data sets: complete or refused, the same however often making was stopped, open to The Well's loader."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from tiny_learner import family as heat

from sciml import Run, UsageError
from sciml.dataset import Dataset, make, making
from sciml.dataset.dataset import folder
from sciml.errors import Stopped
from sciml.scoring.family import score_family


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(making, "MEMBERS", 2)


def test_members_are_solved_and_checked(tmp_path):
    data = make(heat(), "test", tmp_path, count=3)
    problem = data.problem(1)
    x, t = problem.grid.axes[0].points(), data.times
    spectrum = np.fft.rfft(problem.initial()[0])
    k = 2 * np.pi / problem.grid.axes[0].length * np.arange(9)
    exact = np.fft.irfft(spectrum * np.exp(-0.1 * k**2 * t[:, None]), n=len(x))
    np.testing.assert_allclose(data.values["u"][1], exact, atol=1e-12)
    assert data.error.shape == (3, 6) and np.nanmax(data.error) < 1e-12
    assert np.isnan(make(heat(), "train", tmp_path, count=1).error).all()  # training data are not checked


def test_a_stopped_making_goes_on_and_ends_with_the_same_data(tmp_path):
    whole = make(heat(), "train", tmp_path / "a", count=4)
    run = Run(budget=1e-9)
    with pytest.raises(Stopped):
        make(heat(), "train", tmp_path / "b", count=4, run=run)
    make(heat(), "train", tmp_path / "b", count=2)
    first = next(folder(tmp_path / "b", heat(), "train").glob("*.hdf5"))
    stamp = first.stat().st_mtime_ns
    again = make(heat(), "train", tmp_path / "b", count=4)
    assert again.hash == whole.hash
    assert first.stat().st_mtime_ns == stamp  # what was there was not made again


def test_more_members_keep_the_first_ones(tmp_path):
    few = make(heat(), "train", tmp_path, count=3)
    more = make(heat(), "train", tmp_path, count=4)
    assert more.checksums[:3] == few.checksums


def test_missing_and_damaged_members_are_refused(tmp_path):
    with pytest.raises(UsageError, match="0 of 4 members are there; run `sciml data`"):
        Dataset.read(tmp_path, heat(), "test")
    make(heat(), "test", tmp_path)
    path = next(folder(tmp_path, heat(), "test").glob("*.hdf5"))
    with h5py.File(path, "r+") as file:
        file["t0_fields/u"][0, 0, 0] += 1e-9
    with pytest.raises(UsageError, match="does not have the checksums"):
        Dataset.read(tmp_path, heat(), "test")
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UsageError, match="damaged"):
        Dataset.read(tmp_path, heat(), "test")


def test_a_spin_up_comes_before_the_data(tmp_path):
    data = make(heat(spin_up=0.3), "test", tmp_path, count=1)
    drawn = heat(spin_up=0.3).draw("test", 0)
    spectrum = np.fft.rfft(drawn.initial()[0])
    k = 2 * np.pi / drawn.grid.axes[0].length * np.arange(9)
    np.testing.assert_allclose(data.values["u"][0, 0], np.fft.irfft(spectrum * np.exp(-0.03 * k**2), n=16), atol=1e-12)
    np.testing.assert_array_equal(data.problem(0).initial()[0], data.values["u"][0, 0])


@pytest.mark.interop
def test_the_wells_loader_reads_the_shards(tmp_path):
    pytest.importorskip("the_well")
    from the_well.data import WellDataset

    for split in ("train", "valid", "test"):
        make(heat(), split, tmp_path)
    place = folder(tmp_path, heat(), "train").parents[1]
    loader = WellDataset(
        path=str(place), well_split_name="train", n_steps_input=1, n_steps_output=1, use_normalization=False
    )  # fmt: skip
    sample = loader[0]
    found = np.asarray(sample["input_fields"]).ravel()
    np.testing.assert_allclose(found, make(heat(), "train", tmp_path).values["u"][0, 0], rtol=1e-6)


def test_training_members_and_spin_ups_may_be_made_more_cheaply(tmp_path):
    maker = heat().describe()["maker"]
    cheap = heat(spin_up=0.3, maker=maker | {"train": {"step": 0.25}, "spin_up": {"step": 0.15}})
    assert making.makers(cheap, "train")[0].options()["step"] == 0.25 and making.makers(cheap, "train")[1] is None
    assert [s.options()["step"] for s in making.makers(cheap, "valid")] == [0.05, 0.1]
    # two steps of the spin-up, and ten of every output interval
    spent: list[float] = []
    solver = making.makers(cheap, "test")[0]
    real = type(solver).solve
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(solver), "solve", lambda self, *a: (spent.append(self.step), real(self, *a))[1])
        making.solved(cheap, "test", 0, solver)
    assert spent == [0.15, 0.05]
    plain, one = heat(), heat(maker=maker | {"train": {"step": 0.25}})
    assert plain.data_hash("test") == one.data_hash("test") and plain.data_hash("train") != one.data_hash("train")
    with pytest.raises(UsageError, match="options for a spin-up"):
        heat(maker=maker | {"spin_up": {"step": 0.15}})


def test_frames_that_were_given_are_not_scored(tmp_path):
    data = make(heat(), "test", tmp_path, count=2)
    found = {"u": data.values["u"].copy()}
    found["u"][:, 3:] *= 1.1  # ten percent wrong from the fourth output on
    reached = [np.inf, np.inf]
    whole = score_family(found, {}, reached, data)
    rest = score_family(found, {}, reached, data, float(data.times[3]))
    assert rest["relative_l2"]["mean"] == pytest.approx(0.1) and rest["first_step"]["mean"] == pytest.approx(0.1)
    assert whole["relative_l2"]["mean"] < 0.07 and whole["first_step"]["mean"] == 0.0
    assert rest["predicted_from"] == data.times[3] and "predicted_from" not in whole
