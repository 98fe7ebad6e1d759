"""torch's global random numbers, which layers draw their first weights from: borrowed, and given back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def borrowed(seed: int | None = None) -> Iterator[None]:
    """Inside they start from the seed, if there is one; afterwards they are as they were, on every card in use."""
    import torch

    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cards = list(range(torch.cuda.device_count())) if used else []
    with torch.random.fork_rng(devices=cards):
        if seed is not None:
            torch.manual_seed(seed)
        yield
