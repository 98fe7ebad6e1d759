"""A place for one cell at a time: a worker process that is kept for the next cell, and replaced when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from ..cell import Answer, Cell
from ..errors import RunFailed
from ..files.apart import command, environment

GRACE = 10.0  # seconds that workers have to save their checkpoints when they are stopped
RESUME = "run again to resume"


class Lane:
    """environment: what a worker's differs in from this process's. recycle: cells after which it is replaced, because
    libraries may leak; 0: never."""

    def __init__(self, environment: Mapping[str, str] | None = None, recycle: int = 0) -> None:
        self.environment, self._recycle, self._cells = dict(environment or {}), recycle, 0
        self.cell: Cell | None = None
        self.connection: Connection | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._deadline: float | None = None

    def give(self, cell: Cell) -> None:
        """Start a cell; the lane must be free. Its hard limit counts from when its worker is ready."""
        assert self.cell is None
        if self._recycle and self._cells >= self._recycle:
            stop([self])
        if self._process is None or self._process.poll() is not None:
            self._start()
        self.cell, self._cells = cell, self._cells + 1
        assert self.connection is not None
        with suppress(OSError):  # if it has died in this moment, `collect` finds out and says so
            self.connection.send_bytes(json.dumps(cell.as_plain()).encode())
        self._set_deadline()

    def left(self) -> float | None:
        """Seconds to the hard limit; None where there is none yet."""
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def collect(self) -> tuple[Cell, Answer] | None:
        """What became of the cell; None: it goes on. To be asked when `connection` has something to read, the limit is
        reached, and every second or so: of a process that has left others behind the connection does not end."""
        cell, connection, process = self.cell, self.connection, self._process
        assert cell is not None and connection is not None and process is not None
        try:
            ended = process.poll() is not None
            while connection.poll():
                message = json.loads(connection.recv_bytes())
                if message != "ready":
                    self.cell = self._deadline = None
                    return cell, message
                self._ready = True
                self._set_deadline()
            if ended:
                raise EOFError
        except (EOFError, OSError):
            return cell, cell.failed(f"{self._died()}; {RESUME}")
        if self.left() == 0.0:
            self.kill()
            return cell, cell.failed(f"killed at its hard limit of {cell.hard_limit:g} s; {RESUME}")
        return None

    def kill(self) -> None:
        """At once, with all that the worker has started."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._forget()

    def _start(self) -> None:
        self._forget()
        ours, theirs = Pipe()
        self._process = subprocess.Popen(
            command("sciml.campaign.worker", str(theirs.fileno())), env=environment() | self.environment,
            stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()],
            start_new_session=True,  # Ctrl-C reaches us only; we tell the workers
        )  # fmt: skip
        theirs.close()
        self.connection, self._ready, self._cells = ours, False, 0

    def _set_deadline(self) -> None:
        if self._ready and self.cell is not None and self.cell.hard_limit is not None:
            self._deadline = time.monotonic() + self.cell.hard_limit

    def _died(self) -> str:
        """How. Raises RunFailed for a process that never came to work: the next one would not either."""
        assert self._process is not None
        code, ready = self._process.wait(), self._ready
        self.kill()  # what it had started
        if not ready and code > 0:
            raise RunFailed(f"worker processes cannot start (exit code {code}); what they print above says why.")
        if code >= 0:
            return f"its process ended with exit code {code}"
        name = signal.Signals(-code).name if -code in list(signal.Signals) else "unknown"
        cause = ", as when memory runs out" if -code == signal.SIGKILL else ""
        return f"killed by signal {-code} ({name}{cause})"

    def close(self) -> None:
        """Tell the worker to stop: its cell is interrupted as by Ctrl-C."""
        if self.connection is not None:
            self.connection.close()

    def wait(self, seconds: float) -> None:
        """After `close`: wait for its end, and kill it if that takes longer."""
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        self.kill()

    def _forget(self) -> None:
        if self.connection is not None:
            self.connection.close()
        if self._process is not None:
            self._process.wait()
        self.cell = self.connection = self._process = self._deadline = None
        self._ready = False


def stop(lanes: Iterable[Lane], grace: float = GRACE) -> None:
    """All of them at once; who has not saved its checkpoint within the grace is killed, and so are all when Ctrl-C
    comes a second time."""
    lanes = list(lanes)
    end = time.monotonic() + grace
    try:
        for lane in lanes:
            lane.close()
        for lane in lanes:
            lane.wait(max(0.0, end - time.monotonic()))
    finally:
        for lane in lanes:
            lane.kill()
