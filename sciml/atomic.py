"""Nothing half-written: every file appears whole under its name, or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import RunFailed

_REMEDY = {
    errno.ENOSPC: "the disk is full; free some space or choose another place",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another place",
    errno.EACCES: "you may not write there; choose another place",
    errno.EPERM: "you may not write there; choose another place",
    errno.EROFS: "that file system is read-only; choose another place",
    errno.ENOENT: "that folder does not exist and cannot be made",
    errno.ENOTDIR: "a part of that path is a file, not a folder",
    errno.EEXIST: "a part of that path is a file, not a folder",
    errno.ENAMETOOLONG: "that name is too long; choose a shorter one",
    errno.EISDIR: "that is a folder; give a file name",
}


def unwritable(path: Path, error: OSError) -> RunFailed:
    """The sentence for a path that could not be written."""
    remedy = _REMEDY.get(error.errno or 0, error.strerror or str(error))
    return RunFailed(f"cannot write {path}: {remedy}.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the name, on any error it is removed.

    Raises RunFailed where the place cannot be written.
    """
    word = f"{os.getpid()}-{secrets.token_hex(4)}"  # a process of another machine may have our number
    temporary = path.with_name(f".{path.name}.{word}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
