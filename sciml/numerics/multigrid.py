"""Multigrid for symmetric five-point operators on a rectangle (Trottenberg, Oosterlee & Schüller, Multigrid, 2001).

What computes is chosen here: C++ for a CPU with a compiler (`kernels.multigrid`), else tensors (`vcycle`), which are
Triton's on a card that has it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..kernels import multigrid as compiled

Array = NDArray[np.float64]
Fixed = tuple[bool, bool, bool, bool]  # whether u is given at the lower and upper end of x and of y


class Multigrid(Protocol):
    """What all paths offer; the meaning is told in `kernels.multigrid.Multigrid`. path: what computes, for the
    record."""

    depth: int
    size: float

    @property
    def path(self) -> str: ...
    def start(self, b: Array, x: Array) -> float: ...
    def cycle(self) -> float: ...
    def conjugate_step(self) -> float: ...
    def solution(self) -> Array: ...


def multigrid(
    ax: Array, by: Array, shift: Array | None, fixed: Fixed, pinned: bool = False, sweeps: int = 1, threads: int = 1,
    device: str = "cpu",
) -> Multigrid:  # fmt: skip
    if device == "cpu" and compiled.available():
        return compiled.Multigrid(ax, by, shift, fixed, pinned, sweeps, threads)
    from .vcycle import TensorMultigrid  # here: with a compiler nobody waits for triton

    return TensorMultigrid(ax, by, shift, fixed, pinned, sweeps, device)
