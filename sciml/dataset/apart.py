"""Reading a file of others in a process of its own: in a damaged one HDF5 can loop for ever, which nothing inside ends.

`python -m sciml.dataset.apart` does what JSON on standard input says; where that cannot be done, it prints why.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ..errors import RunFailed, ScimlError, UsageError
from ..family import Family
from ..files.apart import command, environment
from ..files.regular import require_regular
from .dataset import Dataset
from .foreign import import_file, require_imported

PATIENCE, SLOWEST = 60.0, 5e6  # seconds for any file; bytes a second that are read, checked and written on a slow disk


def import_apart(
    path: str | Path, family: Family, split: str, root: str | Path, names: dict[str, str] | None = None,
    patience: float = PATIENCE,
) -> Dataset:  # fmt: skip
    """As `import_file`, and raises UsageError for a file at which HDF5 does not come to an end, or dies."""
    require_imported(family)
    path = Path(path)
    seconds = patience + require_regular(path) / SLOWEST
    asked = json.dumps([str(path), family.describe(), split, str(root), names])
    try:
        done = subprocess.run(
            command(__name__), env=environment(), input=asked, stdout=subprocess.PIPE, text=True, timeout=seconds,
            start_new_session=True, check=False,  # Ctrl-C reaches us only, and it is killed
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{path}: reading it did not end within {seconds:.0f} s; it is damaged in a way that HDF5 does not notice."
        ) from None
    if done.returncode < 0:
        raise UsageError(f"{path}: reading it ended by signal {-done.returncode}; it is damaged.")
    if done.returncode in (UsageError.exit_code, RunFailed.exit_code) and done.stdout:
        raise (UsageError if done.returncode == UsageError.exit_code else RunFailed)(done.stdout)
    if done.returncode:
        raise RunFailed(f"{path}: what reads it ended with exit code {done.returncode}; what it prints above says why.")
    return Dataset.read(root, family, split, family.split(split).count)


def main() -> int:
    path, described, split, root, names = json.load(sys.stdin)
    try:
        import_file(path, Family.parse(described), split, root, names)
    except ScimlError as error:
        print(error, end="")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
