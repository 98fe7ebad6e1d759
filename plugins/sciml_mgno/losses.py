"""Training losses: errors relative to each sample's target, averaged over the batch.

`l2` and `h1` are the norms of `sciml.metrics.sobolev`, in torch. `h1-dft` is the published one (He, Liu & Xu 2024): the
DFT of the fields whether periodic or not, integer wavenumbers, only |k_i| < 20 kept, weights sqrt(1 + kx^2 + ky^2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sciml.metrics.sobolev import weights
from sciml.problem import Axis

KEPT = 20  # wavenumbers of the published loss
Name = Literal["l2", "h1", "h1-dft"]
Square = Callable[[Tensor], Tensor]  # (batch, channels, y, x) to (batch,)


def _lines(axes: Sequence[Axis]) -> list[Tensor]:
    return [torch.as_tensor(weights(a.size, a.length, a.periodic)) for a in axes]


def _weighed(u: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Sum over channels and points of u^2, with weights along both axes."""
    return torch.einsum("bcxy,x,y->b", u.square(), first.to(u), second.to(u))


def l2_square(axes: Sequence[Axis]) -> Square:
    """||u||^2 of each sample."""
    first, second = _lines(axes)
    return lambda u: _weighed(u, first, second)


def h1_square(axes: Sequence[Axis]) -> Square:
    """||u||^2 + ||grad u||^2 of each sample."""
    lines = _lines(axes)

    def square(u: Tensor) -> Tensor:
        total = _weighed(u, *lines)
        for index, axis in enumerate(axes):
            w = list(lines)
            if axis.periodic:
                k = 2 * np.pi * torch.fft.fftfreq(axis.size, axis.length / axis.size, dtype=torch.float64)
                slope = torch.fft.fft(u, dim=2 + index, norm="forward").abs()
                w[index] = axis.length * k**2
            else:
                slope = u.diff(dim=2 + index)
                w[index] = torch.full((axis.size - 1,), (axis.size - 1) / axis.length)
            total = total + _weighed(slope, *w)
        return total

    return square


def h1_dft_square() -> Square:
    """The published norm, squared, of each sample."""

    def square(u: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(u)
        rows, columns = u.shape[2:]
        kx = torch.fft.fftfreq(rows, 1 / rows).to(u).abs()[:, None]
        ky = torch.arange(columns // 2 + 1).to(u)
        twice = torch.full_like(ky, 2.0)  # wavenumbers of both signs
        twice[0] = 1.0
        kept = (kx < KEPT) & (ky < KEPT)
        weight = torch.where(kept, (1 + kx**2 + ky**2) * twice, 0.0)
        total: Tensor = (spectrum.abs().square() * weight).sum((1, 2, 3))
        return total

    return square


def square_of(name: Name, axes: Sequence[Axis]) -> Square:
    """The norm, squared, that a loss is made of."""
    return {"l2": l2_square(axes), "h1": h1_square(axes), "h1-dft": h1_dft_square()}[name]


def relative(square: Square, value: Tensor, target: Tensor) -> Tensor:
    """||value - target|| / ||target|| of each sample, (batch,)."""
    return (square(value - target) / square(target)).sqrt()
