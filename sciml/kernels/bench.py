"""How fast the registered kernels are: bytes per second against a copy of as many bytes, measured beside them.

A kernel that reads and writes each number once can at best be as fast as a copy that moves the same bytes (half read,
half written). Times are medians of repeated calls in steady state, compilation left out; caches are not emptied, for
the copy neither. Every path sees the same arguments.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from . import dispatch
from .fused.language import triton
from .registry import Kernel, kernels

SIZES = {"cpu": (100_000, 1_000_000), "cuda": (100_000, 1_000_000, 10_000_000, 40_000_000)}  # numbers a kernel moves
SAMPLES, SAMPLE_SECONDS = 7, 0.02


@dataclass
class Measured:
    """One kernel at one size. seconds: of a call, by path ("copy", "triton", "eager", "compiled"); missing: why a path
    has none."""

    kernel: str
    numbers: int
    bytes: int
    flops: int
    seconds: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def of_copy(self, path: str) -> float | None:
        """Achieved share of the copy's bytes per second."""
        return self.seconds["copy"] / self.seconds[path] if path in self.seconds else None

    def record(self) -> dict[str, Any]:
        achieved = {path: self.bytes / s for path, s in self.seconds.items()}
        shares = {path: self.of_copy(path) for path in self.seconds if path != "copy"}
        return {**asdict(self), "bytes_per_second": achieved, "share_of_copy": shares}


def measure(
    device: str, dtype: torch.dtype, sizes: Sequence[int], budget: float, only: str = "",
    on_progress: Callable[[float, str], None] = lambda fraction, text: None,
) -> list[Measured]:  # fmt: skip
    """All kernels whose name holds `only` at all sizes; torch.compile last, the largest size first, while the budget
    (in seconds) lasts: it compiles anew for each size."""
    start = time.monotonic()
    chosen = [kernel for name, kernel in kernels().items() if only in name]
    plan = [(kernel, n) for n in sizes for kernel in chosen]
    rows: list[Measured] = []
    for kernel, n in plan:
        on_progress(len(rows) / (2 * len(plan)), f"{kernel.name}, {n:.0e} numbers")
        rows.append(_direct(kernel, n, device, dtype, start + budget))
    for done, row in enumerate(sorted(rows, key=lambda r: -r.numbers)):
        on_progress((len(plan) + done) / (2 * len(plan)), f"torch.compile: {row.kernel}, {row.numbers:.0e} numbers")
        _compiled(kernels()[row.kernel], row, device, dtype, start + budget)
    return rows


def _direct(kernel: Kernel, n: int, device: str, dtype: torch.dtype, deadline: float) -> Measured:
    arguments = kernel.make(kernel.sized(n), dtype, device, 0)
    row = Measured(kernel.name, n, kernel.bytes(*arguments), kernel.flops(*arguments))
    source = torch.zeros(max(1, row.bytes // 2), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    paths: dict[str, Callable[[], Any]] = {"copy": lambda: target.copy_(source)}
    paths["eager"] = lambda: kernel.reference(*arguments)
    if device.startswith("cuda") and triton is not None and not dispatch.interpreted():
        paths["triton"] = lambda: kernel.triton(*arguments)
    else:
        row.missing["triton"] = "triton is not installed" if triton is None else f"it needs a CUDA device, not {device}"
    for path, call in paths.items():
        if path != "copy" and time.monotonic() > deadline:
            row.missing[path] = "the budget was spent"
        else:
            row.seconds[path] = seconds(call, device)
    return row


def _compiled(kernel: Kernel, row: Measured, device: str, dtype: torch.dtype, deadline: float) -> None:
    if time.monotonic() > deadline:
        row.missing["compiled"] = "the budget was spent"
        return
    arguments = kernel.make(kernel.sized(row.numbers), dtype, device, 0)
    torch.compiler.reset()
    compiled = torch.compile(kernel.reference, dynamic=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what the compiler cannot fuse shows in the times
            row.seconds["compiled"] = seconds(lambda: compiled(*arguments), device)
    except Exception as error:  # whatever torch.compile cannot do is a finding, kept in the record
        row.missing["compiled"] = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"[:200]


def seconds(call: Callable[[], Any], device: str) -> float:
    """Median over samples of about SAMPLE_SECONDS each, after two calls that are not counted."""
    with torch.no_grad():
        call()
        once = max(_elapsed(call, 1, device), 1e-7)
        repeat = max(1, min(1000, int(SAMPLE_SECONDS / once)))
        return statistics.median(_elapsed(call, repeat, device) / repeat for _ in range(SAMPLES if once < 1 else 1))


def _elapsed(call: Callable[[], Any], repeat: int, device: str) -> float:
    if not device.startswith("cuda"):
        start = time.perf_counter()
        for _ in range(repeat):
            call()
        return time.perf_counter() - start
    with torch.cuda.device(device):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        first.record()
        for _ in range(repeat):
            call()
        last.record()
        last.synchronize()
        return float(first.elapsed_time(last)) / 1000
