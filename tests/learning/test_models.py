"""Model files: whole or refused, found by what was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from sciml import Run, UsageError
from sciml.dataset import make
from sciml.learning import Model
from sciml.learning.model import read_card
from sciml.learning.models import choose, entries, model_folder
from sciml.learning.trainer import train


@pytest.fixture
def model(tiny, tmp_path):
    data = [make(tiny.family(), split, tmp_path / "data") for split in ("train", "valid")]
    return train(tiny.Tiny(iterations=3), data[0], data[1], Run())


def test_round_trip(model, tmp_path):
    model.write(tmp_path / "m.safetensors")
    again = Model.read(tmp_path / "m.safetensors")
    assert again.card == model.card and again.hash == model.hash
    for name, value in model.weights.items():
        np.testing.assert_array_equal(again.weights[name], value)


@pytest.mark.parametrize("cut", [0, 5, 100, -10])
def test_a_damaged_file_is_refused_in_a_sentence(model, tmp_path, cut):
    path = tmp_path / "m.safetensors"
    model.write(path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UsageError, match="not a model of sciml's|damaged or truncated"):
        Model.read(path)


def test_a_foreign_or_missing_file_is_refused_in_a_sentence(tmp_path):
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(UsageError, match="not a model of sciml's"):
        read_card(tmp_path / "other.safetensors")
    with pytest.raises(UsageError, match="there is no such model file"):
        read_card(tmp_path / "none.safetensors")


def test_a_newer_schema_asks_for_an_upgrade(model, tmp_path, monkeypatch):
    monkeypatch.setattr("sciml.learning.model.SCHEMA", 2)
    model.write(tmp_path / "m.safetensors")
    monkeypatch.setattr("sciml.learning.model.SCHEMA", 1)
    with pytest.raises(UsageError, match="newer sciml"):
        read_card(tmp_path / "m.safetensors")


def test_the_model_is_chosen_by_family_and_options(tiny, model, tmp_path):
    store, family = tmp_path / "store", tiny.family()
    with pytest.raises(UsageError, match=r"there is no model of tiny for 'heat-family'.*sciml train"):
        choose(tiny.Tiny(), family, store, None)
    model.write(model_folder(store) / "a.safetensors")
    found, solver = choose(tiny.Tiny(samples=3), family, store, None)
    assert found.hash == model.hash
    assert solver.iterations == 3 and solver.samples == 3  # trained options from the model, others as asked
    with pytest.raises(UsageError, match="with other options: a.safetensors"):
        choose(tiny.Tiny(learning_rate=0.5), family, store, None)
    with pytest.raises(UsageError, match="there is no model of tiny for 'heat-family'"):
        choose(tiny.Tiny(), tiny.family(parameters={"d": 0.3}), store, None)
    with pytest.raises(UsageError, match="was trained with learning_rate"):
        choose(tiny.Tiny(learning_rate=0.5), family, store, model_folder(store) / "a.safetensors")
    with pytest.raises(UsageError, match="it was trained on heat-family, another family"):
        choose(tiny.Tiny(), tiny.family(parameters={"d": 0.3}), store, model_folder(store) / "a.safetensors")
    assert [entry.card.solver for entry in entries(store) if entry.origin == "trained"] == ["tiny"]


def test_a_single_problem_of_the_family_is_covered_and_others_are_not(tiny, model):
    inside = tiny.family().draw("test", 0)
    assert model.covers(inside) == []
    finer = tiny.family(axes=[{"name": "x", "lower": 0.0, "upper": 1.0, "size": 32}]).draw("test", 0)
    assert "grid of (16,)" in model.covers(finer)[0]
    other = tiny.family(equation=["u_t = d*u_xx - u"]).draw("test", 0)
    assert "it was trained on u_t = d*u_xx" in model.covers(other)[0]
