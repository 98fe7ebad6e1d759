"""kill -9 at a random moment, then the same command again: the end must be as if nothing had happened."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from jobs import COMMANDS, digest, finished, left, prepare, started

ORDER = (  # the quick ones more often
    "solve", "data", "reference", "solve", "solve a family", "new", "solve", "train", "reference", "data", "compare", "solve",
    "solve a family", "reference", "plot", "new",
)  # fmt: skip
AT_WORK, TOO_LATE = "killed at work", "ended before the kill"


def campaign(room: Path, count: int, seed: int, tell: Callable[[str], None]) -> tuple[Counter[str], Counter[str], list[str]]:
    """Runs by what the kill met, files that the kill left, and everything that is wrong afterwards."""
    rng = random.Random(seed)
    prepare(room / "inputs")
    whole = {name: _uninterrupted(room, command) for name, command in COMMANDS.items()}
    tell("seconds uninterrupted: " + ", ".join(f"{name} {seconds:.2f}" for name, (seconds, _) in whole.items()))
    met: Counter[str] = Counter()
    strays: Counter[str] = Counter()
    wrong: list[str] = []
    names = [name for name in ORDER if name in COMMANDS]
    for number in range(count):
        name = names[number % len(names)]
        seconds, expected = whole[name]
        place = _fresh(room)
        child = started(place, COMMANDS[name])
        time.sleep(rng.random() * seconds)
        os.kill(child, signal.SIGKILL)
        met[AT_WORK if finished(child) == -signal.SIGKILL else TOO_LATE] += 1
        half = {str(p.relative_to(place)) for p in place.rglob("*") if p.is_file()} - set(expected)
        strays.update(_kind(path) for path in half)
        wrong += _unsound(place, room / "inputs", expected, f"{name}, run {number}, at the kill")
        code = finished(started(place, COMMANDS[name], said=room / "said"))
        if code:
            wrong.append(f"{name}, run {number}: exit code {code} after the kill")
        elif left(place) != expected:
            here = left(place)
            odd = sorted(p for p in here.keys() | expected.keys() if here.get(p) != expected.get(p))
            wrong.append(f"{name}, run {number}: {', '.join(odd)}")
        if number % 20 == 19:
            tell(f"kills: {number + 1} {dict(met)} {dict(strays)} wrong: {len(wrong)}")
    return met, strays, wrong


def _unsound(place: Path, inputs: Path, expected: dict[str, str], what: str) -> list[str]:
    """Files under their final names that are neither the finished ones nor the inputs as they were."""
    wrong = []
    for path in sorted(expected):
        if (place / path).exists():
            try:
                found = digest(place / path)
            except Exception as error:
                wrong.append(f"{what}: {path}: {error}")
                continue
            if found != expected[path] and not ((inputs / path).exists() and digest(inputs / path) == found):
                wrong.append(f"{what}: {path} is another")
    return wrong


def _kind(path: str) -> str:
    """Of a file that is not there in the end."""
    name = Path(path).name
    if ".partial" in Path(path).parts:
        return "in .partial: " + ("lock" if name.endswith(".lock") else "checkpoint")
    return "beside its file: " + ("lock" if name.endswith(".lock") else "temporary" if name.endswith(".tmp") else name)


def _fresh(room: Path) -> Path:
    place = room / "work"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(room / "inputs", place)
    return place


def _uninterrupted(room: Path, command: list[str]) -> tuple[float, dict[str, str]]:
    """Seconds it takes, and what it leaves."""
    place = _fresh(room)
    begun = time.monotonic()
    assert finished(started(place, command)) == 0, command
    return time.monotonic() - begun, left(place)
