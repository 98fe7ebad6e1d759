"""Training as a cell: by one process, by two that torchrun starts, stopped and resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from campaign_tools import alive, until

from sciml import Run, family
from sciml.learning import Model

TINY = """
from sciml import hookimpl
from tiny_learner import Tiny

@hookimpl
def register_solvers():
    return [Tiny]
"""


@pytest.fixture
def heat(place):
    """A family, and an installed solver that learns it."""
    import tiny_learner

    shutil.copy(Path(tiny_learner.__file__), place / "installed")
    (place / "installed" / "tiny_plugin.py").write_text(TINY)
    about = place / "installed" / "odd_solver-1.dist-info" / "entry_points.txt"
    about.write_text(about.read_text().replace("odd = odd_solver", "odd = odd_solver\ntiny-plugin = tiny_plugin"))
    family.write(place / "heat.h5", tiny_learner.family())
    return place


WORDS = ("compare", "heat.h5", "--train", "--no-classical", "--json", "--executor", "local", "--workers", 1)


def models(place, store: str) -> list[Path]:
    return sorted((place / store / "models").glob("*.safetensors"))


@pytest.mark.slow
def test_two_processes_train_what_one_does(heat, command):
    found = []
    for count, store in ((1, "one"), (2, "two")):
        process = command(*WORDS, "--solvers", "tiny:iterations=30", "--store", store, "--executor-option", f"processes_per_cell={count}")
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        (row,) = json.loads(out)
        assert row["outcome"] == "ok" and row["training"] > 0 and "heat-family · tiny iterations=30: trained in" in err
        (path,) = models(heat, store)
        found.append(Model.read(path))
    assert "sciml train" in found[0].card.command and "--solver tiny -o iterations=30" in found[0].card.command
    for name, value in found[0].weights.items():
        np.testing.assert_allclose(found[1].weights[name], value, rtol=1e-4, atol=1e-6)
    again = command(*WORDS, "--solvers", "tiny:iterations=30", "--store", "two")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0 and "trained in" not in err  # there is a model


@pytest.mark.slow
def test_ctrl_c_stops_all_processes_of_a_training_and_it_goes_on(heat, command):
    words = (*WORDS, "--solvers", "tiny:iterations=1000000", "--store", "store", "--executor-option", "processes_per_cell=2")
    first = command(*words)
    until(lambda: len(ranks(first.pid)) == 2 and saved(heat), 120)
    running = ranks(first.pid)
    os.kill(first.pid, signal.SIGINT)
    _, err = first.communicate(timeout=90)
    assert first.returncode == 1 and "run the same command again to continue." in err
    until(lambda: not any(alive(pid) for pid in running), 60)
    before = saved(heat)
    second = command(*words, "--budget", 5)
    _, err = second.communicate(timeout=240)
    assert second.returncode == 0 and "not trained: the budget of 5 s is spent" in err
    assert saved(heat) > before > 0 and not models(heat, "store")


def saved(place) -> int:
    """The step of the last checkpoint."""
    found = [Run(folder=path.parent).restore() for path in (place / "store/.partial").rglob("checkpoint.npz")]
    return found[0]["iteration"] if found and found[0] else 0


def ranks(root: int) -> list[int]:
    """Processes of a training under a process, however deep."""
    pairs = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            pairs.append((int(place.name), int((place / "stat").read_text().rsplit(")", 1)[1].split()[1])))
        except OSError:
            continue
    family, grown = {root}, True
    while grown:
        more = {pid for pid, parent in pairs if parent in family} - family
        family, grown = family | more, bool(more)
    return [pid for pid in family if alive(pid) and "RANK=" in environment(pid)]


def environment(pid: int) -> str:
    try:
        text = Path(f"/proc/{pid}/environ").read_text()
    except OSError:
        return ""
    return text if "\0LOCAL_RANK=" in text else ""


def test_training_needs_an_executor(heat, cli):
    done = cli("compare", "heat.h5", "--solvers", "tiny", "--train", "--store", "store")
    assert done.code == 2 and "--train goes with --executor" in done.err
