"""What integrators ask of a system of ordinary differential equations, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


class System(Protocol):
    """y' = rate(y, t)."""

    def rate(self, y: Tensor, t: float) -> Tensor: ...

    def jacobian(self, y: Tensor | None, t: float) -> Tensor:
        """∂rate/∂y; None: at y = 0."""


@dataclass(frozen=True)
class Step:
    """The new y; whether the stage equations were solved; how often `rate` was called."""

    y: Tensor
    converged: bool
    evaluations: int
