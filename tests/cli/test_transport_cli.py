"""The commands about transport problems, as people use them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sciml import Measure, Transport
from sciml.transport import file
from sciml.transport.problem import UniformCosts


@pytest.fixture
def place(transport_plugin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng, axis = np.random.default_rng(0), np.linspace(0, 0.5, 6)
    uniform = Measure(np.full(30, 1 / 30))
    file.write("lap.h5", Transport("lap", uniform, uniform, 1 / 200, matrix=UniformCosts(0), title="Small assignment"))
    first, second = (Measure(np.rint(rng.uniform(1, 255, (6, 6))), axes=(axis, axis)) for _ in range(2))
    file.write("pixels.h5", Transport("pixels", first, second, 1 / 100, "l1", normalise=True))
    points = (Measure(np.full(500, 1 / 500), rng.normal(size=(500, 3)) + k) for k in range(2))
    file.write("points.h5", Transport("points", *points, 1.0, "squared euclidean"))
    return tmp_path


def test_from_a_problem_to_a_picture(place, cli):
    shown = cli("show", "lap.h5").out
    assert "minimise ⟨C, P⟩ + ε KL(P | r⊗c)" in shown and "eta = 1/eps = 200" in shown and "reference   none" in shown
    assert cli("validate", "lap.h5").out == "lap.h5: a sound problem file of kind transport, without a reference.\n"
    solved = cli("solve", "lap.h5", "-s", "sinkhorn-newton")
    assert solved.code == 0 and "status      ok: the error is below 1e-09" in solved.out
    assert "certified" in solved.out and "no reference" in solved.out
    built = cli("reference", "lap.h5", "--build")
    assert built.code == 0 and "without entropy" in built.out and "plain numpy" in built.out
    again = json.loads(cli("solve", "lap.h5", "-s", "sinkhorn-newton", "--json").out)
    assert again["scores"]["value_error"] < 1e-10 and again["scores"]["above_exact"] > 0 and again["status"] == "OK"
    assert "at reference floor" in cli("solve", "lap.h5", "-s", "sinkhorn-newton").out
    assert cli("validate", again["path"]).out.endswith(": a sound result file of a transport problem.\n")
    assert "lap by sinkhorn-newton" in cli("show", again["path"]).out
    assert json.loads(cli("show", again["path"], "--json").out)["status"] == "OK"
    assert json.loads(cli("show", "lap.h5", "--json").out)["reference"]["error"] < 1e-10
    for name in ("lap.h5", "pixels.h5", again["path"]):
        assert cli("plot", name, "-o", "picture.png").code == 0
        assert (place / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_pictures_of_points_and_grids(place, cli):
    for name, options in (("points.h5", ["-s", "sinkhorn-newton"]), ("points.h5", ["-s", "exact-transport"]),
                          ("points.h5", ["-s", "light-sb", "-o", "components=2", "-o", "rounds=2"]), ("pixels.h5", ["-s", "sinkhorn"])):
        path = json.loads(cli("solve", name, *options, "--json").out)["path"]
        assert cli("plot", path, "-o", "picture.png").code == 0
        assert (place / "picture.png").stat().st_size > 20_000
        (place / "picture.png").unlink()


def test_lists(place, cli):
    rows = {row["file"]: row for row in json.loads(cli("problems", ".", "--json").out)}
    assert rows["lap.h5"] == {"file": "lap.h5", "grid": "30 to 30", "until": "–", "title": "transport: Small assignment"}
    able = json.loads(cli("compat", "lap.h5", "--json").out)
    assert {name for name, row in able.items() if row["able"]} == {"sinkhorn-newton", "sinkhorn", "exact-transport"}
    assert able["etdrk4"]["reasons"] == ["it does not solve problems of kind transport"]
    listed = {row["name"]: row["dimensions"] for row in json.loads(cli("solvers", "--json").out)}
    assert listed["sinkhorn-newton"] == "transport" and listed["dop853"] == "0"


def test_lists_load_no_torch(place):
    import subprocess
    import sys

    code = (
        "import sys; from sciml.cli.main import run\n"
        "run(['compat', 'lap.h5']); run(['problems', '.']); run(['validate', 'lap.h5']); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False")


@pytest.mark.slow
def test_one_table(place, cli, ks_file):
    done = cli("compare", "lap.h5", "pixels.h5", "--solvers", "sinkhorn-newton,sinkhorn:sweeps=3,exact-transport,etdrk4", "-o", "report")
    assert done.code == 0 and "certified" in done.out and "marginals" in done.out
    problem = json.loads((place / "report/report.json").read_text())["problems"][0]
    rows = {run["label"]: run for run in problem["runs"]}
    assert {label: row["outcome"][:12] for label, row in rows.items()} == {
        "sinkhorn-newton": "ok", "sinkhorn sweeps=3": "the limit of", "exact-transport": "ok"
    }
    newton, rough = rows["sinkhorn-newton"], rows["sinkhorn sweeps=3"]
    assert newton["more"]["marginals"] < 1e-9 < rough["more"]["marginals"] and rough["error"] > newton["error"]
    assert problem["not_applicable"] == {"etdrk4": ["it does not solve problems of kind transport"]}
    assert "| rel. error of the value |" in (place / "report/report.md").read_text()
    assert "marginal error" in (place / "report/report.html").read_text()
    mixed = cli("compare", "lap.h5", ks_file, "--solvers", "sinkhorn-newton,etdrk4", "-o", "mixed")
    problems = json.loads((place / "mixed/report.json").read_text())["problems"]
    assert mixed.code == 0 and [[run["label"] for run in p["runs"]] for p in problems] == [
        ["sinkhorn-newton", "sinkhorn"], ["etdrk4"]
    ]  # a classical one beside sinkhorn-newton


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["solve", "lap.h5", "-s", "etdrk4"], "does not solve problems of kind transport; solvers that can: exact-transport, sinkhorn"),
    (["solve", "lap.h5", "-s", "light-sb"], "it does not take measures given as matrix"),
    (["solve", "lap.h5", "-s", "sinkhorn", "--members", "2"], "--members is not for it"),
    (["solve", "lap.h5", "-s", "sinkhorn", "--dtype", "float32"], "in float64 only"),
    (["solve", "lap.h5", "-s", "sinkhorn", "--device", "cuda:7"], "there is no device"),
    (["solve", "lap.h5", "-s", "sinkhorn", "-o", "tolerance=0"], "option 'tolerance'"),
    (["solve", "lap.h5", "-s", "sinkhorn-newton", "-o", "path=separable"], "needs both measures on grids"),
    (["solve", "lap.h5", "-s", "sinkhorn-newton", "-o", "divergence=true"], "needs places"),
    (["solve", "ks.h5", "-s", "sinkhorn"], "it does not solve problems of kind evolution"),
    (["reference", "lap.h5"], "has no reference; `sciml reference lap.h5 --build` computes one"),
    (["plot", "lap.h5", "--against", "lap.h5"], "leave --against out"),
    (["train", "lap.h5", "-s", "mgno"], "describes one problem, not a family"),
    (["compare", "lap.h5", "missing.h5", "--solvers", "sinkhorn"], "there is no such file"),
])  # fmt: skip
def test_what_cannot_be_done_is_one_sentence(place, cli, arguments, sentence, ks_file):
    (place / "ks.h5").write_bytes(ks_file.read_bytes())
    outcome = cli(*arguments)
    assert outcome.code == 2 and sentence in outcome.err


def test_a_limit_of_time_is_kept_and_resumed(place, cli):
    uniform = Measure(np.full(300, 1 / 300))
    file.write("hard.h5", Transport("hard", uniform, uniform, 1 / 3000, matrix=UniformCosts(0)))
    first = cli("solve", "hard.h5", "-s", "sinkhorn", "--budget", "0.2")
    assert first.code == 1 and "run the same command again to continue" in first.err
    assert list((place / "sciml-results/.partial").glob("*/checkpoint.npz"))
    assert cli("solve", "hard.h5", "-s", "sinkhorn", "-o", "sweeps=1000").code == 0
