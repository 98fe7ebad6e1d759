"""The commands as users run them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sciml_classical.solver import Etdrk4

from sciml.files import result_file

SPECS = Path(__file__).parents[1] / "specs"
PROBLEMS = Path(__file__).parents[2] / "problems"
Cli = Callable[..., object]


def test_solve_scores_and_keeps(cli, ks_file, tmp_path) -> None:
    store = tmp_path / "store"
    first = cli("solve", ks_file, "--solver", "etdrk4", "--store", store, "--json")
    assert first.code == 0
    data = json.loads(first.out)
    result = result_file.read(data["path"])
    assert result.solution.values["u"].shape == (11, 32)
    assert result.scores["drift"]["mean"] < 1e-12
    before = Path(data["path"]).read_bytes()
    assert cli("solve", ks_file, "--solver", "etdrk4", "--store", store).code == 0
    assert Path(data["path"]).read_bytes() == before  # a finished cell is returned, not run again
    assert cli("solve", ks_file, "--solver", "etdrk4", "--store", store, "--fresh").code == 0
    again = result_file.read(data["path"])
    assert again.solution.values["u"].tobytes() == result.solution.values["u"].tobytes()
    assert list((store / ".partial").glob("*/")) == []


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--solver", "etdrk"], 2, "did you mean 'etdrk4'"),
        (["--solver", "etdrk4", "-o", "toleranc=1"], 2, "did you mean 'tolerance'"),
        (["--solver", "etdrk4", "-o", "tolerance=abc"], 2, "must be a valid number"),
        (["--solver", "etdrk4", "-o", "tolerance=7"], 2, "less than or equal to 1"),
        (["--solver", "etdrk4", "-o", "tolerance"], 2, "key=value"),
        (["--solver", "taylor"], 2, "solvers that can: etdrk4"),
        (["--solver", "etdrk4", "--budget", "-3"], 2, "positive number of seconds"),
        (["--solver", "etdrk4", "--device", "cuda:7"], 2, "use --device cpu"),
        (["--solver", "etdrk4", "--device", "abacus"], 2, "must be cpu, cuda"),
        (["--solver", "pinn-causal", "--device", "cuda"], 2, "pinn-causal computes on the CPU only"),
        (["--solver", "pinn-causal", "--device", "abacus"], 2, "must be cpu, cuda"),
        (["--solver", "etdrk4", "--dtype", "float8"], 2, "float32 or float64"),
        (["--solver", "etdrk4", "--speed", "3"], 2, "--speed"),
        ([], 2, "--solver"),
    ],
)
def test_bad_requests_write_nothing(cli, ks_file, tmp_path, arguments, code, says) -> None:
    store = tmp_path / "store"
    outcome = cli("solve", ks_file, "--store", store, *arguments)
    assert outcome.code == code
    assert says in outcome.err
    assert not list(store.glob("**/*.h5"))
    assert not store.exists()


def test_unwritable_store(cli, ks_file, tmp_path) -> None:
    (tmp_path / "file").write_text("not a folder")
    outcome = cli("solve", ks_file, "--solver", "etdrk4", "--store", tmp_path / "file" / "store")
    assert outcome.code == 1
    assert "--store" in outcome.err


def test_budget_stops_and_the_next_run_resumes(cli, tmp_path) -> None:
    problem = cli("new", SPECS / "swift-hohenberg.toml", "-o", tmp_path / "sh.h5")
    assert problem.code == 0
    command = ("solve", tmp_path / "sh.h5", "--solver", "etdrk4", "--store", tmp_path / "store")
    stopped = cli(*command, "--budget", 1e-9)
    assert stopped.code == 1
    assert "run the same command again" in stopped.err
    resumed = json.loads(cli(*command, "--json").out)
    whole = json.loads(cli(*command[:-1], tmp_path / "other", "--json").out)
    a, b = (result_file.read(data["path"]).solution.values["u"] for data in (resumed, whole))
    assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", ["swift-hohenberg", "cahn-hilliard", "gray-scott"])
def test_own_equations_need_no_code(cli, tmp_path, name) -> None:
    path = tmp_path / f"{name}.h5"
    assert cli("new", SPECS / f"{name}.toml", "-o", path).code == 0
    assert cli("validate", path).code == 0
    values = []
    for solver in ("etdrk4", "pinn-causal"):
        outcome = cli("solve", path, "--solver", solver, "--store", tmp_path / "store", "--json")
        assert outcome.code == 0, outcome.err
        values.append(result_file.read(json.loads(outcome.out)["path"]).solution.values["u"])
    assert np.abs(values[0] - values[1]).max() < (1e-8 if values[0].ndim == 2 else 1e-4)


def test_compare_counts_failures_as_rows(cli, ks_file, tmp_path) -> None:
    outcome = cli(
        "compare", ks_file, "--solvers", "etdrk4,taylor,etdrk4:step=0.01", "--store", tmp_path / "s", "-o", tmp_path / "r"
    )
    assert outcome.code == 0
    (problem,) = json.loads((tmp_path / "r" / "report.json").read_text())["problems"]
    assert [run["outcome"] for run in problem["runs"]] == ["ok", "ok"]
    assert list(problem["not_applicable"]) == ["taylor"]  # asked for, but no failure
    assert "taylor cannot solve" in outcome.out


def test_reference_show_and_plot(cli, ks_file, tmp_path) -> None:
    assert cli("reference", ks_file).code == 2
    assert cli("reference", ks_file, "--build").code == 0
    assert "reference   error" in cli("show", ks_file).out
    solved = json.loads(cli("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "s", "--json").out)
    assert solved["scores"]["relative_l2"]["u"] < 1e-9
    assert cli("plot", solved["path"], "--against", ks_file, "-o", tmp_path / "a.png").code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "etdrk4" in cli("show", solved["path"]).out
    assert cli("validate", solved["path"]).code == 0
    assert "is a result" in cli("solve", solved["path"], "-s", "etdrk4", "--store", tmp_path / "s").err


def test_lists_are_readable_and_parse(cli, ks_file, ode_file) -> None:
    for command in (
        ["solvers"], ["solvers", "pinn-causal"], ["plugins"], ["problems", ks_file.parent], ["compat", ks_file],
        ["show", ode_file], ["doctor"],
    ):  # fmt: skip
        assert cli(*command).code == 0
        json.loads(cli(*command, "--json").out)
    assert json.loads(cli("compat", ode_file, "--json").out)["etdrk4"]["able"] is False


def test_unknown_command(cli) -> None:
    outcome = cli("slove")
    assert outcome.code == 2
    assert "did you mean 'solve'" in outcome.err


@pytest.mark.parametrize("command", [["--help"], ["solvers"], ["plugins"], ["problems", "."], ["compat", "FILE"]])
def test_light_commands_do_not_import_torch(ks_file, command) -> None:
    arguments = [str(ks_file) if part == "FILE" else part for part in command]
    code = (
        "import sys; from sciml.cli.main import run\n"
        f"try: run({arguments!r})\nexcept SystemExit: pass\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("False")


def test_two_processes_at_the_same_cell(ks_file, tmp_path) -> None:
    command = [
        sys.executable, "-m", "sciml.cli.main", "solve", str(ks_file), "-s", "etdrk4", "--store", str(tmp_path / "s"),
        "--json",
    ]  # fmt: skip
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert outputs[0]["path"] == outputs[1]["path"]
    result_file.read(outputs[0]["path"])


def strict_json(text: str) -> object:
    """JSON as other languages read it: no NaN, no Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_solving_an_ode_and_a_plane(cli, ode_file, plane_file, tmp_path) -> None:
    data = json.loads(cli("solve", ode_file, "-s", "taylor", "--store", tmp_path / "s", "--json").out)
    solution = result_file.read(data["path"]).solution
    times = np.linspace(0.0, 2.0, 21)
    assert np.abs(solution.values["x"] - np.cos(times)).max() < 1e-13
    assert np.abs(solution.values["y"] - np.sin(times)).max() < 1e-13
    for path in (ode_file, plane_file):
        solver = "taylor" if path == ode_file else "etdrk4"
        data = json.loads(cli("solve", path, "-s", solver, "--store", tmp_path / "s", "--json").out)
        assert cli("plot", data["path"], "-o", tmp_path / "a.png").code == 0
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert cli("show", data["path"]).code == 0


