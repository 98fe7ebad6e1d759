"""How much memory reading one file may take. A few kilobytes can describe arrays of any size: compressed zeros, a grid
that only a formula fills, one dataset under a thousand names.

    with bounded_by(path.stat().st_size):   # what reads a file says so
        spend(8 * points, "the initial data")   # what makes an array from it asks first
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..errors import UsageError

BASE, PER_BYTE = 2**30, 100  # bytes for any file, and for each of its bytes
VARIABLE = "SCIML_FILE_MEMORY"  # bytes, in place of BASE
_left: ContextVar[int | None] = ContextVar("left", default=None)


@contextmanager
def bounded_by(file_size: int) -> Iterator[None]:
    """Inside, arrays may take so much, all of them together."""
    base = os.environ.get(VARIABLE, "")
    token = _left.set((int(base) if base.isdecimal() else BASE) + PER_BYTE * file_size)
    try:
        yield
    finally:
        _left.reset(token)


def spend(size: int, what: str) -> None:
    """Raise UsageError if a file that is being read asks for more bytes than are left to it. Elsewhere: nothing."""
    left = _left.get()
    if left is None:
        return
    if size > left:
        raise UsageError(
            f"{what} would take {size:.3g} bytes, more than a file of its size may ask for; if it is sound, allow"
            f" more with {VARIABLE}=BYTES."
        )
    _left.set(left - size)
