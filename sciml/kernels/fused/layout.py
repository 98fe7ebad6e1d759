"""Where the stored modes of a periodic equation lie in the spectrum that an FFT reads or leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

Terms = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Layout:
    """Of one equation on one grid, one to three axes.

    modes: (2K+1, …, K+1) as in a real FFT without the Nyquist mode. grid: points, each axis at least 2K+1.
    inner: (atom, field, row): the atom's spectrum sums the field's, times that row of symbols (-1: as it is).
    outer: (field, product, row) likewise.
    """

    modes: tuple[int, ...]
    grid: tuple[int, ...]
    fields: int
    atoms: int
    products: int
    inner: Terms
    outer: Terms

    @property
    def spectrum(self) -> tuple[int, ...]:
        """Shape that `irfftn` reads: (n, …, n/2+1)."""
        return (*self.grid[:-1], self.grid[-1] // 2 + 1)

    @property
    def highest(self) -> tuple[int, int, int]:
        """K of three axes; missing ones hold one mode."""
        own = (*(m // 2 for m in self.modes[:-1]), self.modes[-1] - 1)
        return (*([0] * (3 - len(own))), *own)  # type: ignore[return-value]

    @property
    def padded(self) -> tuple[int, int, int]:
        """`spectrum` with three axes."""
        return (*([1] * (3 - len(self.modes))), *self.spectrum)  # type: ignore[return-value]

    @cached_property
    def count(self) -> int:
        return math.prod(self.modes)

    @cached_property
    def length(self) -> int:
        return math.prod(self.spectrum)

    def places(self, device: torch.device) -> Tensor:
        """Of each stored mode in the flattened spectrum, (modes,)."""
        result = torch.zeros(1, dtype=torch.int64, device=device)
        for k, n, full in zip(self.highest, self.padded, (True, True, False), strict=True):
            own = torch.arange(k + 1, device=device)
            if full:
                own = torch.cat([own, torch.arange(n - k, n, device=device)])
            result = (result[:, None] * n + own).reshape(-1)
        return result
