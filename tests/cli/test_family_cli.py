"""The commands about families, as people use them."""

from __future__ import annotations

import dataclasses
import json

import pytest

from sciml import family
from sciml.cli.main import run
from sciml.learning import Model


@pytest.fixture
def place(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    family.write(tmp_path / "heat.h5", tiny.family())
    return tmp_path



def test_from_a_family_to_a_comparison(place, capsys):
    assert run(["data", "heat.h5", "--json"]) == 0
    splits = json.loads(capsys.readouterr().out)
    assert [s["split"] for s in splits] == ["train", "valid", "test"] and splits[0]["members"] == 4
    assert run(["solve", "heat.h5", "-s", "tiny"]) == 2
    assert "there is no model of tiny for 'heat-family'" in capsys.readouterr().err
    assert run(["train", "heat.h5", "-s", "tiny", "-o", "iterations=30", "--json"]) == 0
    trained = json.loads(capsys.readouterr().out)
    assert trained["iterations"] == 30 and trained["family"]["name"] == "heat-family"
    assert run(["models"]) == 0
    assert "heat-family" in capsys.readouterr().out
    assert run(["solve", "heat.h5", "-s", "tiny", "--json"]) == 0
    learned = json.loads(capsys.readouterr().out)
    assert learned["scores"]["members"] == 4 and learned["model"]["iterations"] == 30
    assert 0 < learned["scores"]["relative_l2"]["mean"] < 3
    assert run(["solve", "heat.h5", "-s", "etdrk4", "-o", "step=0.1"]) == 0
    text = capsys.readouterr().out
    assert "4 test members, by etdrk4" in text and "at reference floor" in text
    assert run(["show", learned["path"]]) == 0
    assert "30 steps on 4 members" in capsys.readouterr().out
    assert run(["plot", learned["path"], "-o", "picture.png"]) == 0
    assert (place / "picture.png").read_bytes().startswith(b"\x89PNG")
    assert run(["compare", "heat.h5", "--solvers", "tiny,etdrk4:step=0.1,taylor", "-o", "report"]) == 0
    table = capsys.readouterr().out
    assert "training s" in table and "taylor cannot solve" in table
    rows = json.loads((place / "report" / "table.json").read_text())
    assert [row["solver"] for row in rows] == ["tiny", "etdrk4", "taylor"]
    assert rows[0]["training"] > 0 and rows[1]["training"] is None


def test_a_classical_row_is_exact_and_scored_over_members(place, capsys):
    assert run(["solve", "heat.h5", "-s", "etdrk4", "-o", "step=0.1", "--members", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["scores"]["members"] == 2
    assert found["scores"]["relative_l2"]["mean"] < 1e-12
    assert found["scores"]["high_correlation_0.8"] == {"mean": 0.5, "error": 0.0}  # the whole span


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["train", "heat.h5", "-s", "etdrk4"], "is not a learned solver"),
    (["train", "heat.h5", "-s", "tiny", "-o", "iterations=0"], "give a --budget"),
    (["solve", "heat.h5", "-s", "etdrk4", "--model", "x"], "leave --model out"),
    (["solve", "heat.h5", "-s", "tiny", "--model", "x"], "there is no such model file"),
    (["solve", "heat.h5", "-s", "taylor"], "taylor cannot solve"),
    (["data", "heat.h5", "--count", "0"], "at least 1"),
    (["solve", "heat.h5", "-s", "etdrk4", "--members", "0"], "at least 1"),
    (["train", "heat.h5", "-s", "tiny", "--members", "0"], "at least 1"),
    (["solve", "heat.h5", "-s", "etdrk4", "--dtype", "float32"], "leave --dtype out"),
    (["data", "heat.h5", "--from", "x"], "say which with --split"),
    (["data", "heat.h5", "--split", "train", "--from", "x"], "are made by etdrk4"),
    (["plot", "heat.h5"], "describes a family"),
    (["reference", "heat.h5"], "describes a family"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(place, capsys, arguments, sentence):
    assert run(arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error and error.count("\n") == 1


def test_a_family_from_toml(place, capsys):
    (place / "mine.toml").write_text("""
equation = ["u_t = d*u_xx"]
fields = ["u"]
parameters = {d = 0.1}
axes = [{name = "x", lower = 0, upper = "2*pi", size = 16}]
initial = {u = "A*sin(x)"}
[random.A]
law = "normal"
[splits]
train = {seed = 1, count = 2, end = 1.0, times = 3}
valid = {seed = 2, count = 2, end = 1.0, times = 3}
test = {seed = 3, count = 2, end = 1.0, times = 3}
[maker]
solver = "etdrk4"
""")
    assert run(["new", "mine.toml"]) == 0
    assert run(["show", "mine.h5"]) == 0
    assert "random      A: normal, mean 0.0, std 1.0" in capsys.readouterr().out
    assert run(["validate", "mine.h5"]) == 0
    assert "a sound family file" in capsys.readouterr().out
    assert run(["compat", "mine.h5"]) == 0
    assert run(["problems", "."]) == 0
    assert "family: mine" in capsys.readouterr().out


def test_a_stopped_training_is_not_resumed_by_another_one_of_the_same_output(place, capsys):
    common = ["train", "heat.h5", "-s", "tiny", "--output", "m.safetensors"]
    assert run([*common, "-o", "iterations=100000", "--budget", "0.3"]) == 1
    assert "run the same command again to continue" in capsys.readouterr().err
    assert run([*common, "-o", "iterations=20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["iterations"] == 20


def test_a_model_is_calibrated_by_its_solver(place, capsys, tiny, monkeypatch):
    assert run(["train", "heat.h5", "-s", "tiny", "-o", "iterations=3", "--json"]) == 0
    path = json.loads(capsys.readouterr().out)["path"]
    assert run(["models", "calibrate", path]) == 2
    assert "states no spread that could be calibrated" in capsys.readouterr().err
    asked = []

    def calibrate(self, model, valid, run):
        asked.append((valid.split, valid.count, self.iterations))
        return model.with_card(dataclasses.replace(model.card, metrics={"coverage": 0.5}))

    monkeypatch.setattr(tiny.Tiny, "calibrate", calibrate)
    before = Model.read(path)
    assert run(["models", "calibrate", path, "--output", "other.safetensors"]) == 0
    assert "coverage 0.5" in capsys.readouterr().out
    assert asked == [("valid", 4, 3)]
    after = Model.read("other.safetensors")
    assert all((after.weights[name] == before.weights[name]).all() for name in before.weights)
    assert (after._seen == before._seen).all() and Model.read(path).hash == before.hash
    assert run(["models", "calibrate", "nowhere.safetensors"]) == 2
    assert "there is no such model file" in capsys.readouterr().err


def test_a_broken_model_is_named(place, capsys):
    folder = place / "sciml-results" / "models"
    folder.mkdir(parents=True)
    (folder / "bad.safetensors").write_bytes(b"no")
    assert run(["models"]) == 0
    assert "bad.safetensors: not a model of sciml's" in capsys.readouterr().err
