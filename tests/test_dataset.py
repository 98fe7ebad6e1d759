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
