"""What tests of campaigns ask: logs, processes, rows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def log(place: Path) -> list[list[str]]:
    """Lines of the odd solver's log: process, word, seed, and what belongs to the word."""
    path = place / "odd.log"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What it says, once it is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def numbers(rows: str) -> list[tuple[Any, ...]]:
    """What two runs of one campaign have in common, of `--json`."""
    return [(row["label"] if "label" in row else row["options"], row["seed"], row["cell"], row["outcome"]) for row in json.loads(rows)]
