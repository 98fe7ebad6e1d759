"""The long measurements of docs/reliability.md: `python tests/reliability equations files kills disks clocks together`.

Each prints rows of the table, and its progress on standard error.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import h5py
import numpy as np
from isolation import Tally, judged

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # conftest and the tiny learned solver


def tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def row(what: str, tally: Tally) -> bool:
    """Print one row of the table; whether nothing was wrong."""
    told = ", ".join(f"{count} {word}" for word, count in tally.outcomes.most_common())
    print(f"| {what} | {tally.count} | {told} | {tally.slowest:.1f} | {tally.largest / 2**20:.0f} | {tally.seconds:.0f} |", flush=True)
    return not tally.bad


def fuzz_equations(count: int, seed: int, room: Path) -> bool:
    from equation_fuzz import judge, statements

    said = partial(_bad, lambda index: statements(seed, index)[1])
    return row("equations", judged(partial(judge, seed), range(count), on_bad=said, every=partial(_every, "equations"), most_seconds=MOST_SECONDS))


def fuzz_files(count: int, seed: int, room: Path) -> bool:
    import corpus
    import file_fuzz

    sound = CORPUS or room / "corpus"
    if CORPUS is None:
        build = [sys.executable, str(HERE / "corpus.py"), str(sound), *(["quick"] if QUICK else [])]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    damaged, told = (file_fuzz.Corpus(corpus.files(sound), room / name, seed) for name in ("input", "told"))
    said = partial(_bad, lambda index: told.input(index)[1])
    tally = judged(
        partial(file_fuzz.judge, damaged), range(count), memory=3 * 2**30, seconds=60, on_bad=said,
        every=partial(_every, "files"), most_seconds=MOST_SECONDS,
    )  # fmt: skip
    for grown, index in tally.hungriest[:HUNGRIEST]:
        tell(f"files: input {index}: {grown / 2**20:.0f} MB: {told.input(index)[1]}")
    return row("files", tally)


def kill(count: int, seed: int, room: Path) -> bool:
    import jobs
    import kills

    jobs.warm(room / "warm", QUICK)
    begun = time.monotonic()
    met, strays, wrong = kills.campaign(room, count, seed, tell)
    told = ", ".join(f"{number} {word}" for word, number in (*met.items(), *strays.items()))
    return simple("kill -9", count, told, wrong, begun)


def full_disk(count: int, seed: int, room: Path) -> bool:
    import disks
    import jobs

    jobs.warm(room / "warm", QUICK)
    begun = time.monotonic()
    outcomes, wrong = disks.campaign(room, disks.FREE[:count], tell)
    return simple("disks", sum(outcomes.values()), ", ".join(f"{n} {w}" for w, n in outcomes.items()), wrong, begun)


def clock(count: int, seed: int, room: Path) -> bool:
    import clocks
    import jobs

    jobs.warm(room / "warm", QUICK)
    begun = time.monotonic()
    runs, wrong = clocks.campaign(room)
    return simple("clock", runs, "half of them under a clock that jumps", wrong, begun)


def at_once(count: int, seed: int, room: Path) -> bool:
    import jobs
    import together

    jobs.warm(room / "warm", QUICK)
    begun = time.monotonic()
    total, waited, wrong = together.campaign(room, count, 4)
    return simple("together", total, f"{waited} said that they waited for another", wrong, begun)


def simple(what: str, runs: int, told: str, wrong: list[str], begun: float) -> bool:
    for text in wrong:
        tell(f"{what}: WRONG: {text}")
    print(f"| {what} | {runs} | {told}; wrong: {len(wrong)} | | | {time.monotonic() - begun:.0f} |", flush=True)
    return not wrong


def _every(what: str, tally: Tally) -> None:
    if tally.count % 1000 == 0:
        tell(f"{what}: {tally.count} {dict(tally.outcomes)}")


def _bad(describe, index: int, word: str) -> None:
    tell(f"input {index}: {word}: {str(describe(index))[:200]}")


QUICK = False  # set by --quick
HUNGRIEST = 0  # set by --hungriest
MOST_SECONDS = float("inf")  # set by --seconds
CORPUS: Path | None = None  # set by --corpus
LINES = {
    "equations": (fuzz_equations, 60_000), "files": (fuzz_files, 40_000), "kills": (kill, 208), "disks": (full_disk, 7),
    "clocks": (clock, 1), "together": (at_once, 3),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="*", default=list(LINES), help=f"of {', '.join(LINES)}; default: all")
    parser.add_argument("--count", type=int, help="inputs or runs, in place of the published number")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="three commands only: what the tests run")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS, help="after which a fuzzer stops early")
    parser.add_argument("--corpus", type=Path, help="what corpus.py made; by default it is made anew")
    parser.add_argument("--hungriest", type=int, default=0, help="of files: how many of those that took most memory are named")
    asked = parser.parse_args()
    globals().update(QUICK=asked.quick, CORPUS=asked.corpus, HUNGRIEST=asked.hungriest, MOST_SECONDS=asked.seconds)
    print(f"python {platform.python_version()}, numpy {np.__version__}, h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}")
    fine = True
    for name in asked.lines:
        line, count = LINES[name]
        with tempfile.TemporaryDirectory(prefix="reliability-") as room:
            fine &= line(asked.count or count, asked.seed, Path(room))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
