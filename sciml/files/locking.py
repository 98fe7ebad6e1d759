"""One process at a time: a lock that dies with its process, whatever kills it.

    with locked(place / "cell.lock", lambda: notice("waiting")):
        ...
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

POLL = 0.2  # seconds between two tries


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`; while another process does, `on_wait` is called now and then, and may raise.

    Who leaves removes the file; who then holds a lock on a file that is gone takes the new one. Raises OSError where
    the file cannot be made.
    """
    while True:
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                break
        except BlockingIOError:
            lock.close()
            on_wait()
            time.sleep(POLL)
        except FileNotFoundError:
            pass
        except BaseException:
            lock.close()
            raise
        lock.close()
    with lock:
        try:
            yield
        finally:
            with suppress(OSError):
                path.unlink()
