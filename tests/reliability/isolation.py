"""Judging many inputs in child processes: a crash, a hang or an unbounded allocation of one input is seen and counted.

A judge is called with the input's number and returns one word for what happened. It runs in a forked child under a limit
of memory; the parent waits for a word per input and starts a new child behind the input that killed the last one.
"""

from __future__ import annotations

import math
import os
import resource
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

READ, REFUSED = "read", "refused in one sentence"
FINE = (READ, REFUSED)
ENOUGH = "enough"
KEPT = 20  # of the hungriest inputs
_begun: dict[str, float] = {}


@dataclass
class Tally:
    """outcomes: word -> count. first: number of the first input with each word that is not fine."""

    outcomes: Counter[str] = field(default_factory=Counter)
    first: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    slowest_input: int = -1
    hungriest: list[tuple[int, int]] = field(default_factory=list)  # (bytes by which it raised its child's peak, input)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.outcomes.values())

    @property
    def largest(self) -> int:
        """Bytes, the most by which one input raised its child's peak."""
        return self.hungriest[0][0] if self.hungriest else 0

    @property
    def bad(self) -> dict[str, int]:
        return {word: number for word, number in self.outcomes.items() if word not in FINE}

    def note(self, index: int, word: str, seconds: float, grown: int) -> None:
        self.outcomes[word] += 1
        if word not in FINE:
            self.first.setdefault(word, index)
        self.hungriest = sorted([*self.hungriest, (grown, index)], reverse=True)[:KEPT]
        if seconds > self.slowest:
            self.slowest, self.slowest_input = seconds, index


def judged(
    judge: Callable[[int], str], indices: range, *, seconds: float = 30.0, memory: int = 2**30,
    on_bad: Callable[[int, str], None] | None = None, every: Callable[[Tally], None] | None = None,
    most_seconds: float = math.inf,
) -> Tally:  # fmt: skip
    """seconds: of computing (or twenty times as long of waiting) after which an input counts as a hang. memory: bytes that a child may map beyond what it starts with."""
    tally, started, at = Tally(), time.monotonic(), indices.start
    told: set[str] = set()

    def bad(index: int, word: str) -> None:
        if on_bad is not None and word not in told:
            told.add(word)
            on_bad(index, word)

    while at < indices.stop:
        reader, writer = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if not child:
            os.close(reader)
            _work(judge, range(at, indices.stop), writer, memory)
        os.close(writer)
        word = _listen(reader, child, seconds, tally, bad, every, started + most_seconds)
        os.close(reader)
        at += tally.count - (at - indices.start)  # how far it came
        if word == ENOUGH:
            break
        if word:
            tally.note(at, word, 0.0, 0)
            bad(at, word)
            at += 1
    tally.seconds = time.monotonic() - started
    return tally


def _listen(
    reader: int, child: int, seconds: float, tally: Tally, bad: Callable[[int, str], None],
    every: Callable[[Tally], None] | None, end: float,
) -> str:  # fmt: skip
    """Notes what the child says; how it ended, if it did not come to its end."""
    rest, busy, last = b"", 0.0, time.monotonic()
    while True:
        if not select.select([reader], [], [], 1.0)[0]:
            if _computed(child) - busy < seconds and time.monotonic() - last < 20 * seconds:
                continue
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"no answer within {seconds:g} s"
        busy, last = _computed(child), time.monotonic()
        said = os.read(reader, 65536)
        if not said:
            break
        if last > end:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return ENOUGH
        *lines, rest = (rest + said).split(b"\n")
        for line in lines:
            index, took, grown, word = line.decode().split(" ", 3)
            tally.note(int(index), word, float(took), int(grown))
            if word not in FINE:
                bad(int(index), word)
            if every is not None and tally.count % 1000 == 0:
                every(tally)
    _, status = os.waitpid(child, 0)
    return "" if not status else f"died of signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "exited"


def _work(judge: Callable[[int], str], indices: range, writer: int, memory: int) -> None:
    """In the child; does not return."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = _status("VmSize") + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for index in indices:
            made()
            try:
                word = judge(index)
            except Exception as error:
                word = f"{type(error).__name__}: {error}".replace("\n", " ")[:150]
            took = time.process_time() - _begun["seconds"]
            grown = max(_status("VmHWM") - int(_begun["bytes"]), 0)
            os.write(writer, f"{index} {took:.4f} {grown} {word}\n".encode(errors="replace"))
        code = 0
    finally:
        os._exit(code)


def made() -> None:
    """For a judge to call when it has made its input: what counts is what comes after it."""
    _forget_peak()
    _begun.update(bytes=_status("VmRSS"), seconds=time.process_time())


def _computed(child: int) -> float:
    """Seconds of processor time of a child."""
    with open(f"/proc/{child}/stat") as file:
        entries = file.read().rpartition(")")[2].split()
    return (int(entries[11]) + int(entries[12])) / os.sysconf("SC_CLK_TCK")


def _status(entry: str) -> int:
    """Bytes, of this process, as Linux counts them."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(entry + ":"):
                return int(line.split()[1]) * 1024
    raise LookupError(entry)


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