def test_a_finished_cell_runs_no_solver(cli, ks_file, tmp_path, monkeypatch) -> None:
    command = ("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "s")
    assert cli(*command).code == 0
    calls = []
    monkeypatch.setattr("sciml.solving.problem.executed", lambda *a: calls.append(a) or 1 / 0)
    assert cli(*command).code == 0
    assert not calls
    assert cli(*command, "--fresh").code == 1
    assert cli(*command, "--seed", 1).code == 1  # another cell
    assert len(calls) == 2
    assert cli(*command).code == 0  # a failed --fresh run has not taken the result away


def test_options_and_seeds_are_cells_of_their_own(cli, ks_file, tmp_path) -> None:
    command = ("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "s", "--json")
    variants = ([], ["-o", "tolerance=1e-8"], ["--seed", "1"])
    cells = {json.loads(cli(*command, *more).out)["cell"] for more in variants}
    assert len(cells) == 3
    default = Etdrk4.model_fields["tolerance"].default
    same = json.loads(cli(*command, "-o", f"tolerance={default}").out)["cell"]
    assert same in cells  # a default that is written out is the same cell


def test_a_budget_interrupts_again_and_again(cli, ks_file, tmp_path, monkeypatch) -> None:
    """Stopped after every step that it was given, the run ends with the bits of an uninterrupted one."""
    whole = json.loads(cli("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "whole", "--json").out)
    command = ("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "pieces", "--json")
    stops = 0
    while stops < 100:
        outcome = cli(*command, "--budget", 1e-9)
        if outcome.code == 0:
            break
        stops += 1
        assert outcome.code == 1
        assert "the budget of 1e-09 s is spent after" in outcome.err
        assert list((tmp_path / "pieces").glob(".partial/*/checkpoint.npz"))
        assert not list((tmp_path / "pieces").glob("*/*.h5"))
    assert stops >= 3  # every call went on where the last one stopped, or this would never have ended
    pieces = json.loads(outcome.out)
    a, b = (result_file.read(data["path"]).solution for data in (pieces, whole))
    assert a.values["u"].tobytes() == b.values["u"].tobytes()
    assert pieces["cost"]["steps"] == whole["cost"]["steps"]
    assert not list((tmp_path / "pieces").glob(".partial/*/*"))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", None])
def test_a_damaged_checkpoint_says_fresh(cli, ks_file, tmp_path, content) -> None:
    command = ("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "s")
    assert cli(*command, "--budget", 1e-9).code == 1
    (checkpoint,) = (tmp_path / "s").glob(".partial/*/checkpoint.npz")
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) // 2] if content is None else content)
    outcome = cli(*command)
    assert outcome.code == 1
    assert "--fresh" in outcome.err
    assert cli(*command, "--fresh").code == 0


@pytest.mark.parametrize("below", ["", "store"])
def test_an_unwritable_store_is_named(cli, ks_file, tmp_path, below) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = tmp_path / "file" / below
    outcome = cli("solve", ks_file, "-s", "etdrk4", "--store", store)
    assert outcome.code == 1
    assert f"cannot write results in {store}: " in outcome.err


def test_a_solver_that_fails_is_one_sentence(cli, ks_file, tmp_path, monkeypatch) -> None:
    def fail(self: object, problem: object, run: object) -> None:
        raise ValueError("no luck\ntoday")

    monkeypatch.setattr("sciml_classical.solver.Etdrk4.solve", fail)
    outcome = cli("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "s")
    assert outcome.code == 1
    assert "etdrk4 failed: ValueError: no luck" in outcome.err
    assert not list((tmp_path / "s").glob("*/*.h5"))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["solve", "KS", "-s", "etdrk4", "--seed", "9" * 40], 2, "the seed must be"),
        (["solve", "KS", "-s", "etdrk4", "--seed", "one"], 2, "--seed"),
        (["solve", "KS", "-s", "etdrk4", "--budget", "nan"], 2, "positive number of seconds"),
        (["solve", "no.h5", "-s", "etdrk4"], 2, "no.h5: there is no such file"),
        (["solve", "TEXT", "-s", "etdrk4"], 2, "not an HDF5 file"),
        (["solve", "."], 2, "--solver"),
        (["compare", "KS", "--solvers", ""], 2, "names no solver"),
        (["compare", "KS", "--solvers", "etdrk"], 2, "did you mean 'etdrk4'"),
        (["compare", "KS", "--solvers", "etdrk4:tolerance"], 2, "key=value"),
        (["compare", "KS", "--solvers", "etdrk4", "--seeds", "1,x"], 2, "--seeds"),
        (["compare", "KS", "no.h5", "--solvers", "etdrk4"], 2, "no.h5: there is no such file"),
        (["solvers", "pin-causal"], 2, "did you mean 'pinn-causal'"),
        (["problems", "nowhere"], 2, "no such folder"),
        (["compat", "TEXT"], 2, "not an HDF5 file"),
        (["show", "no.h5"], 2, "no such file"),
        (["plot", "KS"], 2, "no reference to draw"),
        (["new", "no.toml"], 2, "no such file"),
        (["new", "TEXT"], 2, "not valid TOML"),
        (["validate", "."], 2, "is a folder"),
        (["validate", "TEXT"], 2, "not an HDF5 file"),
        (["reference", "KS"], 2, "--build"),
        (["doctor", "--now"], 2, "--now"),
        (["validate"], 2, "FILE"),
    ],
)
def test_bad_requests_are_one_sentence(cli, ks_file, tmp_path, monkeypatch, arguments, code, says) -> None:
    (tmp_path / "text").write_text("this is prose")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    outcome = cli(*({"KS": ks_file.name, "TEXT": "text"}.get(part, part) for part in arguments))
    assert outcome.code == code
    assert says in outcome.err
    assert "sciml's own" not in outcome.err
    assert sorted(tmp_path.rglob("*")) == before


def test_new_replaces_only_when_told(cli, tmp_path) -> None:
    path = tmp_path / "p.h5"
    path.write_bytes(b"precious")
    outcome = cli("new", SPECS / "swift-hohenberg.toml", "-o", path)
    assert outcome.code == 2
    assert "--force" in outcome.err
    assert path.read_bytes() == b"precious"
    assert cli("new", SPECS / "swift-hohenberg.toml", "-o", path, "--force").code == 0
    assert cli("validate", path).out.strip().endswith("a sound problem file without a reference.")
    (tmp_path / "file").write_text("")
    assert cli("new", SPECS / "swift-hohenberg.toml", "-o", tmp_path / "file" / "p.h5").code == 1


def test_every_json_is_json_for_all(cli, ks_file, ode_file, tmp_path) -> None:
    store = tmp_path / "s"
    solve = cli("solve", ode_file, "-s", "taylor", "--store", store, "--json")
    result = strict_json(solve.out)["path"]
    for command in (
        ["solve", ks_file, "-s", "etdrk4", "--store", store], ["show", result], ["show", ks_file],
        ["compare", ks_file, ode_file, "--solvers", "etdrk4,taylor", "--seeds", "0,1", "--store", store],
        ["reference", ode_file, "--build"], ["reference", ode_file], ["show", ode_file], ["validate", result],
        ["validate", ks_file], ["solvers"], ["solvers", "etdrk4"], ["problems", tmp_path], ["compat", ks_file],
        ["plugins"], ["doctor"],
    ):  # fmt: skip
        outcome = cli(*command, "--json")
        assert outcome.code == 0, outcome.err
        assert strict_json(outcome.out)


def test_compare_runs_every_seed_once(cli, ks_file, ode_file, tmp_path) -> None:
    command = (
        "compare", ks_file, ode_file, "--solvers", "all", "--seeds", "0,3", "--budget", 1e-9,
        "--store", tmp_path / "s", "--json", "-o", tmp_path / "r",
    )  # fmt: skip
    outcome = cli(*command)
    assert outcome.code == 0
    rows = json.loads(outcome.out)
    assert len({(row["problem"], row["solver"], row["seed"]) for row in rows}) == len(rows)
    assert {row["seed"] for row in rows} == {0, 3}
    assert any("budget" in row["outcome"] for row in rows)  # said in its row, and the others still ran
    assert not any("cannot solve" in row["outcome"] for row in rows)  # `all` means all that can
    written = sorted(path.name for path in (tmp_path / "r").iterdir())
    assert written == ["report.html", "report.json", "report.md", "table.csv"]
    (first, second) = json.loads((tmp_path / "r" / "report.json").read_text())["problems"]
    assert "taylor" in first["not_applicable"] and "etdrk4" in second["not_applicable"]


def test_a_folder_with_a_bad_problem_is_still_listed(cli, ks_file, tmp_path) -> None:
    (tmp_path / "bad.h5").write_text("no")
    outcome = cli("problems", tmp_path, "--json")
    assert outcome.code == 0
    files = {row["file"]: row for row in json.loads(outcome.out)}
    assert set(files) == {"bad.h5", "small-ks.h5"}
    assert "not an HDF5 file" in files["bad.h5"]["title"]


def test_plot_against_another_problem_is_refused(cli, ks_file, ode_file, tmp_path) -> None:
    solved = json.loads(cli("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "s", "--json").out)
    outcome = cli("plot", solved["path"], "--against", ode_file, "-o", tmp_path / "a.png")
    assert outcome.code == 2
    assert "asks for something else" in outcome.err
    assert not (tmp_path / "a.png").exists()


def test_the_console_script(ks_file) -> None:
    """As users run it: exit code, one sentence, nothing else on stderr; --debug shows where."""
    command = [sys.executable, "-m", "sciml.cli.main", "solve", str(ks_file), "-s", "etdrk"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sciml: there is no solver 'etdrk'; did you mean 'etdrk4'?\n"
    debugged = subprocess.run([*command, "--debug"], capture_output=True, text=True)
    assert debugged.returncode
    assert "Traceback" in debugged.stderr
    version = subprocess.run([*command[:3], "--version"], capture_output=True, text=True)
    assert version.returncode == 0
    assert version.stdout.startswith("sciml, version ")


def test_an_exact_reference_is_not_replaced(cli, tmp_path) -> None:
    copy = tmp_path / "taylor-green.h5"
    shutil.copy(PROBLEMS / "taylor-green.h5", copy)
    before = copy.read_bytes()
    outcome = cli("reference", copy, "--build")
    assert outcome.code == 2 and "exact solution" in outcome.err
    assert copy.read_bytes() == before


def test_nothing_but_results_stays_in_the_store(cli, ks_file, tmp_path) -> None:
    assert cli("solve", ks_file, "-s", "etdrk4", "--store", tmp_path / "s").code == 0
    assert not list((tmp_path / "s" / ".partial").iterdir())
