"""The commands as users run them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sciml import result_file

SPECS = Path(__file__).parents[1] / "specs"
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
    rows = json.loads((tmp_path / "r" / "table.json").read_text())
    assert [row["outcome"] == "ok" for row in rows] == [True, False, True]
    assert "cannot solve" in rows[1]["outcome"]
    assert (tmp_path / "r" / "table.md").read_text().count("\n") == 5


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
