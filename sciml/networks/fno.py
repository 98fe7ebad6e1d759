"""The Fourier neural operator: functions on a uniform grid to functions on the same grid.

Li et al., "Fourier neural operator for parametric partial differential equations", ICLR 2021 (arXiv 2010.08895).
With F the discrete Fourier transform and R_k a complex matrix for every kept wavenumber k (eq. 4 and 5 there),

    v_0 = P(a, x),   v_{l+1} = gelu(W_l v_l + F^-1(R_k F v_l)),   u = Q(v_L),      no gelu after the last layer.

P is one affine map, Q two with a gelu between. A transform wraps around: an axis with ends is continued by zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor, nn

from sciml.errors import UsageError

HIDDEN = 128  # width inside Q, as published
PADDING = 0.11  # share of the grid appended to an axis with ends: 9 points of 85 in the published Darcy runs


class Pointwise(nn.Linear):
    """An affine map of channels at every point: (batch, in, *grid) to (batch, out, *grid)."""

    def forward(self, x: Tensor) -> Tensor:
        flat = torch.matmul(self.weight, x.flatten(2)) + self.bias[:, None]
        return flat.reshape(len(x), -1, *x.shape[2:])


class SpectralConvolution(nn.Module):
    """F^-1(R_k F v) over the lowest wavenumbers: |k| < modes on the last axis, -modes <= k < modes on the others.

    weights: (blocks, *modes, in, out, 2), real and imaginary part last; a block for each sign of the wavenumbers on all
    axes but the last (a real field needs only k >= 0 there).
    """

    def __init__(self, width: int, modes: Sequence[int]) -> None:
        super().__init__()
        self.modes = tuple(modes)
        blocks = 2 ** (len(self.modes) - 1)
        scale = 1.0 / width**2  # published: uniform on [0, 1/width^2)
        self.weights = nn.Parameter(scale * torch.rand(blocks, *self.modes, width, width, 2))

    def forward(self, v: Tensor) -> Tensor:
        """(batch, width, *grid) to the same shape."""
        grid, axes = v.shape[2:], tuple(range(2, v.ndim))
        for n, m in zip(grid, self.modes, strict=True):
            if 2 * m > n:
                raise UsageError(f"fno: {m} modes need at least {2 * m} points along an axis, there are {n}.")
        spectrum = torch.fft.rfftn(v, dim=axes)
        weights = torch.view_as_complex(self.weights)
        out = torch.zeros_like(spectrum)
        halves = [(slice(0, m), slice(-m, None)) for m in self.modes[:-1]]
        for block, corner in zip(weights, product(*halves), strict=True):
            kept = (slice(None), slice(None), *corner, slice(0, self.modes[-1]))
            rows = spectrum[kept].movedim((0, 1), (-2, -1))  # (*modes, batch, in)
            out[kept] = torch.matmul(rows, block).movedim((-2, -1), (0, 1))
        field: Tensor = torch.fft.irfftn(out, s=grid, dim=axes)
        return field


class FNO(nn.Module):
    """(batch, inputs, *grid) to (batch, outputs, *grid), on any grid that has 2 modes points along every axis.

    modes: kept wavenumbers, one number or one an axis. periodic: one answer or one an axis; an axis that is not
    periodic is continued by zeros over PADDING of its size. coordinates: the point's position in [0, 1) or [0, 1] is
    appended to the inputs; without it, and on periodic axes only, the operator commutes with shifts.
    """

    def __init__(
        self,
        dim: int,
        inputs: int = 1,
        outputs: int = 1,
        *,
        modes: int | Sequence[int] = 12,
        width: int = 32,
        layers: int = 4,
        coordinates: bool = True,
        periodic: bool | Sequence[bool] = False,
    ) -> None:
        super().__init__()
        if dim not in (1, 2, 3):
            raise UsageError(f"fno: works in 1, 2 or 3 dimensions, not {dim}.")
        each = (modes,) * dim if isinstance(modes, int) else tuple(modes)
        self.periodic = (periodic,) * dim if isinstance(periodic, bool) else tuple(periodic)
        if len(each) != dim or len(self.periodic) != dim:
            raise UsageError(f"fno: modes and periodic need {dim} entries, one for each axis.")
        self.coordinates = coordinates
        self.lift = Pointwise(inputs + dim * coordinates, width)
        self.spectral = nn.ModuleList(SpectralConvolution(width, each) for _ in range(layers))
        self.local = nn.ModuleList(Pointwise(width, width) for _ in range(layers))
        self.hidden = Pointwise(width, HIDDEN)
        self.head = Pointwise(HIDDEN, outputs)

    def positions(self, u: Tensor) -> Tensor:
        """Coordinates of the points, (batch, dim, *grid)."""
        lines = [
            torch.linspace(0, 1 - 1 / n if wraps else 1, n, dtype=u.dtype, device=u.device)
            for n, wraps in zip(u.shape[2:], self.periodic, strict=True)
        ]
        return torch.stack(torch.meshgrid(*lines, indexing="ij")).expand(len(u), *(-1,) * (u.ndim - 1))

    def forward(self, u: Tensor) -> Tensor:
        if self.coordinates:
            u = torch.cat([u, self.positions(u)], dim=1)
        v: Tensor = self.lift(u)
        grid = v.shape[2:]
        extra = [0 if wraps else round(PADDING * n) for n, wraps in zip(grid, self.periodic, strict=True)]
        if any(extra):
            v = nn.functional.pad(v, [side for n in reversed(extra) for side in (0, n)])
        last = len(self.spectral) - 1
        for index, (spectral, local) in enumerate(zip(self.spectral, self.local, strict=True)):
            v = spectral(v) + local(v)
            v = v if index == last else nn.functional.gelu(v)
        for axis, n in enumerate(grid):
            v = v.narrow(2 + axis, 0, n)
        answer: Tensor = self.head(nn.functional.gelu(self.hidden(v)))
        return answer
