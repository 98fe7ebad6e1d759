"""Files of bytes, and nothing that merely has a name: reading a pipe waits, reading a device never ends."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ..errors import UsageError

MOST_TEXT = 4_000_000  # bytes of a specification


def require_regular(path: Path) -> int:
    """How many bytes it holds; of a file with holes, those that are there. Raises UsageError for what is no file."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file.") from None
    except (OSError, ValueError) as error:  # a loop of links, a name that is too long, a null byte
        raise UsageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}).") from None
    if stat.S_ISDIR(found.st_mode):
        raise UsageError(f"{path}: is a folder; give a file.")
    if not stat.S_ISREG(found.st_mode):
        raise UsageError(f"{path}: is a device or a pipe, not a file.")
    return min(found.st_size, 512 * getattr(found, "st_blocks", found.st_size))


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """Raises UsageError for what is no text, or longer than `most` bytes."""
    require_regular(path)
    try:
        if path.stat().st_size > most:
            raise UsageError(f"{path}: is larger than {most} bytes, too large for what it should be.")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: is not text ({error.reason} at byte {error.start}).") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
