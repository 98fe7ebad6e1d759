"""The grids of a multigrid hierarchy as tensors, and what is done on one of them by `kernels.fused`, which chooses
between Triton and torch by the device.

Links: ax (nx-1, ny), by (nx, ny-1), fluxes between neighbouring vertices for a difference of one; shift (nx, ny) or
None. A level keeps only the (n, m) vertices where u is unknown, a rectangle, in the arrays of
`kernels.fused.grid_level`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..kernels.fused.grid_level import diagonal_of
from ..kernels.fused.relaxation import relax
from ..kernels.fused.transfer import restrict_residual
from .multigrid import Fixed

UNKNOWNS = 80  # up to which a grid is solved directly


@dataclass
class Level:
    """kx: (n+1, m), ky: (n, m+1), shift: (n, m) or None; first: see `kernels.fused.grid_level`; u, f: (1, n, m)."""

    kx: Tensor
    ky: Tensor
    shift: Tensor | None
    first: tuple[int, int]

    @classmethod
    def of(cls, ax: Tensor, by: Tensor, shift: Tensor | None, fixed: Fixed) -> Level:
        (low, high), (left, right) = unknown((by.shape[0], ax.shape[1]), fixed)
        kx = pad(ax, (0, 0, 1, 1))[low : high + 1, left:right].contiguous()
        ky = pad(by, (1, 1))[low:high, left : right + 1].contiguous()
        return cls(kx, ky, None if shift is None else shift[low:high, left:right].contiguous(), (low, left))

    def diagonal(self) -> Tensor:
        return diagonal_of(self.kx, self.ky, self.shift)

    def relaxed(self, u: Tensor | None, f: Tensor, e: Tensor | None, red: bool, sweeps: int) -> Tensor:
        """Sweeps from u + P e (None: zero); red: whether vertices whose two places sum to an even number come first."""
        colour = (sum(self.first) + (not red)) % 2
        return relax(u, f, self.kx, self.ky, self.shift, e, self.first, colour, 2 * sweeps)

    def restricted(self, u: Tensor, f: Tensor) -> Tensor:
        return restrict_residual(u, f, self.kx, self.ky, self.shift, self.first)

    def matrix(self) -> Tensor:
        """A, (n m, n m)."""
        diagonal = self.diagonal()
        found, number = diagonal.reshape(-1).diag(), torch.arange(diagonal.numel(), device=diagonal.device)
        number = number.reshape(diagonal.shape)
        for one, other, k in (
            (number[1:], number[:-1], self.kx[1:-1]), (number[:, 1:], number[:, :-1], self.ky[:, 1:-1])
        ):  # fmt: skip
            found[one, other] = found[other, one] = -k
        return found


def unknown(shape: tuple[int, int], fixed: Fixed) -> tuple[tuple[int, int], tuple[int, int]]:
    """Along both axes the first vertex where u is unknown, and the one behind the last."""
    return (int(fixed[0]), shape[0] - fixed[1]), (int(fixed[2]), shape[1] - fixed[3])


def levels(ax: Tensor, by: Tensor, shift: Tensor | None, fixed: Fixed) -> list[Level]:
    """From the given grid down to one that has few unknowns or cannot be halved."""
    found = [Level.of(ax, by, shift, fixed)]
    while True:
        nx, ny = by.shape[0], ax.shape[1]
        if not (nx % 2 and ny % 2 and min(nx, ny) > 4 and found[-1].diagonal().numel() > UNKNOWNS):
            return found
        ax, by = _weighted(_series(ax[0::2], ax[1::2]), 1), _weighted(_series(by[:, 0::2], by[:, 1::2]), 0)
        shift = None if shift is None else _weighted(_weighted(shift, 0), 1)
        found.append(Level.of(ax, by, shift, fixed))


def _series(a: Tensor, b: Tensor) -> Tensor:
    """Links in a row are resistances in series; those side by side, which `_weighted` adds, conductances."""
    return a * b / (a + b)


def _weighted(values: Tensor, axis: int) -> Tensor:
    """Every second value plus half of its neighbours, along an axis: the transpose of linear interpolation."""
    moved = pad(values.movedim(axis, -1), (1, 1))
    return (moved[..., 1:-1:2] + 0.5 * (moved[..., :-2:2] + moved[..., 2::2])).movedim(-1, axis)
