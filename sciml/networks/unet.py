"""The modern U-Net of PDE-Refiner on periodic or zero-padded grids of one or two axes.

Lippe et al., PDE-Refiner, NeurIPS 2023 (arXiv 2308.05732), appendix D; the layout is that of the "modern U-Net" of
Gupta & Brandstetter (arXiv 2209.15616). Width h, multipliers (m_1, …, m_L): level l has h·m_1⋯m_l channels.

    stem      conv 3, in -> h
    down      per level: `blocks` residual blocks, then (but after the last level) a convolution of stride 2
    middle    two residual blocks
    up        per level: `blocks` + 1 residual blocks, each fed with one stored state of the way down beside its input;
              then (but after the first level) a transposed convolution of 4 taps and stride 2
    head      GroupNorm(8), GELU, conv 3 -> out, zero at the start

    residual block   x + conv3⁰(GELU(GN(conv3(GELU(GN(x))) + W e))),   e the embedding, conv3⁰ zero at the start,
                     GN over all channels and places of one sample; a 1x1 convolution of x where channels change

The embedding e, of 4h entries, is the sum of one two-layer perceptron for the noise level and one for each physical
parameter, all reading sines and cosines of their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

LONGEST = 10_000.0  # longest period of the sines, in units of the number that is embedded


class UNet(nn.Module):
    """(B, in_channels, *grid), level (B,), parameters (B, P) -> (B, out_channels, *grid).

    Every axis of the grid must divide by 2^(levels - 1). `padding`: circular, or zeros outside the grid.
    """

    def __init__(
        self,
        dim: int,
        in_channels: int,
        out_channels: int,
        *,
        width: int = 64,
        multipliers: Sequence[int] = (1, 2, 2, 4),
        blocks: int = 2,
        parameters: int = 2,
        padding: str = "circular",
    ) -> None:
        super().__init__()
        if dim not in (1, 2) or padding not in ("circular", "zeros"):
            raise ValueError("the U-Net has one or two axes; its padding is circular or zeros")
        if width % 8:
            raise ValueError("the width must be a multiple of 8")
        self.coarsening = 2 ** (len(multipliers) - 1)
        self.width = width
        self.level = _perceptron(width, 4 * width)
        self.parameter = nn.ModuleList(_perceptron(width, 4 * width) for _ in range(parameters))

        def block(entering: int, leaving: int) -> Block:
            return Block(dim, entering, leaving, 4 * width, padding)

        self.stem = Convolution(dim, in_channels, width, padding)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        channels, stored = width, [width]
        for place, multiplier in enumerate(multipliers):
            entering, channels = channels, channels * multiplier
            for turn in range(blocks):
                self.down.append(block(channels if turn else entering, channels))
                stored.append(channels)
            if place < len(multipliers) - 1:
                self.down.append(Convolution(dim, channels, channels, padding, stride=2))
                stored.append(channels)
        self.middle = nn.ModuleList([block(channels, channels), block(channels, channels)])
        for place in reversed(range(len(multipliers))):
            for turn in range(blocks + 1):
                beside = stored.pop()
                leaving = beside if turn == blocks else channels
                self.up.append(block(channels + beside, leaving))
                channels = leaving
            if place:
                self.up.append(Transposed(dim, channels, padding))
        self.norm = nn.GroupNorm(8, channels)
        self.head = Convolution(dim, channels, out_channels, padding).zero()

    def embedding(self, level: Tensor, parameters: Tensor) -> Tensor:
        """(B, 4h): the sum over noise level and parameters, activated once for all blocks."""
        total = self.level(waves(level, self.width))
        for place, perceptron in enumerate(self.parameter):
            total = total + perceptron(waves(parameters[:, place], self.width))
        return functional.gelu(total)

    def forward(self, x: Tensor, level: Tensor, parameters: Tensor) -> Tensor:
        embedding = self.embedding(level, parameters)
        x = self.stem(x)
        stored = [x]
        for part in self.down:
            x = part(x, embedding) if isinstance(part, Block) else part(x)
            stored.append(x)
        for part in self.middle:
            x = part(x, embedding)
        for part in self.up:
            x = part(torch.cat([x, stored.pop()], 1), embedding) if isinstance(part, Block) else part(x)
        result: Tensor = self.head(functional.gelu(self.norm(x)))
        return result


class Block(nn.Module):
    """The residual block of the module's docstring."""

    def __init__(self, dim: int, entering: int, leaving: int, embedding: int, padding: str) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.GroupNorm(1, entering), nn.GroupNorm(1, leaving)
        self.conv1 = Convolution(dim, entering, leaving, padding)
        self.conv2 = Convolution(dim, leaving, leaving, padding).zero()
        self.shift = nn.Linear(embedding, leaving)
        self.skip = nn.Identity() if entering == leaving else Convolution(dim, entering, leaving, padding, taps=1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        inner = self.conv1(functional.gelu(self.norm1(x)))
        inner = inner + self.shift(embedding).reshape(*inner.shape[:2], *[1] * (inner.dim() - 2))
        result: Tensor = self.skip(x) + self.conv2(functional.gelu(self.norm2(inner)))
        return result


class Convolution(nn.Module):
    """Three taps (or one) on each axis, with or without stride 2; the grid is padded once, by copies or zeros."""

    def __init__(
        self, dim: int, entering: int, leaving: int, padding: str, *, taps: int = 3, stride: int = 1
    ) -> None:
        super().__init__()
        self.dim, self.stride, self.around, self.circular = dim, stride, taps // 2, padding == "circular"
        layer = (nn.Conv1d if dim == 1 else nn.Conv2d)(entering, leaving, taps)
        self.weight, self.bias = layer.weight, layer.bias

    def zero(self) -> Convolution:
        nn.init.zeros_(self.weight)
        assert self.bias is not None
        nn.init.zeros_(self.bias)
        return self

    def forward(self, x: Tensor) -> Tensor:
        convolve = functional.conv1d if self.dim == 1 else functional.conv2d
        if self.circular and self.around:
            return convolve(wrapped(x, self.dim), self.weight, self.bias, stride=self.stride)
        return convolve(x, self.weight, self.bias, stride=self.stride, padding=self.around)


class Transposed(nn.Module):
    """Four taps, stride 2: twice as many points on every axis."""

    def __init__(self, dim: int, channels: int, padding: str) -> None:
        super().__init__()
        self.dim, self.circular = dim, padding == "circular"
        layer = (nn.ConvTranspose1d if dim == 1 else nn.ConvTranspose2d)(channels, channels, 4)
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, x: Tensor) -> Tensor:
        spread = functional.conv_transpose1d if self.dim == 1 else functional.conv_transpose2d
        if self.circular:  # of the padded grid, the points that belong to the copies fall away
            return spread(wrapped(x, self.dim), self.weight, self.bias, stride=2, padding=3)
        return spread(x, self.weight, self.bias, stride=2, padding=1)


def wrapped(x: Tensor, dim: int) -> Tensor:
    """One point of the periodic continuation at both ends of each of the last `dim` axes."""
    for axis in range(-dim, 0):
        x = torch.cat([x.narrow(axis, x.shape[axis] - 1, 1), x, x.narrow(axis, 0, 1)], axis)
    return x


def waves(number: Tensor, count: int) -> Tensor:
    """(B,) -> (B, count): cosines and sines at count/2 frequencies from 1 down to 1/LONGEST."""
    rate = torch.exp(-math.log(LONGEST) / (count // 2) * torch.arange(count // 2, device=number.device))
    angle = number[:, None] * rate.to(number.dtype)
    return torch.cat([angle.cos(), angle.sin()], -1)


def _perceptron(entering: int, leaving: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(entering, leaving), nn.GELU(), nn.Linear(leaving, leaving))
