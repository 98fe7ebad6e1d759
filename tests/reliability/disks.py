"""A full disk and a read-only one: every command that writes says so in one sentence, and what was there stays."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs import COMMANDS, finished, left, prepare, started

FREE = (0, 16, 64, 4, 8, 32, 128)  # KiB that are left on the disk
SIZE = 2048  # KiB of it


@contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """A file system in memory, mounted there; False where that is not allowed."""
    place.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}k", "tmpfs", str(place)]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        yield False
        return
    try:
        yield True
    finally:
        os.chdir("/")
        subprocess.run(["umount", "-l", str(place)], check=True)


def campaign(room: Path, free: tuple[int, ...], tell: Callable[[str], None]) -> tuple[Counter[str], list[str]]:
    """Outcomes, and everything that is wrong. Each command meets each amount of free space, with nothing there before and
    with its own earlier results there; and a read-only disk."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    for name, command in COMMANDS.items():
        for again in (False, True):
            for space in (*free, -1):
                with small_disk(room / "disk") as mounted:
                    if mounted:
                        _one(room / "disk", room / "said", name, command, again, space, outcomes, wrong)
        tell(f"disks: {name} {dict(outcomes)} wrong: {len(wrong)}")
    return outcomes, wrong


def _one(
    disk: Path, said: Path, name: str, command: list[str], again: bool, space: int, outcomes: Counter[str], wrong: list[str]
) -> None:  # fmt: skip
    """space: KiB, or -1 for a read-only disk."""
    prepare(disk)
    if again:
        assert finished(started(disk, command)) == 0
        if command[0] in ("solve", "compare", "train"):
            command = [*command, "--fresh"]
    before = left(disk)
    if space >= 0:
        _fill(disk, space)
    else:
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    said.write_text("")
    code = finished(started(disk, command, said=said))
    text = said.read_text()
    told = [line for line in text.splitlines() if line.startswith("sciml: cannot write")]
    what = f"{name}, {space} KiB free" + (", again" if again else "")
    if "Traceback" in text or "of sciml's own" in text or code not in (0, 1) or (code == 1 and len(told) != 1):
        wrong.append(f"{what}: exit code {code}: {text.strip()[-300:]}")
    if space >= 0:
        (disk / "ballast").unlink()
    after = left(disk)
    half = [p for p in after.keys() - before.keys() if code and not _whole(p, command)]
    lost = [p for p in before if after.get(p) != before[p] and not (p == "two.h5" and code == 0)]
    if half or lost:
        wrong.append(f"{what}: left {sorted(half)}, lost or changed {sorted(lost)}")
    kind = "read-only" if space < 0 else "full"
    outcomes[f"{kind}: " + ("one sentence" if code else "there was room" if space >= 0 else "nothing to write")] += 1


def _whole(path: str, command: list[str]) -> bool:
    """What a command that fails later may have finished before: data, a result, a page; and its checkpoint."""
    return not path.endswith(".tmp") and (".partial" in path or path.startswith(("data/", "store/", "report/")))


def _fill(disk: Path, space: int) -> None:
    """A file that takes all but so many KiB."""
    with (disk / "ballast").open("wb") as file:
        free = os.statvfs(disk)
        file.write(bytes(max(free.f_bavail * free.f_bsize - 1024 * space, 0)))
