"""What workers of one machine share: its cores and its GPUs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import UsageError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus(device: str, named: str = "") -> tuple[str, ...]:
    """As CUDA_VISIBLE_DEVICES names them: `named`, with commas; else those that this process sees. None for a CPU.

    Raises UsageError for one GPU by its number, which would be all workers', and where there is none.
    """
    if device == "cpu":
        if named:
            raise UsageError("GPUs are named, but --device is cpu.")
        return ()
    if device != "cuda":
        raise UsageError(f"workers get a GPU each: say --device cuda instead of {device}, and name GPUs by gpus=0,1.")
    seen = named or os.environ.get(VISIBLE, "")
    if seen:
        return tuple(name.strip() for name in seen.split(",") if name.strip())
    import torch

    count = torch.cuda.device_count()
    if not count:
        raise UsageError("there is no CUDA device here; use --device cpu.")
    return tuple(str(index) for index in range(count))


def environments(workers: int, found: Sequence[str], processes: int = 1) -> list[dict[str, str]]:
    """Of each worker: a GPU for each of its processes, in turn, and their share of the cores, unless OMP_NUM_THREADS
    says otherwise."""
    threads = os.environ.get("OMP_NUM_THREADS", str(max(1, cores() // (workers * processes))))
    shared = {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": os.environ.get("OMP_WAIT_POLICY", "PASSIVE")}
    if not found:
        return [shared] * workers
    mine = [[found[i % len(found)] for i in range(w * processes, (w + 1) * processes)] for w in range(workers)]
    return [shared | {VISIBLE: ",".join(names)} for names in mine]
