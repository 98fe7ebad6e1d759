"""Several processes at one piece of work: one does it, the others wait and take what it made."""

from __future__ import annotations

import shutil
from pathlib import Path

from jobs import COMMANDS, STORE, finished, left, prepare, started

WAITED = "another process is running this very cell"
# overlapping: the same split with more and with fewer members, by hand and for a solver
DATA = (
    ["data", "heat.h5", "--data", "data", "--count", "2"], ["data", "heat.h5", "--data", "data"],
    ["solve", "heat.h5", "-s", "etdrk4", "-o", "step=0.1", *STORE], ["train", "heat.h5", "-s", "tiny", "-o", "iterations=5", *STORE],
)  # fmt: skip


def campaign(room: Path, rounds: int, processes: int) -> tuple[int, int, list[str]]:
    """(processes started, of them those that said they waited, everything that is wrong)."""
    wrong: list[str] = []
    waited = total = 0
    alone = room / "alone"
    for name, commands in {**{n: [c] * processes for n, c in COMMANDS.items()}, "data, overlapping": list(DATA)}.items():
        shutil.rmtree(alone, ignore_errors=True)
        prepare(alone)
        for command in commands if name.startswith("data,") else commands[:1]:
            assert finished(started(alone, command)) == 0
        expected = left(alone)
        for number in range(rounds):
            place = room / "work"
            shutil.rmtree(place, ignore_errors=True)
            prepare(place)
            said = [room / f"said-{i}" for i in range(len(commands))]
            for path in said:
                path.write_text("")
            children = [started(place, c, said=path) for c, path in zip(commands, said, strict=True)]
            codes = [finished(child) for child in children]
            total += len(commands)
            waited += sum(WAITED in path.read_text() for path in said)
            if any(codes):
                wrong.append(f"{name}, round {number}: exit codes {codes}: {[p.read_text()[-200:] for p in said]}")
            elif left(place) != expected:
                here = left(place)
                odd = sorted(p for p in here.keys() | expected.keys() if here.get(p) != expected.get(p))
                wrong.append(f"{name}, round {number}: {', '.join(odd)}")
    return total, waited, wrong
