"""What happens in a worker, and what an executor may not do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import pytest

from sciml import Executor, registry
from sciml.campaign import Site, run_cell, store_id
from sciml.campaign.devices import environments, gpus
from sciml.campaign.submitting import campaign, cells_of
from sciml.cell import Cell
from sciml.errors import RunFailed, UsageError
from sciml.planning import plan
from sciml.solving.problem import only_one


class Here(Executor):
    """In this process, some cells twice or never, as a test wants it."""

    name: ClassVar[str] = "here"
    times: ClassVar[int] = 1
    most: ClassVar[int] = 0  # cells that were taken and not yet answered

    def run(self, cells, site):
        for cell in cells:
            for _ in range(self.times):
                yield cell, json.loads(json.dumps(run_cell(Cell(**json.loads(json.dumps(cell.as_plain()))))))


@pytest.fixture
def cell(place) -> Cell:
    parts = plan([place / "circle.h5"], [registry.get_solver("odd")()], place / "store", classical=False)
    return next(cells_of(parts, Here(), Site(place / "store"), seeds=(3,)))


def outcome(cell: Cell) -> str:
    row = run_cell(cell)["row"]
    assert (row["problem"], row["solver"], row["seed"]) == ("circle", "odd", 3)
    return row["outcome"]


def test_a_cell_is_run_once_and_then_found(cell, place):
    first, second = run_cell(cell), run_cell(cell)
    assert first["row"]["outcome"] == "ok" and first["row"]["cell"] == second["row"]["cell"]
    assert (place / "odd.log").read_text().count("start") == 1
    run_cell(replace(cell, fresh=True))
    assert (place / "odd.log").read_text().count("start") == 2


def test_a_cell_that_another_process_is_at_is_busy(cell, place):
    run_cell(cell)
    (kept,) = (place / "store/circle").iterdir()
    kept.unlink()
    with only_one(place / "store/.partial" / kept.stem.removeprefix("odd-"), None):
        assert run_cell(cell) == {"busy": True}
    assert outcome(cell) == "ok"


def test_a_worker_that_is_not_as_the_campaign_expects_says_so(cell, place):
    assert outcome(replace(cell, solver="elsewhere/odd")) == "the plugin 'elsewhere' is not installed on this worker, and odd is from it."
    assert outcome(replace(cell, version="2")) == "this worker has version 1 of odd, the campaign was planned with 2."
    assert "holds another problem here, or was changed" in outcome(replace(cell, content="0" * 16))
    assert "No such file" in outcome(replace(cell, path=str(place / "gone.h5")))
    assert "does not see the campaign's store" in outcome(replace(cell, store=str(place / "another")))
    assert "option 'steps'" in outcome(replace(cell, options={"steps": 0}))


def test_an_error_outside_the_solver_is_a_row(cell, monkeypatch):
    monkeypatch.setattr("sciml.solving.problem.score", lambda *_: 1 / 0)
    assert outcome(cell) == "an error outside the solver, please report it (ZeroDivisionError: division by zero)"


def test_rows_come_back_in_order_and_executors_are_held_to_their_promise(place, monkeypatch):
    odd = registry.get_solver("odd")
    parts = plan([place / "circle.h5"], [odd(), odd.build(steps=3)], place / "store", classical=False)
    site = Site(place / "store", notice=lambda text: None)
    (rows,) = campaign(parts, Here(), site, seeds=(4, 2))
    assert [(row.options, row.seed) for row in rows] == [({}, 4), ({}, 2), ({"steps": 3}, 4), ({"steps": 3}, 2)]
    monkeypatch.setattr(Here, "times", 0)
    with pytest.raises(RunFailed, match="the executor here has lost 4 of 4 cells"):
        campaign(parts, Here(), site, seeds=(4, 2))
    monkeypatch.setattr(Here, "times", 2)
    with pytest.raises(RunFailed, match="answered a cell twice"):
        campaign(parts, Here(), site, seeds=(4, 2))


def test_cells_are_made_as_they_are_taken(place):
    parts = plan([place / "circle.h5"], [registry.get_solver("odd")()], place / "store", classical=False)
    endless = cells_of(parts, Here(), Site(place / "store"), seeds=Forever())
    assert [next(endless).seed for _ in range(3)] == [0, 1, 2]


class Forever:
    def __iter__(self) -> Iterator[int]:
        seed = 0
        while True:
            yield seed
            seed += 1


def test_a_store_has_one_name(tmp_path):
    assert store_id(tmp_path / "a") == store_id(tmp_path / "a") != store_id(tmp_path / "b")
    assert [p.name for p in (tmp_path / "a").iterdir()] == [".store"]


def test_gpus_and_cores_are_shared_out(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("sciml.campaign.devices.cores", lambda: 16)
    found = environments(5, ("0", "3"))
    assert [e["CUDA_VISIBLE_DEVICES"] for e in found] == ["0", "3", "0", "3", "0"] and {e["OMP_NUM_THREADS"] for e in found} == {"3"}
    assert "CUDA_VISIBLE_DEVICES" not in environments(2, ())[0]
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environments(5, ())[4]["OMP_NUM_THREADS"] == "7"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-4f")
    assert gpus("cuda") == ("2", "GPU-4f") and gpus("cuda", "1") == ("1",) and gpus("cpu") == ()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert gpus("cuda") == ("0", "1", "2")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(UsageError, match="no CUDA device here"):
        gpus("cuda")


def test_a_study_names_its_executor(place, cli):
    (place / "study.toml").write_text("""
problems = ["circle.h5"]
seeds = [0, 1]
solvers = ["odd"]

[executor]
name = "local"
workers = 1
options = {hard_limit = 60.0}
""")
    done = cli("compare", "--study", "study.toml", "--store", "store", "-o", "r")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (place / "r/rows.jsonl").read_text().splitlines()]
    assert [(row["number"], row["outcome"]) for row in rows] == [(0, "ok"), (1, "ok")]
    (place / "study.toml").write_text("problems = ['circle.h5']\nsolvers = ['odd']\nexecutor = {name = 'local', worker = 1}")
    assert "executor.worker is not known here; known: name, workers, options" in cli("compare", "--study", "study.toml").err
