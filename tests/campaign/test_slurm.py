"""SLURM through submitit, whose local executor runs the same jobs as processes of this machine."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from campaign_tools import alive, log, until

pytest.importorskip("submitit")
OPTIONS = ("--executor", "slurm", "--executor-option", "cluster=local", "--executor-option", "every=0.2")


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def steps(place, seed: str) -> list[int]:
    return [int(line[3]) for line in log(place) if line[1:3] == ["step", seed]]


@pytest.mark.slow
def test_a_job_is_preempted_and_another_is_killed_and_both_go_on(place, command):
    words = ("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=60,odd:mode=segfault", "--seeds", "0,1", "--no-classical", "--store", "store", "--json", *OPTIONS, "--workers", 2)
    first = command(*words)
    until(lambda: len(steps(place, "0")) > 3 and len(steps(place, "1")) > 3)
    pids = {line[2]: int(line[0]) for line in log(place)}
    os.kill(parent(pids["0"]), signal.SIGUSR2)  # as SLURM warns before it preempts
    os.kill(parent(pids["1"]), signal.SIGKILL)  # as a node that is lost
    out, err = first.communicate(timeout=240)
    assert first.returncode == 0, err
    rows = json.loads(out)
    assert [row["outcome"] for row in rows[:2]] == ["ok", "ok"]
    assert all(row["outcome"].startswith("killed by signal 11 (SIGSEGV)") for row in rows[2:])
    assert steps(place, "0") == list(range(1, 61)) == steps(place, "1")  # each went on where it was
    assert len({line[0] for line in log(place) if line[2] == "0"}) >= 2


@pytest.mark.slow
def test_jobs_of_several_cells_and_ctrl_c(place, command):
    words = ("compare", "circle.h5", "--solvers", "odd:mode=steps:steps=15", "--seeds", "0,1,2,3,4", "--store", "store", "--json", *OPTIONS, "--executor-option", "cells_per_job=3")
    first = command(*words)
    until(lambda: len({line[0] for line in log(place)}) == 2)
    os.kill(first.pid, signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 1 and err.strip().endswith("run the same command again to continue.")
    until(lambda: not any(alive(int(line[0])) for line in log(place)), 60)
    out, err = (second := command(*words)).communicate(timeout=240)
    assert second.returncode == 0 and [row["outcome"] for row in json.loads(out)] == ["ok"] * 5, err
    assert all(steps(place, seed) == list(range(1, 16)) for seed in "01234")


def test_no_slurm_here_is_one_sentence(place, cli, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    done = cli("compare", "circle.h5", "--solvers", "odd", "--store", "store", "--executor", "slurm")
    assert done.code == 2 and "there is no SLURM here (no sbatch)" in done.err and "cluster=local" in done.err


def test_without_submitit_the_sentence_has_the_command(place, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    done = cli("compare", "circle.h5", "--solvers", "odd", "--store", "store", "--executor", "slurm")
    assert done.code == 2 and "pip install 'sciml-toolkit[slurm]'" in done.err, done.err
