"""`sciml compare` as people use it: a page of two small problems, a study, and an older report beside a newer one."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def place(ks_file, ode_file, cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in (ks_file, ode_file):
        assert cli("reference", file, "--build").code == 0
    return tmp_path


def report(place, folder="r"):
    return json.loads((place / folder / "report.json").read_text())


def test_two_problems_one_page(place, cli):
    done = cli("compare", "small-ks.h5", "circle.h5", "--solvers", "etdrk4:step=0.01,etdrk4,taylor", "-o", "r")
    assert done.code == 0
    assert "small-ks: etdrk4" in done.out and "circle: taylor: error" in done.out  # verdicts on the terminal
    wave, circle = report(place)["problems"]
    assert [e["label"] for e in wave["ranking"]] == ["etdrk4", "etdrk4 step=0.01"]
    assert wave["verdict"]["lead"].startswith("etdrk4 is the most accurate")
    assert {"persistence", "climatology"} == set(wave["trivial"]) and wave["ranking"][1]["error"]["value"] < min(wave["trivial"].values())
    assert wave["runs"][1]["command"] == "sciml solve small-ks.h5 --solver etdrk4 -o step=0.01"
    assert wave["runs"][1]["cell"] and circle["added_classical"] == ""
    assert any("Krogstad" in c["bibtex"] for c in report(place)["citations"])
    page = (place / "r/report.html").read_text()
    for text in ("Work and precision", "Spectra", "data-motion", "reference floor", "etdrk4 step=0.01"):
        assert text in page
    assert "http" not in page.replace("http://www.w3.org/", "").replace("http-equiv", "")
    # the command that a run names gives that very cell
    again = json.loads(cli(*wave["runs"][1]["command"].split()[1:], "--json").out)
    assert again["cell"] == wave["runs"][1]["cell"]


def test_a_classical_solver_is_added_unless_unwanted(place, cli):
    command = ("compare", "small-ks.h5", "--solvers", "pinn-causal", "-o", "r", "--no-animation")
    done = cli(*command)
    assert done.code == 0 and "etdrk4 is added (see --no-classical)" in done.err
    (wave,) = report(place)["problems"]
    assert wave["added_classical"] == "etdrk4" and {e["solver"] for e in wave["ranking"]} == {"pinn-causal", "etdrk4"}
    assert "<script" not in (place / "r/report.html").read_text()
    assert cli(*command, "--no-classical").code == 0
    assert [e["solver"] for e in report(place)["problems"][0]["ranking"]] == ["pinn-causal"]
    assert "No classical solver is among these rows." in report(place)["problems"][0]["verdict"]["details"]


STUDY = """
title = "Steps"
problems = ["small-ks.h5"]
seeds = [0, 1, 2, 3, 4]

[[solvers]]
name = "etdrk4"
options = {step = [0.02, 0.01], modes = 16}
"""


def test_a_study_and_five_seeds(place, cli):
    (place / "study.toml").write_text(STUDY)
    assert cli("compare", "--study", "study.toml", "-o", "r").code == 0
    found = report(place)
    (wave,) = found["problems"]
    assert found["title"] == "Steps" and found["seeds"] == [0, 1, 2, 3, 4]
    assert [e["label"] for e in wave["ranking"]] == ["etdrk4 modes=16 step=0.01", "etdrk4 modes=16 step=0.02"]
    assert all(e["error"]["kind"] == "t" and e["runs"] == 5 for e in wave["ranking"])
    assert len(wave["runs"]) == 10 and wave["runs"][1]["command"].endswith("--seed 1")


def test_against_an_older_report(place, cli):
    command = ("compare", "small-ks.h5", "--solvers", "etdrk4:step=0.02", "-o", "r")
    assert cli(*command).code == 0
    same = cli(*command, "--against", "r/report.json")
    assert same.code == 0 and "Nothing got better or worse" in same.out
    old = report(place)
    for key in ("value", "low", "high"):
        old["problems"][0]["ranking"][0]["error"][key] *= 100
    (place / "old.json").write_text(json.dumps(old))
    better = cli(*command, "--against", "old.json")
    assert "- better: small-ks, etdrk4 step=0.02, error:" in better.out and "100 times smaller" in better.out
    assert "100 times smaller" in (place / "r/report.html").read_text() and "Against old.json" in (place / "r/report.md").read_text()
    only = cli("compare", "small-ks.h5", "--solvers", "etdrk4:step=0.02", "--against", "old.json")
    assert "100 times smaller" in only.out  # without a page too


@pytest.mark.parametrize(("text", "sentence"), [
    ("problems = []\nsolvers = 'all'", "problems list should have at least 1 item"),
    ("solvers = 'all'", "problems field required"),
    ("problems = ['a.h5']\nsolvers = ['etdrk']", "did you mean 'etdrk4'"),
    ("problems = ['a.h5']\nsolvers = ['etdrk4']\nseed = 1", "seed is not known here; known: title, problems"),
    ("problems = ['a.h5']\n[[solvers]]\nname = 'etdrk4'\noptions = {stepp = 1}", "has no option 'stepp'"),
    ("problems = ['a.h5']\n[[solvers]]\nname = 'etdrk4'\noption = {}", "option is not known here; known: name, options"),
    ("problems = ['a.h5']\n[[solvers]]\nname = 'etdrk4'\noptions = {step = []}", "at least 1 item"),
    ("problems = ['a.h5']\nsolvers = 'all'\nbudget = -1", "budget must be greater than 0"),
    ("problems = ['a.h5']\nsolvers = 'all'\nseeds = ['x']", "seeds.0 must be a valid integer"),
    ("problems = ['a.h5']\nsolvers = ['all']", 'solvers = "all", without a list'),
    ("problems = ['missing.h5']\nsolvers = ['etdrk4']", "there is no such file"),
    ("problems = [", "is not TOML"),
])  # fmt: skip
def test_a_bad_study_is_one_sentence(tmp_path, cli, text, sentence):
    path = tmp_path / "study.toml"
    path.write_text(text)
    done = cli("compare", "--study", path)
    assert done.code == 2 and sentence in done.err, done.err


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["x.h5"], "compare takes problem files and --solvers"),
    (["x.h5", "--study", "s.toml"], "leave FILES and --solvers out"),
    (["--study", "missing.toml"], "missing.toml: there is no such file"),
    (["x.h5", "--solvers", ","], "names no solver"),
    (["x.h5", "--solvers", "all", "--seeds", "a"], "--seeds must be whole numbers"),
    (["x.h5", "--solvers", "all", "--against", "missing.json"], "missing.json: there is no such file"),
])  # fmt: skip
def test_what_cannot_be_compared_is_one_sentence(cli, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    done = cli("compare", *arguments)
    assert done.code == 2 and sentence in done.err, done.err
