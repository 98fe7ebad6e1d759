"""Arguments for the cases of the registry, and their sizes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Numbers:
    """Normal numbers of a seed, representable in float32, as tensors of `dtype` (or its complex counterpart)."""

    def __init__(self, dtype: torch.dtype, device: str, seed: int) -> None:
        self.dtype, self.device = dtype, device
        self.generator = torch.Generator().manual_seed(seed)

    def real(self, *shape: int) -> Tensor:
        made = torch.randn(shape, generator=self.generator, dtype=torch.float32)
        return made.to(device=self.device, dtype=self.dtype)

    def complex(self, *shape: int) -> Tensor:
        return torch.view_as_complex(self.real(*shape, 2))


def moved(parts: Iterable[Any]) -> int:
    """Bytes of all the tensors in nested tuples."""
    total = 0
    for part in parts:
        if isinstance(part, Tensor):
            total += part.numel() * part.element_size()
        elif isinstance(part, tuple):
            total += moved(part)
    return total
