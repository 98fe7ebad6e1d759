"""A solver's only door to the world: seed, device, progress, budget, checkpoints, cost ledger.

A marching solver looks like this, and is then resumable, interruptible and within its budget:

    state = run.restore() or {"t": 0.0, "u": initial}
    while state["t"] < end:
        state = advance(state)
        run.step(state["t"] / end, state)
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import sys
import threading
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import numpy as np

from .errors import RunFailed, Stopped, UsageError

State = Mapping[str, Any]  # arrays, numbers and strings


class Run:
    """One execution of one cell. `folder` holds the checkpoint (None: nothing is kept)."""

    def __init__(
        self,
        *,
        seed: int = 0,
        device: str = "cpu",
        dtype: str = "float64",
        budget: float | None = None,
        folder: Path | None = None,
        on_progress: Callable[[float, str], None] | None = None,
        checkpoint_every: float = 5.0,
    ) -> None:
        if budget is not None and not budget > 0:
            raise UsageError(f"the budget must be a positive number of seconds, not {budget:g}.")
        if dtype not in ("float32", "float64"):
            raise UsageError(f"dtype must be float32 or float64, not {dtype!r}.")
        if not -(2**63) <= seed < 2**63:
            raise UsageError(f"the seed must be a whole number of 64 bits, not {seed}.")
        self.seed, self.device, self.dtype, self.budget, self.folder = seed, device, dtype, budget, folder
        self.costs: dict[str, float] = {}
        self.paths: dict[str, str] = {}
        self.writes = True  # False in all but the first of several processes at one training
        self.model: Any = None  # of a learned solver: a sciml.learning.Model
        self.logged: dict[str, list[float]] = {}
        self._on_progress, self._every = on_progress, checkpoint_every
        self._start = self._saved = time.monotonic()
        self._cpu_start = time.process_time()
        self._interrupted = False
        self._previous_handler: Any = None

    # -- progress, budget, interruption ------------------------------------------------------------
    def step(self, fraction: float, state: State | Callable[[], State] | None = None, note: str = "") -> None:
        """Call once per unit of work: shows progress, saves now and then, stops when it must.

        Raises Stopped (after saving `state`) on Ctrl-C or when the budget is spent.
        """
        if self._on_progress is not None:
            self._on_progress(min(max(fraction, 0.0), 1.0), note)
        now = time.monotonic()
        reason = None
        if self._interrupted:
            reason = "interrupted by Ctrl-C"
        elif self.budget is not None and now - self._start > self.budget:
            reason = f"the budget of {self.budget:g} s is spent"
        if fraction >= 1.0 and not self._interrupted:
            return  # the work is done: let it be returned
        due = reason is not None or now - self._saved > self._every
        if state is not None and self.folder is not None and self.writes and due:
            self.save(state() if callable(state) else state)
        if reason is not None:
            kept = state is not None and self.folder is not None
            advice = "; run the same command again to continue." if kept else "."
            raise Stopped(f"{reason} after {100 * fraction:.0f} % of the work{advice}")

    @property
    def remaining(self) -> float:
        """Seconds of budget left (infinite without one)."""
        return np.inf if self.budget is None else self.budget - (time.monotonic() - self._start)

    def __enter__(self) -> Self:
        forget_peak()
        if threading.current_thread() is threading.main_thread():
            self._previous_handler = signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous_handler is not None:
            signal.signal(signal.SIGINT, self._previous_handler)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._interrupted:  # asked twice: do not wait for the end of the step
            raise KeyboardInterrupt
        self._interrupted = True

    # -- checkpoints ------------------------------------------------------------------------------
    @property
    def _checkpoint(self) -> Path | None:
        return None if self.folder is None else self.folder / "checkpoint.npz"

    def save(self, state: State) -> None:
        """Write the state, the log and the ledger so far, atomically."""
        assert self._checkpoint is not None and self.folder is not None
        plain: dict[str, Any] = {}
        meta = {"costs": self._ledger(), "plain": plain}
        arrays: dict[str, np.ndarray] = {f"log/{k}": np.asarray(v) for k, v in self.logged.items()}
        for key, value in state.items():
            if isinstance(value, (bool, int, float, str)) or value is None:
                plain[key] = value
            else:
                arrays[f"state/{key}"] = np.asarray(value)
        arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        temporary = self.folder / f"checkpoint-{os.getpid()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]
            os.replace(temporary, self._checkpoint)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise RunFailed(f"cannot write the checkpoint in {self.folder}: {error.strerror}.") from None
        self._saved = time.monotonic()

    def restore(self) -> dict[str, Any] | None:
        """The state last saved by an earlier, unfinished run of the same cell, or None."""
        if self._checkpoint is None or not self._checkpoint.exists():
            return None
        try:
            with np.load(self._checkpoint, allow_pickle=False) as archive:
                meta = json.loads(archive["meta"].tobytes())
                arrays = {key: archive[key] for key in archive.files if key != "meta"}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RunFailed(
                f"the checkpoint {self._checkpoint} cannot be read ({error}); use --fresh to start again."
            ) from None
        self.costs = dict(meta["costs"])
        self.logged = {k[4:]: list(v) for k, v in arrays.items() if k.startswith("log/")}
        state = {k[6:]: v for k, v in arrays.items() if k.startswith("state/")}
        return {**state, **meta["plain"]}

    # -- records ----------------------------------------------------------------------------------
    def log(self, **values: float) -> None:
        """Append one value to each named series; they end up in the result's history."""
        for key, value in values.items():
            self.logged.setdefault(key, []).append(float(value))

    def count(self, **amounts: float) -> None:
        """Add to the cost ledger: `run.count(rhs_evaluations=4)`."""
        for key, amount in amounts.items():
            self.costs[key] = self.costs.get(key, 0.0) + amount

    def took(self, kernel: str, path: str) -> None:
        """Record what computed a hot loop ("compiled", "triton", "numpy", "torch"); it ends up in the provenance."""
        self.paths[kernel] = path

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time a part of the work under `seconds_<name>`."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.count(**{f"seconds_{name}": time.monotonic() - start})

    def _ledger(self) -> dict[str, float]:
        ledger = dict(self.costs)
        ledger["seconds"] = ledger.get("seconds", 0.0) + time.monotonic() - self._start
        ledger["cpu_seconds"] = ledger.get("cpu_seconds", 0.0) + time.process_time() - self._cpu_start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        ledger["peak_bytes"] = max(ledger.get("peak_bytes", 0.0), float(peak))
        return ledger

    def ledger(self) -> dict[str, float]:
        """All costs so far, earlier parts of a resumed run included."""
        return self._ledger()

    def rng(self, stream: str) -> np.random.Generator:
        """A generator that depends on the seed and the stream's name only, so that resuming repeats it."""
        digest = hashlib.sha256(f"{self.seed}/{stream}".encode()).digest()
        return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))

    def torch_generator(self, stream: str) -> Any:
        """The same, as a torch generator on the CPU."""
        import torch

        return torch.Generator().manual_seed(int(self.rng(stream).integers(2**62)))

    def torch_dtype(self) -> Any:
        import torch

        return getattr(torch, self.dtype)


def forget_peak() -> None:
    """Let the process's peak memory start again from what it holds now, so that a run does not show what an earlier one
    used. Where the system cannot (it is Linux that can), the peak stays the process's."""
    with suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
