"""Other people's code and ours in turn, on one machine in one run: the curve of theirs, the time of ours."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sciml import Problem, Run, UsageError, registry
from sciml.metrics.norms import relative_l2

# One thread for each side. XLA has a pool of its own.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "Agg",
}


@dataclass(frozen=True)
class Point:
    """seconds and cpu: spent on training so far, wall clock and processor."""

    seconds: float
    cpu: float
    error: float
    iteration: int
    phase: str


@dataclass(frozen=True)
class Result:
    """One of ours, run to its end: medians of the repeats, and the error."""

    name: str
    seconds: float
    cpu: float
    error: float


def peer(python: str, worker: str, points: np.ndarray, truth: np.ndarray, arguments: Sequence[str]) -> list[Point]:
    """Points that `peers/worker` printed under the interpreter `python`. points: (n, dimensions), truth: (n,)."""
    curve: list[Point] = []
    tail: deque[str] = deque(maxlen=15)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "target.npz")
        np.savez(target, points=points, truth=truth)
        command = [python, str(Path(__file__).with_name(worker)), str(target), *arguments]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | ONE_THREAD
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("POINT "):
                    curve.append(Point(**json.loads(line[6:])))
                    print(progress(curve[-1]), file=sys.stderr, flush=True)
                elif line.startswith("NOTE "):
                    print(line[5:].rstrip(), flush=True)
                else:
                    tail.append(line)
    if process.returncode != 0 or not curve:
        raise UsageError(f"{worker} failed under {python}:\n{''.join(tail)}")
    return curve


def progress(point: Point) -> str:
    return f"{point.seconds:8.1f} s  {point.phase:>8} {point.iteration:6d}  error {point.error:.3e}"


def ours(name: str, problem: Problem, truth: np.ndarray, repeats: int, **options: Any) -> Result:
    """Defaults unless `options`; importing torch is on neither side's clock."""
    torch.set_num_threads(1)
    seconds, cpu = [], []
    for _ in range(repeats):
        began, processor = time.monotonic(), time.process_time()
        solution = registry.get_solver(name).build(**options).solve(problem, Run())
        seconds.append(time.monotonic() - began)
        cpu.append(time.process_time() - processor)
    label = " ".join([name, *(f"{key}={value:g}" for key, value in options.items())])
    error = relative_l2(solution.values["u"], truth)
    result = Result(label, statistics.median(seconds), statistics.median(cpu), error)
    print(f"{result.seconds:8.1f} s  {label}  error {error:.3e}", file=sys.stderr, flush=True)
    return result


def first_below(curve: Sequence[Point], level: float) -> Point | None:
    return next((point for point in curve if point.error <= level), None)


def best(curve: Sequence[Point]) -> Point:
    return min(curve, key=lambda point: point.error)
