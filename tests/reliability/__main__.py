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
from isolation import FINE, Tally, judged

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
    return row("equations", judged(partial(judge, seed), range(count), on_bad=said, every=partial(_every, "equations")))


def fuzz_files(count: int, seed: int, room: Path) -> bool:
    import corpus
    import file_fuzz

    subprocess.run([sys.executable, str(HERE / "corpus.py"), str(room / "corpus")], check=True, stdout=subprocess.DEVNULL)
    damaged = file_fuzz.Corpus(corpus.files(room / "corpus"), room / "input", seed)
    said = partial(_bad, lambda index: damaged.input(index)[1])
    tally = judged(
        partial(file_fuzz.judge, damaged), range(count), memory=3 * 2**30, seconds=60, on_bad=said,
        every=partial(_every, "files"),
    )  # fmt: skip
    return row("files", tally)


def _every(what: str, tally: Tally) -> None:
    if tally.count % 1000 == 0:
        tell(f"{what}: {tally.count} {dict(tally.outcomes)}")


def _bad(describe, index: int, word: str) -> None:
    tell(f"input {index}: {word}: {str(describe(index))[:200]}")


LINES = {"equations": (fuzz_equations, 60_000), "files": (fuzz_files, 40_000)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="*", default=list(LINES), help=f"of {', '.join(LINES)}; default: all")
    parser.add_argument("--count", type=int, help="inputs or runs, in place of the published number")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    print(f"python {platform.python_version()}, numpy {np.__version__}, h5py {h5py.__version__}, HDF5 {h5py.version.hdf5_version}")
    fine = True
    for name in asked.lines:
        line, count = LINES[name]
        with tempfile.TemporaryDirectory(prefix="reliability-") as room:
            fine &= line(asked.count or count, asked.seed, Path(room))
    return 0 if fine else 1


if __name__ == "__main__":
    assert FINE
    sys.exit(main())
