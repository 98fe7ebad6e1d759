"""A Dask scheduler with two workers on loopback, one of which is killed in mid-run: nothing is lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from campaign_tools import alive, log, numbers, until

pytest.importorskip("distributed")


@pytest.fixture
def cluster(place):
    """The scheduler's address and process, and the workers'; `place` comes first, so that they find what is installed there."""
    spot, started = place / "scheduler.json", []

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard", "--scheduler-file", str(spot)]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True))
        return started[-1]

    start("scheduler", "--host", "127.0.0.1", "--port", "0")
    until(spot.exists)
    workers = [start("worker", "--nthreads", "1", "--no-nanny") for _ in range(2)]
    yield json.loads(spot.read_text())["address"], started[0], workers
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


WORDS = ("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=12,odd:mode=kill", "--seeds", "0,1,2,3", "--no-classical", "--json")


@pytest.mark.slow
def test_a_worker_is_killed_and_nothing_is_lost(place, command, cluster):
    address, _, workers = cluster
    first = command(*WORDS, "--store", "store", "--executor", "dask", "--executor-option", f"address={address}")
    until(lambda: len({line[0] for line in log(place) if line[1] == "step"}) == 2)
    workers[0].kill()  # the Dask worker; its cell's process finds itself alone, saves its checkpoint and ends
    out, err = first.communicate(timeout=240)
    assert first.returncode == 0, err
    found = numbers(out)
    assert [line[3] for line in found[:4]] == ["ok"] * 4
    assert all(line[3].startswith("killed by signal 9") for line in found[4:])
    for seed in "0123":  # what one worker had begun the other went on with
        assert [int(line[3]) for line in log(place) if line[1:3] == ["step", seed]] == list(range(1, 13))
    local = command(*WORDS, "--store", "local", "--executor", "local", "--workers", 2)
    out, err = local.communicate(timeout=240)
    assert local.returncode == 0 and numbers(out) == found, err
    for seed in range(4):  # the same results, not only the same rows
        mine, other = (values(place / store / "circle" / f"odd-{found[seed][2]}.h5") for store in ("store", "local"))
        assert mine == other


@pytest.mark.slow
def test_ctrl_c_stops_cells_on_the_cluster(place, command, cluster):
    address, _, workers = cluster
    words = ("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=1000", "--seeds", "0,1,2,3", "--store", "store", "--executor", "dask")
    first = command(*words, "--executor-option", f"address={address}")
    until(lambda: len({line[0] for line in log(place) if line[1] == "step"}) == 2)
    os.kill(first.pid, signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 1 and err.strip().endswith("run the same command again to continue.")
    until(lambda: not any(alive(int(line[0])) for line in log(place)), 30)
    assert len(list((place / "store/.partial").rglob("checkpoint.npz"))) == 2
    assert all(worker.poll() is None for worker in workers)  # the cluster is somebody else's


@pytest.mark.slow
def test_a_scheduler_that_is_lost_is_one_sentence(place, command, cluster):
    address, scheduler, _ = cluster
    first = command("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=1000", "--store", "store", "--executor", "dask", "--executor-option", f"address={address}", "--executor-option", "patience=5")
    until(lambda: [line for line in log(place) if line[1] == "step"])
    scheduler.kill()
    _, err = first.communicate(timeout=120)
    assert first.returncode == 1 and f"sciml: the Dask scheduler at {address} is gone; run again" in err.splitlines()[-1]


def test_no_scheduler_is_one_sentence(place, cli):
    done = cli("compare", "circle.h5", "--solvers", "odd", "--store", "store", "--executor", "dask", "--executor-option", "address=tcp://127.0.0.1:9", "--executor-option", "patience=1")
    assert done.code == 1 and "no Dask scheduler answers at tcp://127.0.0.1:9" in done.err, done.err


def test_without_dask_the_sentence_has_the_command(place, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = cli("compare", "circle.h5", "--solvers", "odd", "--store", "store", "--executor", "dask", "--executor-option", "address=tcp://127.0.0.1:9")
    assert done.code == 2 and "pip install 'sciml-toolkit[dask]'" in done.err, done.err


def values(path: Path) -> list[list[float]]:
    from sciml.files import result_file

    return [values.tolist() for values in result_file.read(path).solution.values.values()]

