"""Campaigns in processes of this machine: what dies is a row, what is stopped goes on."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import pytest
from campaign_tools import alive, log, numbers, until

from sciml import registry
from sciml.campaign import Site, isolated
from sciml.campaign.submitting import campaign, cells_of
from sciml.planning import plan

BAD = {
    "segfault": "killed by signal 11 (SIGSEGV); run again to resume",
    "kill": "killed by signal 9 (SIGKILL, as when memory runs out); run again to resume",
    "hang": "killed at its hard limit of 4 s; run again to resume",
    "raise": "odd failed: ZeroDivisionError: nothing to divide by",
}


def planned(place, *options):
    odd = registry.get_solver("odd")
    return plan([place / "circle.h5"], [odd.build(**o) for o in options], place / "store", classical=False)


def test_whatever_a_cell_does_is_a_row_and_the_others_go_on(place, capfd):
    told = []
    parts = planned(place, *({"mode": mode} for mode in ("segfault", "fine", "kill", "raise", "hang")))
    executor = registry.get_executor("local").from_strings({"hard_limit": "4"})
    site = Site(place / "store", 2, notice=told.append)
    ((*rows,),) = campaign(parts, executor, site, seeds=(0,), record=place / "r/rows.jsonl")
    assert [row.options.get("mode", "fine") for row in rows] == ["segfault", "fine", "kill", "raise", "hang"]
    for row in rows:
        assert row.outcome == BAD.get(str(row.options.get("mode")), "ok")
        assert bool(row.cell) == (row.outcome == "ok")
    assert told[-1] == "5 of 5 cells, 4 of them without a result"
    kept = [json.loads(line) for line in (place / "r/rows.jsonl").read_text().splitlines()]
    assert sorted(line["number"] for line in kept) == list(range(5)) and kept[0]["floor"] is None
    assert "a solver that prints" not in capfd.readouterr().out  # standard output is the table's
    assert not any(alive(int(line[0])) for line in log(place))


@pytest.mark.slow  # as the others here that start many processes
def test_every_worker_has_its_gpu_and_its_share_of_the_cores(place):
    executor = registry.get_executor("local").build(gpus="5,7")
    parts = planned(place, {"mode": "steps", "steps": 2})
    cells = cells_of(parts, executor, Site(place / "store"), seeds=range(4))  # on the CPU: there is no such card here
    found = list(executor.run(cells, Site(place / "store", 2, "cuda", print)))
    assert sorted(cell.number for cell, _ in found) == [0, 1, 2, 3]
    starts = {line[0]: line[3:] for line in log(place) if line[1] == "start"}
    assert sorted(starts.values()) == [["5", "1"], ["7", "1"]]


def test_ctrl_c_stops_all_workers_and_the_same_command_goes_on(place, command):
    words = ("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=30:pause=0.25", "--seeds", "0,1,2", "--store", "store", "--json", "--executor", "local", "--workers", 2)
    first = command(*words)
    until(lambda: len({line[0] for line in log(place) if line[1] == "step"}) == 2)
    os.kill(first.pid, signal.SIGINT)
    out, err = first.communicate(timeout=60)
    assert first.returncode == 1 and err.strip().endswith("interrupted by Ctrl-C; run the same command again to continue.") and out == ""
    workers = {int(line[0]) for line in log(place)}
    assert not any(alive(pid) for pid in workers)
    assert list((place / "store").rglob("*.tmp")) == [] and len(list((place / "store/.partial").rglob("checkpoint.npz"))) == 2
    second = command(*words)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert [row["outcome"] for row in json.loads(out)] == ["ok"] * 3
    for seed in "012":  # no step was taken twice
        assert [int(line[3]) for line in log(place) if line[1:3] == ["step", seed]] == list(range(1, 31))


@pytest.mark.slow
def test_two_campaigns_share_a_store_and_the_work(place, command):
    words = ("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=4", "--seeds", "0,1,2,3,4,5,6,7", "--store", "store", "--json", "--executor", "local", "--workers", 1)
    both = [command(*words), command(*words)]
    told = [process.communicate(timeout=180) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert numbers(told[0][0]) == numbers(told[1][0]) and len(numbers(told[0][0])) == 8
    assert sorted(line[2] for line in log(place) if line[1] == "start") == list("01234567")  # every cell was run once
    assert len({line[0] for line in log(place)}) >= 2  # and not all by one of them


@pytest.mark.slow
def test_a_coordinator_that_is_killed_leaves_no_worker(place, command):
    first = command("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=1000", "--store", "store", "--executor", "local", "--workers", 1)
    until(lambda: [line for line in log(place) if line[1] == "step"])
    first.kill()
    first.communicate()
    (worker,) = {int(line[0]) for line in log(place)}
    until(lambda: not alive(worker), 20)
    assert len(list((place / "store/.partial").rglob("checkpoint.npz"))) == 1


@pytest.mark.slow
def test_isolated_keeps_its_process_and_stops_when_asked(place):
    executor = registry.get_executor("local")()
    parts = planned(place, {"mode": "steps", "steps": 1}, {"mode": "steps", "steps": 1000}, {"mode": "exit"})
    quick, slow, leaving = cells_of(parts, executor, Site(place / "store"), seeds=(0,))
    assert isolated(quick)["row"]["outcome"] == "ok"
    answer = isolated(slow, stopped=lambda: len(log(place)) > 5)
    assert answer == {"busy": True}
    assert len({line[0] for line in log(place)}) == 1
    assert list((place / "store/.partial").rglob("checkpoint.npz"))
    assert isolated(leaving)["row"]["outcome"] == "its process ended with exit code 3; run again to resume"
    assert isolated(replace(slow, hard_limit=0.5))["row"]["outcome"].startswith("killed at its hard limit of 0.5 s")


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--executor", "lokal"], "there is no executor 'lokal'; did you mean 'local'?"),
    (["--workers", "2"], "--workers and --executor-option go with --executor"),
    (["--executor", "local", "--workers", "0"], "--workers must be at least 1, not 0"),
    (["--executor", "local", "--executor-option", "gpu=0"], "local has no option 'gpu'; did you mean 'gpus'?"),
    (["--executor", "local", "--executor-option", "gpus=0"], "GPUs are named, but --device is cpu."),
    (["--executor", "local", "--device", "cuda:1"], "say --device cuda instead of cuda:1"),
    (["--executor", "local", "--executor-option", "hard_limit=-1"], "greater than or equal to 0"),
    (["--executor", "dask"], "--executor-option address=tcp://HOST:8786"),
    (["--executor", "slurm", "--executor-option", "cluster=pbs"], "must be 'slurm' or 'local'"),
    (["--seeds", ",".join(map(str, range(10_001)))], "10001 runs; one comparison holds at most 10000"),
])  # fmt: skip
def test_what_cannot_run_is_one_sentence(place, cli, arguments, sentence):
    done = cli("compare", "circle.h5", "--solvers", "odd", "--store", "store", *arguments)
    assert done.code == 2 and sentence in done.err, done.err
