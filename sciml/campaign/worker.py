"""A process that runs one cell after another: `python -m sciml.campaign.worker FD`, started by a Lane.

FD is one end of a socket. Cells come in, "ready" and answers go out, as JSON. When the other end is gone, because it
was closed or its process died, a cell in progress is interrupted as by Ctrl-C: it saves its checkpoint.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

GRACE = 60.0  # seconds that an interrupted cell has for the end of its step, once nobody is there who would kill it


def main() -> None:
    connection = Connection(int(sys.argv[1]))
    os.set_inheritable(connection.fileno(), False)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a solver prints is not the campaign's table
    import torch  # noqa: F401  # its loading takes seconds, which would be on the bill of the first cell

    from .. import registry
    from ..cell import Cell
    from ..errors import Stopped
    from .attempt import run_cell

    cells: queue.SimpleQueue[Cell | None] = queue.SimpleQueue()
    busy = threading.Event()

    def listen() -> None:
        try:
            while True:
                cells.put(Cell(**json.loads(connection.recv_bytes())))
        except (EOFError, OSError):
            cells.put(None)
        if busy.is_set():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(GRACE)
            os._exit(1)

    registry.plugins()
    connection.send_bytes(b'"ready"')
    threading.Thread(target=listen, daemon=True).start()
    while (cell := cells.get()) is not None:
        busy.set()
        sys.argv = cell.command()  # what a result says that it was made by
        try:
            connection.send_bytes(json.dumps(run_cell(cell)).encode())
        except (Stopped, KeyboardInterrupt, BrokenPipeError):
            break
        busy.clear()
    os._exit(0)  # whatever threads libraries have left


if __name__ == "__main__":
    main()
