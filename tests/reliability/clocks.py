"""A wall clock that jumps by a day, forwards and back, at every look: nothing that is decided or kept depends on it."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

from jobs import COMMANDS, finished, left, prepare, started

DAY = 86400.0


def jump() -> None:
    """From now on in this process."""
    real, turn = time.time, itertools.count()
    time.time = lambda: real() + DAY * (1, -2, 3, -1)[next(turn) % 4]  # type: ignore[assignment]
    time.time_ns = lambda: int(1e9 * time.time())  # type: ignore[assignment]


def campaign(room: Path) -> tuple[int, list[str]]:
    """Every command under such a clock, with a budget where it takes one: (runs, everything that is wrong)."""
    from sciml.files import result_file

    wrong: list[str] = []
    for name, command in COMMANDS.items():
        budget = ["--budget", "3600"] if command[0] in ("solve", "compare") else []
        found = {}
        for clock in ("true", "jumping"):
            place = room / clock / name.replace(" ", "-")
            prepare(place)
            begun = time.monotonic()
            code = finished(started(place, [*command, *budget], before=jump if clock == "jumping" else int))
            took = time.monotonic() - begun
            if code:
                wrong.append(f"{name}, {clock} clock: exit code {code}")
                continue
            found[clock] = left(place)
            for path in (place / "store/small-ks").glob("*.h5"):
                ledger = result_file.read(path).ledger
                if not 0 < ledger["seconds"] <= took + 0.1:
                    wrong.append(f"{name}, {clock} clock: the ledger says {ledger['seconds']} s of {took:.2f} s")
        if len(found) == 2 and found["true"] != found["jumping"]:
            wrong.append(f"{name}: other results under a jumping clock")
    return 2 * len(COMMANDS), wrong
