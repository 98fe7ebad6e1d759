"""Several processes at one training, started by torchrun: each takes its share of every batch."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as distributed


@dataclass(frozen=True)
class Processes:
    """rank of count; one alone talks to nobody."""

    rank: int = 0
    count: int = 1

    @classmethod
    def joined(cls, device: str) -> Processes:
        """All processes that torchrun started (it sets RANK and WORLD_SIZE), or this one alone."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count == 1:
            return cls()
        if not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
        return cls(distributed.get_rank(), count)

    def share(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """This process's samples: every count-th one."""
        return dict(batch) if self.count == 1 else {k: v[self.rank :: self.count] for k, v in batch.items()}

    def average(self, tensors: Iterable[torch.Tensor]) -> None:
        """Replace tensors by their means over all processes, in one message."""
        if self.count == 1:
            return
        tensors = list(tensors)
        flat = torch.cat([t.reshape(-1) for t in tensors])
        distributed.all_reduce(flat)
        flat /= self.count
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def any(self, flag: bool) -> bool:
        """Whether it holds in any process."""
        if self.count == 1:
            return flag
        told = torch.tensor([float(flag)])
        distributed.all_reduce(told)
        return bool(told.item())

    def first(self, number: int) -> int:
        """The first process's number, in all."""
        if self.count == 1:
            return number
        told = torch.tensor([number])
        distributed.broadcast(told, 0)
        return int(told.item())


def leads() -> bool:
    """Whether this process writes and speaks for all: the first one, or one alone."""
    return int(os.environ.get("RANK", "0")) == 0


def leave() -> None:
    """Wait until all processes are here, what the first one writes is written, and part."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()
