"""Nothing half-written: every file appears whole under its name, or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import RunFailed

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
    temporary, held = path.with_name(f".{path.name}.{word}.tmp"), -1
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        _sweep(path)
        held = _hold(temporary)
        yield temporary
        os.fsync(held)
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if held >= 0:
            os.close(held)


def _hold(temporary: Path) -> int:
    """Make the file and lock it: the lock tells others that its writer lives, and dies with it."""
    while True:
        held = os.open(temporary, os.O_CREAT | os.O_RDWR, 0o666)
        with suppress(OSError):  # a file system without locks: nobody sweeps there either
            fcntl.flock(held, fcntl.LOCK_EX)
        if os.path.exists(temporary) and os.path.samestat(os.fstat(held), os.stat(temporary)):
            return held
        os.close(held)  # swept between the two calls


def _sweep(path: Path) -> None:
    """Remove what writers of this very file left when they were killed."""
    for entry in os.scandir(path.parent):
        if entry.name.startswith(f".{path.name}.") and entry.name.endswith(".tmp"):
            with suppress(OSError):  # its writer lives and holds it, or it is gone
                left = os.open(entry.path, os.O_RDWR | os.O_NOFOLLOW)
                try:
                    fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(entry.path)
                finally:
                    os.close(left)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)
