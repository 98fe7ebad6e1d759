"""Families of ODEs and SDEs: drawn, made, stored, learned, scored and shown as others are; noise is for learners only."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from tiny_dynamics import SPLIT, Matrix, family, stochastic

from sciml import UsageError, registry
from sciml import family as families
from sciml.dataset import digest, make
from sciml.dataset.dataset import folder
from sciml.dataset.foreign import import_file
from sciml.files import ensemble
from sciml.scoring.family import score_family
from sciml.showing.family import score_lines

PROBLEMS = Path(__file__).parents[1] / "problems"
sys.path.insert(0, str(PROBLEMS))


@pytest.fixture
def matrix(monkeypatch):
    everything = (*registry.plugins(), registry.Plugin("tiny-plugin", "tests", "0", "tiny_dynamics", [Matrix]))
    monkeypatch.setattr(registry, "plugins", lambda: everything)


def exact(problem) -> dict[str, np.ndarray]:
    """Of the damped oscillator."""
    p, q = problem.initial()
    rate, w, t = -0.05, np.sqrt(1 - 0.05**2), problem.grid.times
    along = np.exp(rate * t) * np.cos(w * t), np.exp(rate * t) * np.sin(w * t) / w
    return {"q": q * along[0] + (p - rate * q) * along[1], "p": p * along[0] + (-q - rate * p - 0.1 * p) * along[1]}


def test_members_are_solved_stored_and_read(tmp_path):
    data = make(family(), "test", tmp_path)
    assert data.values["p"].shape == (3, 21) and np.nanmax(data.error) < 1e-10
    for name, values in exact(data.problem(1)).items():
        np.testing.assert_allclose(data.values[name][1], values, atol=1e-12)
    path = next(folder(tmp_path, family(), "test").glob("*.hdf5"))
    with h5py.File(path) as file:
        assert file["t0_fields/p"].shape == (3, 21, 1) and file.attrs["n_spatial_dims"] == 1
        assert file["sciml"].attrs["schema"] == 4


def test_noise_is_on_what_learners_see_and_on_nothing_else(tmp_path):
    noisy = family(noise=0.1, splits={n: {"seed": i, **SPLIT, "times": 2001} for i, n in enumerate(families.SPLITS)})
    for split in ("train", "valid"):
        data = make(noisy, split, tmp_path)
        for i in range(3):
            clean = exact(noisy.draw(split, i))
            for name, values in clean.items():
                difference = data.values[name][i] - values
                assert abs(difference.std() / (0.1 * values.std()) - 1) < 0.06
            np.testing.assert_array_equal(data.problem(i).initial(), [data.values[n][i, 0] for n in ("p", "q")])
        assert data.about["noise"] == 0.1
    test = make(noisy, "test", tmp_path)
    np.testing.assert_allclose(test.values["p"][2], exact(test.problem(2))["p"], atol=1e-12)
    assert make(noisy, "train", tmp_path / "again").hash == make(noisy, "train", tmp_path).hash
    assert noisy.content_hash != family(splits=noisy.describe()["splits"]).content_hash


def test_what_other_families_are_known_by_has_not_changed():
    described = family().describe()
    assert "noise" not in described and "diffusion" not in described
    old = families.read(PROBLEMS / "ks-ensemble.h5")
    assert old.content_hash == "303896e415997b3b151e50823d584148b31569737f6eee4d2111c55764af516e"


def test_series_of_others_are_read(tmp_path):
    made = make(family(), "train", tmp_path / "a")
    path = next(folder(tmp_path / "a", family(), "train").glob("*.hdf5"))
    theirs = family(maker={"solver": "file"}, random={}, initial={})
    data = import_file(path, theirs, "train", tmp_path / "b")
    np.testing.assert_array_equal(data.values["q"], made.values["q"])
    np.testing.assert_array_equal(data.problem(2).initial(), [made.values[n][2, 0] for n in ("p", "q")])
    with pytest.raises(UsageError, match="cannot be drawn at random, spun up, or given noise"):
        family(maker={"solver": "file"}, random={}, initial={}, noise=0.1)


def test_errors_are_over_the_times_at_which_the_reference_is_known(tmp_path):
    data = make(family(), "test", tmp_path)
    data.error[:, 8:] = 1.0  # as of a chaotic system
    values = {name: 1.1 * array for name, array in data.values.items()}
    values["p"][:, 8:] = 99.0
    found = score_family(values, {}, [np.inf] * 3, data)
    assert found["errors_until"] == found["reference_known_until"] == data.times[7]
    assert found["relative_l2"]["mean"] == pytest.approx(0.1) and found["floor"] < 1e-10
    assert found["valid_time"]["mean"] == pytest.approx(data.times[8])


def test_long_run_statistics_stand_beside_their_floor(tmp_path):
    data = make(family(lyapunov=0.5), "test", tmp_path)
    found = score_family(data.values, {}, [np.inf] * 3, data)
    assert abs(found["state_space"]["mean"]) < 1e-12 < found["state_space_floor"]
    assert found["spectral"]["mean"] < 1e-6 and found["spectral_floor"] < 1e-3  # 21 points have no spectrum
    assert found["lyapunov_times"] == pytest.approx(1.0)
    shown = "\n".join(score_lines(found))
    assert f"(the system against itself {found['state_space_floor']:.3f})" in shown
    early = score_family(data.values, {}, [np.inf, 1.0, np.inf], data)
    assert early["valid_time"]["mean"] < 2.0 and early["state_space"]["mean"] > 1.0


def test_a_stochastic_familys_data_are_paths_and_its_test_data_moments(tmp_path):
    train, test = make(stochastic(), "train", tmp_path), make(stochastic(), "test", tmp_path)
    assert not train.std and np.isnan(train.error).all()
    assert len({round(float(np.diff(v).std()), 12) for v in train.values["u"]}) == 3  # each its own path
    for i in range(3):
        start, t = test.problem(i).initial()[0], test.times
        mean = start * np.exp(0.5 * t)
        std = mean * np.sqrt(np.exp(0.16 * t) - 1)
        assert np.abs(test.values["u"][i] - mean).max() < 5 * (std / np.sqrt(4000)).max()
        assert np.abs(test.std["u"][i] - std)[1:].max() < 0.1 * std.max()
    assert 0 < np.nanmax(test.error) < 0.1 and 0 < np.nanmax(test.error_std) < 0.2


def test_a_deterministic_solver_refuses_paths():
    reasons = registry.get_solver("dop853").build().refuses(stochastic().draw("test", 0))
    assert reasons == ["it does not follow random paths (stochastic equations)"]


def test_from_file_to_model_to_scores(tmp_path, cli, matrix):
    path, store, data = tmp_path / "f.h5", tmp_path / "store", tmp_path / "data"
    families.write(path, family(noise=0.01))
    where = ("--store", store, "--data", data)
    assert cli("validate", path).out.strip().endswith("a sound family file.")
    assert "noise       0.01" in cli("show", path).out
    assert "made by     taylor" in cli("show", path).out
    assert cli("data", path, "--data", data).code == 0
    assert "trained     400 steps" in cli("train", path, "-s", "matrix", *where).out
    out = cli("solve", path, "-s", "matrix", *where).out
    assert "forecast    error below 0.4 for 2.00" in out and "one step" in out
    result = next((store / "oscillator").glob("matrix-*.h5"))
    assert ensemble.read(result).values["p"].shape == (3, 21)
    assert "forecast" in cli("show", result).out
    assert cli("plot", result, "-o", tmp_path / "p.png").code == 0 and (tmp_path / "p.png").stat().st_size > 10_000
    table = cli("compare", path, "--solvers", "matrix,radau", "-o", tmp_path / "report", *where)
    assert "error < 0.4" in table.out and "radau" in table.out
    page = (tmp_path / "report" / "report.html").read_text()
    assert "relative error, mean of the members" in page and "Solutions" in page and "When training pays" in page
    assert "yes" in next(line for line in cli("compat", path, "--store", store).out.splitlines() if "matrix" in line)


def test_stochastic_from_file_to_scores(tmp_path, cli):
    path = tmp_path / "s.h5"
    families.write(path, stochastic())
    out = cli("solve", path, "-s", "milstein", "-o", "paths=500", "--store", tmp_path, "--data", tmp_path / "d").out
    assert "spread      of the paths: relative L2" in out and "reference's own" in out
    assert "diffusion   u: s*u (Ito" in cli("show", path).out
    assert cli("plot", next((tmp_path / "geometric").glob("*.h5")), "-o", tmp_path / "s.png").code == 0
    where = ("--store", tmp_path, "--data", tmp_path / "d", "-o", tmp_path / "r")
    assert cli("compare", path, "--solvers", "milstein:paths=500", *where).code == 0
    assert "milstein paths=500: error" in (tmp_path / "r" / "report.md").read_text()


@pytest.mark.parametrize(("change", "sentence"), [
    ({"kind": "steady"}, "end and times"),
    ({"diffusion": {"w": "1"}}, "not a field"),
    ({"diffusion": {"p": "p_x"}}, "p_x"),
    ({"diffusion": {"p": "1/(p - p)"}}, "not finite"),
    ({"diffusion": {"p": "1"}, "spin_up": 1.0}, "no spin-up"),
    ({"noise": -1.0}, "noise"),
    ({"random": {"a": {"law": "gaussian-field", "amplitude": "1", "boundary": "periodic"}}}, "needs axes"),
    ({"fields": ["time", "q"], "equation": ["time_t = -q", "q_t = time"], "initial": {"time": "a", "q": "b"}}, "uses the name 'time'"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(change, sentence):
    with pytest.raises(UsageError, match=sentence):
        family(**change)


def test_the_shipped_families_are_what_the_script_says():
    from dynamics import FAMILIES

    for name, draw in FAMILIES.items():
        shipped = families.read(PROBLEMS / f"{name}.h5")
        assert shipped.describe() == draw().describe()
        seen = {split: {digest(shipped.draw(split, i)) for i in range(3)} for split in families.SPLITS}
        assert not (seen["train"] & seen["test"]) and not (seen["train"] & seen["valid"])


@pytest.mark.interop
def test_the_wells_loader_reads_the_shards(tmp_path):
    pytest.importorskip("the_well")
    from the_well.data import WellDataset

    for split in families.SPLITS:
        data = make(family(), split, tmp_path)
    base = folder(tmp_path, family(), "test").parents[1]
    loaded = WellDataset(path=str(base / "data" / "test"), n_steps_input=1, n_steps_output=1)
    assert np.allclose(loaded[0]["input_fields"].numpy().ravel(), [data.values[n][0, 0] for n in ("p", "q")], rtol=1e-6)
