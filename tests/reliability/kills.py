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

from jobs import COMMANDS, finished, left, prepare, started

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
    names = list(COMMANDS)
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
        whole_ones = {path: digest for path, digest in _sound(place, wrong, f"{name}, run {number}").items() if path in expected}
        wrong += [f"{name}, run {number}: {path} differs at the kill" for path in whole_ones if _changed(place, path, whole_ones, expected)]
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


def _sound(place: Path, wrong: list[str], what: str) -> dict[str, str]:
    """Every file under a final name is sound at any moment: it is read, and not only looked at."""
    try:
        return {path: digest for path, digest in left(place).items()} if not _temporary(place) else _without(place)
    except Exception as error:
        wrong.append(f"{what}: {error}")
        return {}


def _temporary(place: Path) -> bool:
    return any(p.name.endswith(".tmp") or ".partial" in p.parts or p.name.endswith(".lock") for p in place.rglob("*"))


def _without(place: Path) -> dict[str, str]:
    from jobs import _digest

    kept = (p for p in sorted(place.rglob("*")) if p.is_file() and ".partial" not in p.parts)
    return {str(p.relative_to(place)): _digest(p) for p in kept if not p.name.endswith((".tmp", ".lock"))}


def _changed(place: Path, path: str, found: dict[str, str], expected: dict[str, str]) -> bool:
    """Whether a file that is there is neither the finished one nor the untouched input."""
    from jobs import _digest

    source = place.parent / "inputs" / path
    return found[path] != expected[path] and not (source.exists() and _digest(source) == found[path])


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
