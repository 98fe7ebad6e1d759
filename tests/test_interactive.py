"""`sciml.load`, `sciml.solve`, `to_xarray`, and what a notebook shows."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sciml
from sciml import Axis, Equation, Grid, Measure, Problem, Transport
from sciml.files import problem_file
from sciml.reference.values import Reference
from sciml.transport import file as transport_file

ROOT = Path(__file__).parents[1]


def heat(size: int = 32) -> Problem:
    equation = Equation.parse(["u_t = d*u_xx"], ["u"], ["x"], {"d": 0.1})
    grid = Grid((Axis("x", 0.0, 2 * np.pi, size),), np.linspace(0, 1, 5))
    return Problem("heat", equation, grid, initial_text={"u": "sin(x)"}, title="Heat <on> a circle")


@pytest.fixture
def heat_file(tmp_path: Path) -> Path:
    problem = heat()
    exact = np.exp(-0.1 * problem.grid.times)[:, None] * np.sin(problem.grid.axes[0].points())
    reference = Reference({"u": exact}, {"u": 1e-15}, {"u": np.full(5, 1e-15)}, "exact solution", {})
    problem_file.write(tmp_path / "heat.h5", problem, reference)
    return tmp_path / "heat.h5"


def test_a_loaded_problem_is_scored_against_its_file(heat_file: Path, tmp_path: Path) -> None:
    problem = sciml.load(heat_file)
    assert isinstance(problem, Problem)
    assert str(heat_file.parent) not in repr(problem), "a solver is handed the problem: it must not lead to the answer"
    result = sciml.solve(problem, "etdrk4", store=tmp_path / "kept")
    assert result.scores is not None and result.scores["relative_l2"]["u"] < 1e-9
    found = sciml.load(tmp_path / "kept" / "heat" / f"etdrk4-{result.cell}.h5")
    assert isinstance(found, sciml.Result)
    assert np.array_equal(found.solution.values["u"], result.solution.values["u"])
    assert repr(found) == f"<Result heat · etdrk4: OK, cell {result.cell}>"


def test_another_problem_is_not_scored_against_that_file(heat_file: Path, tmp_path: Path) -> None:
    problem = sciml.load(heat_file)
    assert isinstance(problem, Problem)
    other = replace(problem, initial_text={"u": "cos(x)"})
    result = sciml.solve(other, "etdrk4", store=tmp_path / "kept")
    assert sciml.reference_of(other) is None and not (result.scores or {})["relative_l2"]
    assert sciml.reference_of(problem) is not None


@pytest.mark.parametrize("name", ["lorenz", "darcy-channel", "poisson-100d", "ks-ensemble", "transport-images-28-l1"])
def test_what_is_saved_is_loaded_again(name: str, tmp_path: Path) -> None:
    task = sciml.load(ROOT / "problems" / f"{name}.h5")
    assert isinstance(task, Problem | sciml.Family | Transport)
    sciml.save(task, tmp_path / "copy.h5")
    again = sciml.load(tmp_path / "copy.h5")
    assert type(again) is type(task) and again.content_hash == task.content_hash  # type: ignore[union-attr]


def test_options_and_budget_reach_the_solver(heat_file: Path, tmp_path: Path) -> None:
    result = sciml.solve(heat_file, "etdrk4", options={"step": 0.05}, seed=3, store=tmp_path)
    assert isinstance(result, sciml.Result)
    assert result.options["step"] == 0.05 and result.seed == 3
    with pytest.raises(sciml.RunFailed, match="budget"):
        sciml.solve(heat_file, "etdrk4", options={"step": 1e-6}, budget=0.01, store=tmp_path)


def test_requests_that_make_no_sense(heat_file: Path, tmp_path: Path) -> None:
    with pytest.raises(sciml.UsageError, match="nothing that can be solved"):
        sciml.solve(3, "etdrk4")  # type: ignore[call-overload]
    with pytest.raises(sciml.UsageError, match="there is no solver 'etdrk'"):
        sciml.solve(heat_file, "etdrk", store=tmp_path)
    with pytest.raises(sciml.UsageError, match="--members is for families"):
        sciml.solve(heat_file, "etdrk4", members=3, store=tmp_path)
    problem = sciml.load(heat_file)
    heat_file.unlink()
    with pytest.raises(sciml.UsageError, match="is gone"):
        sciml.solve(problem, "etdrk4", store=tmp_path)  # type: ignore[call-overload]
    with pytest.raises(sciml.UsageError, match=r"no\.h5"):
        sciml.load(tmp_path / "no.h5")


def test_xarray_of_an_evolution(heat_file: Path, tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    data = sciml.solve(heat_file, "etdrk4", store=tmp_path).to_xarray()
    assert data["u"].dims == ("time", "x") and data.attrs["d"] == 0.1
    late = data["u"].sel(time=1.0).sel(x=np.pi / 2, method="nearest")
    assert float(late) == pytest.approx(np.exp(-0.1), rel=1e-9)
    assert json.loads(data.attrs["scores"])["relative_l2"]["u"] < 1e-9
    data.to_netcdf(tmp_path / "out.nc")  # attributes are plain


def test_xarray_of_what_has_no_time(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    equation = Equation.parse(["u_xx = -pi**2*sin(pi*x)"], ["u"], ["x"], {})
    grid = Grid((Axis("x", 0.0, 1.0, 33, "dirichlet"),), np.zeros(1))
    data = sciml.solve(Problem("string", equation, grid, kind="steady"), "gp-hm", store=tmp_path).to_xarray()
    assert data["u"].dims == data["u_std"].dims == ("x",) and "time" not in data.coords
    assert float(abs(data["u"] - np.sin(np.pi * data["x"])).max()) < 1e-6


def test_xarray_of_transport(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    points = np.linspace(0, 1, 8)[:, None]
    source, target = Measure(np.full(8, 1 / 8), points), Measure(np.full(8, 1 / 8), points + 0.5)
    problem = Transport("shift", source, target, eps=0.01, cost="squared euclidean")
    transport_file.write(tmp_path / "shift.h5", problem)
    loaded = sciml.load(tmp_path / "shift.h5")
    assert isinstance(loaded, Transport)
    result = sciml.solve(loaded, "sinkhorn-newton", store=tmp_path)
    data = result.to_xarray()
    assert data["phi"].dims == ("source",) and data["source_points"].dims == ("source", "component")
    assert repr(result).startswith("<TransportResult shift · sinkhorn-newton: OK")


def test_xarray_of_a_family_with_a_drawn_length(tmp_path: Path) -> None:
    pytest.importorskip("xarray")
    family = sciml.load(ROOT / "problems/ks-ensemble.h5")
    assert isinstance(family, sciml.Family)
    shape = (2, len(family.draw("test", 0).grid.times), *family.draw("test", 0).grid.shape)
    result = sciml.EnsembleResult(
        family=family, times=family.draw("test", 0).grid.times, values={"u": np.zeros(shape)}, std={}, split="test",
        count=2, solver="none", plugin="none", solver_version="1", options={}, seed=0, device="cpu", dtype="float64",
        provenance={}, ledger={}, scores={}, cell="0", model=None, status="OK", message="", reached=[1.0, 1.0],
    )  # fmt: skip
    data = result.to_xarray()
    assert data["u"].dims == ("member", "time", "x") and data["x_of_member"].dims == ("member", "x")
    lengths = data["x_of_member"].isel(x=-1)
    assert float(lengths[0]) != float(lengths[1])


def test_the_notebook_in_the_documentation_runs(tmp_path: Path) -> None:
    """As a reader runs it: cells in order, in a kernel of its own, in an empty folder."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / "docs/tutorial/notebook.ipynb", as_version=4)
    (tmp_path / "problems").symlink_to(ROOT / "problems")
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [o for cell in notebook.cells for o in cell.get("outputs", []) if "text/html" in o.get("data", {})]
    assert "reference   error" in shown[0]["data"]["text/html"]
    assert any("data:image/png;base64," in o["data"]["text/html"] for o in shown)
    assert not [o for cell in notebook.cells for o in cell.get("outputs", []) if o.output_type == "error"]


def test_importing_sciml_stays_light() -> None:
    code = "import sys, sciml; print(sorted({'torch', 'numpy', 'scipy', 'h5py'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
