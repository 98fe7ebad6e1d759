"""A Dask cluster: cells are its tasks, as many at a time as it has threads, and some in reserve."""

from __future__ import annotations

import logging
import os
import queue
import secrets
import time
from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from sciml import RunFailed, UsageError
from sciml.campaign import Answer, Cell, Executor, Site, isolated

from .needed import needed

LOOK = 5.0  # seconds between looks at how many threads there are
AHEAD = 2  # cells sent per thread, so that none waits for us
_stopped: set[str] = set()  # in a Dask worker: campaigns that are to stop


class DaskExecutor(Executor):
    """The cells run in processes of their own beside the Dask workers, so that a crash or a hard limit is a row and no
    worker's end. A worker that is lost costs nothing but time: Dask gives its cells to others, which go on from their
    checkpoints. Workers need this package, the solvers' and the store."""

    name: ClassVar[str] = "dask"
    summary: ClassVar[str] = "tasks of a Dask cluster (extra `dask`)"
    address: str = Field("", description="of the scheduler, like tcp://host:8786; default: DASK_SCHEDULER_ADDRESS")
    patience: float = Field(30.0, gt=0, description="seconds to wait for the scheduler, and for a first worker")

    def run(self, cells: Iterator[Cell], site: Site) -> Iterator[tuple[Cell, Answer]]:
        address = self.address or os.environ.get("DASK_SCHEDULER_ADDRESS", "")
        client = self._client(address)
        campaign = secrets.token_hex(8)
        sent: dict[str, tuple[Any, Cell]] = {}  # keeping a future keeps its task
        finished: queue.SimpleQueue[str] = queue.SimpleQueue()
        try:
            places, looked = self._places(client, site, address), time.monotonic()
            while True:
                while len(sent) < places and (cell := next(cells, None)) is not None:
                    key = f"sciml-{campaign}-{cell.number}"
                    future = client.submit(work, cell.as_plain(), campaign, key=key)
                    sent[key] = future, cell
                    future.add_done_callback(lambda done: finished.put(done.key))
                if not sent:
                    return
                try:
                    future, cell = sent.pop(finished.get(timeout=LOOK))
                except queue.Empty:
                    pass
                else:
                    yield cell, _answer(future, cell, address)
                if time.monotonic() - looked > LOOK:
                    places, looked = self._places(client, site, address), time.monotonic()
        finally:
            _leave(client, campaign, unfinished=bool(sent))

    def _client(self, address: str) -> Any:
        distributed = needed("distributed", "dask")
        if not address:
            raise UsageError("where is the Dask scheduler? Say --executor-option address=tcp://HOST:8786.")
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is lost is said by us, in one sentence
        try:
            return distributed.Client(address, timeout=self.patience, set_as_default=False)
        except (OSError, ValueError) as error:
            raise RunFailed(f"no Dask scheduler answers at {address} ({_first_line(error)}).") from None

    def _places(self, client: Any, site: Site, address: str) -> int:
        """How many cells may be sent. Waits for a worker, if there is none."""
        end = time.monotonic() + self.patience
        while True:
            try:
                threads = sum(client.nthreads().values())
            except OSError:
                raise _gone(address) from None
            if threads:
                return site.workers or AHEAD * threads
            if time.monotonic() > end:
                raise RunFailed(f"the Dask scheduler at {address} has had no workers for {self.patience:g} s.")
            time.sleep(0.2)


def work(cell: dict[str, Any], campaign: str) -> Answer:
    """The task."""
    return isolated(Cell(**cell), stopped=lambda: campaign in _stopped)


def stop_here(campaign: str) -> None:
    """Called in every worker, beside its tasks: running cells save their checkpoints and end."""
    _stopped.add(campaign)


def _answer(future: Any, cell: Cell, address: str) -> Answer:
    if future.status == "finished":
        found: Answer = future.result()
        return found
    if future.status != "error":
        raise _gone(address)
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return cell.failed("every Dask worker that had this cell was lost with it; run again to resume")
    return cell.failed(f"the Dask worker cannot run cells ({type(error).__name__}: {_first_line(error)})")


def _leave(client: Any, campaign: str, unfinished: bool) -> None:
    """Without leaving anything running."""
    try:
        if unfinished and client.status == "running":
            client.run(stop_here, campaign, on_error="ignore")
    finally:
        client.close(timeout=5)


def _gone(address: str) -> RunFailed:
    return RunFailed(f"the Dask scheduler at {address} is gone; run again when it is back: what is finished is kept.")


def _first_line(error: Any) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
