"""What several checks look at: runs that are stopped on purpose, and what is global in a process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..run import Run


class StopAfter(Run):
    """Counts the steps; behaves as if Ctrl-C were pressed before step `limit` (0: never)."""

    def __init__(self, limit: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.limit, self.calls = limit, 0

    def step(self, fraction: float, state: Any = None, note: str = "") -> None:
        self.calls += 1
        self._interrupted = self.calls == self.limit
        super().step(fraction, state, note)


@contextmanager
def global_random_numbers(seed: int) -> Iterator[None]:
    """Seeds the generators that everything shares; afterwards they are as they were."""
    import random

    import torch

    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def global_state() -> dict[str, Any]:
    """By what a person would call it."""
    import random
    import warnings

    import torch

    return {
        "torch's default precision": torch.get_default_dtype(), "torch's threads": torch.get_num_threads(),
        "torch's random numbers": torch.get_rng_state().numpy().tobytes(),
        "numpy's random numbers": np.random.get_state()[1].tobytes(),  # type: ignore[index]
        "Python's random numbers": random.getstate(), "numpy's handling of errors": np.geterr(),
        "torch's gradient mode": torch.is_grad_enabled(), "warning filters": tuple(map(str, warnings.filters)),
        "the working folder": os.getcwd(), "the environment": dict(os.environ),
    }  # fmt: skip


def changed(before: dict[str, Any]) -> list[str]:
    """What is no longer as it was."""
    return [name for name, value in global_state().items() if value != before[name]]
