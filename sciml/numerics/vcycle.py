"""V-cycles and conjugate gradients on tensors: the algorithm, level for level and colour for colour, of
native/multigrid.cpp. On a card Triton computes, elsewhere torch.

Inside a cycle or step nothing leaves the device but the norm it answers with.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from ..kernels import dispatch
from ..kernels.fused.conjugate import advance, curvature
from ..kernels.fused.multigrid import five_point
from .hierarchy import Level, levels, unknown
from .multigrid import Array, Fixed


class TensorMultigrid:
    """As `kernels.multigrid.Multigrid`. x, f, r and what else is called so: (1, n, m), where u is unknown."""

    def __init__(
        self, ax: Array, by: Array, shift: Array | None, fixed: Fixed, pinned: bool = False, sweeps: int = 1,
        device: str = "cpu",
    ) -> None:  # fmt: skip
        self.device, self.sweeps, self.size, self.fixed = device, sweeps, 0.0, fixed
        self.shape = (by.shape[0], ax.shape[1])
        rest = None if shift is None else self._tensor(shift)
        self.levels = levels(self._tensor(ax), self._tensor(by), rest, fixed)
        self.depth = len(self.levels)
        self.inverse = _inverse(self.levels[-1], pinned)
        self.direction: Tensor | None = None
        self.before: Tensor | None = None

    @property
    def path(self) -> str:
        """What computes, for the record."""
        told = dispatch.path(self.levels[0].kx, self.levels[0].ky)
        return told if told.startswith("triton") or self.device != "cpu" else "torch"

    def start(self, b: Array, x: Array) -> float:
        self.f, self.x = self._inner(b), self._inner(x)
        self.r, self.direction = self._residual(), None
        self.size = float(torch.linalg.vector_norm(self.levels[0].diagonal() * self.x))
        return float(torch.linalg.vector_norm(self.r))

    def cycle(self) -> float:
        assert self.direction is None, "cycles come before conjugate steps"
        self.x = self._descend(0, self.f, self.x)
        self.r = self._residual()
        return float(torch.linalg.vector_norm(self.r))

    def conjugate_step(self) -> float:
        top = self.levels[0]
        z = self._descend(0, self.r, None)
        product = torch.dot(self.r.reshape(-1), z.reshape(-1))
        if self.direction is not None and self.before is not None:
            z = torch.addcmul(z, _ratio(product, self.before), self.direction)
        image, curved = curvature(z, top.kx, top.ky, top.shift)
        self.direction, self.before = z, product
        self.x, self.r, square = advance(self.x, self.r, z, image, _ratio(product, curved))
        return float(square[0].sqrt())

    def solution(self) -> Array:
        (low, high), (left, right) = unknown(self.shape, self.fixed)
        return np.array(pad(self.x[0], (left, self.shape[1] - right, low, self.shape[0] - high)).cpu())

    def _descend(self, k: int, f: Tensor, u: Tensor | None) -> Tensor:
        """The cycle from level k down and up again; u None: from zero."""
        level = self.levels[k]
        if k == self.depth - 1:
            return (self.inverse @ f.reshape(-1)).reshape(f.shape)
        u = level.relaxed(u, f, None, True, self.sweeps)
        e = self._descend(k + 1, level.restricted(u, f), None)
        return level.relaxed(u, f, e, False, self.sweeps)

    def _residual(self) -> Tensor:
        top = self.levels[0]
        return self.f - five_point(self.x, top.kx, top.ky, top.shift)

    def _tensor(self, values: Array) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.device)

    def _inner(self, values: Array) -> Tensor:
        rows, columns = unknown(self.shape, self.fixed)
        return self._tensor(np.ascontiguousarray(values[slice(*rows), slice(*columns)]))[None]


def _ratio(a: Tensor, b: Tensor) -> Tensor:
    """a / b, or 0 where b is not positive: after rounding is all that is left."""
    return torch.where(b > 0, a / b, 0.0)


def _inverse(level: Level, pinned: bool) -> Tensor:
    """Of a level's matrix, for its few unknowns: applied, it is one product. pinned: one vertex is held at 0."""
    matrix = level.matrix()
    if pinned:
        matrix[0] = matrix[:, 0] = 0.0
        matrix[0, 0] = 1.0
    found = torch.cholesky_inverse(torch.linalg.cholesky(matrix))
    if pinned:
        found[0] = 0.0
    return found
