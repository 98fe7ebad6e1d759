"""The 1-D U-Net by rows: the same weights and the same numbers, in a formulation that a CPU computes faster.

Channels come last. A convolution of three taps is one matrix product of all points with the three taps' matrices side
by side, and a sum of three shifted results; shifts, norms, activations and sums then run together when
`torch.compile` fuses them, and nothing is padded. Made for training through `torch.compile`; uncompiled it is slower
than the plain network.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from .unet import Block, Convolution, Transposed, UNet

Forward = Callable[[Tensor, Tensor, Tensor], Tensor]


def rows_of(network: nn.Module) -> Forward:
    """The network's forward pass by rows, where there is one (U-Net, one axis); else the network itself."""
    if not isinstance(network, UNet) or network.stem.dim != 1:
        return network

    def forward(x: Tensor, level: Tensor, parameters: Tensor) -> Tensor:
        return _network(network, x, level, parameters)

    return forward


def _network(network: UNet, x: Tensor, level: Tensor, parameters: Tensor) -> Tensor:
    embedding = network.embedding(level, parameters)
    x = _convolve(network.stem, x.transpose(1, 2))
    stored = [x]
    for part in network.down:
        x = _block(part, x, embedding) if isinstance(part, Block) else _convolve(part, x)
        stored.append(x)
    for part in network.middle:
        x = _block(part, x, embedding)
    for part in network.up:
        x = _block(part, torch.cat([x, stored.pop()], -1), embedding) if isinstance(part, Block) else _spread(part, x)
    return _convolve(network.head, functional.gelu(_normalise(network.norm, x))).transpose(1, 2)


def _block(block: nn.Module, x: Tensor, embedding: Tensor) -> Tensor:
    assert isinstance(block, Block)
    inner = _convolve(block.conv1, functional.gelu(_normalise(block.norm1, x))) + block.shift(embedding)[:, None]
    inner = _convolve(block.conv2, functional.gelu(_normalise(block.norm2, inner)))
    return inner + (x if isinstance(block.skip, nn.Identity) else _convolve(block.skip, x))


def _normalise(norm: nn.GroupNorm, x: Tensor) -> Tensor:
    batch, points, channels = x.shape
    grouped = x.reshape(batch, points, norm.num_groups, -1)
    variance, mean = torch.var_mean(grouped, (1, 3), correction=0, keepdim=True)
    scaled = (grouped - mean) * torch.rsqrt(variance + norm.eps)
    return scaled.reshape(batch, points, channels) * norm.weight + norm.bias


def _convolve(layer: nn.Module, x: Tensor) -> Tensor:
    """x: (B, points, in)."""
    assert isinstance(layer, Convolution)
    weight, bias = layer.weight, layer.bias
    assert bias is not None
    batch, points, channels = x.shape
    if weight.shape[2] == 1:
        return functional.linear(x, weight[:, :, 0], bias)
    if layer.stride == 2:  # output i reads the points 2i - 1, 2i and 2i + 1
        pairs = x.reshape(batch, points // 2, 2 * channels)
        central = functional.linear(pairs, torch.cat([weight[:, :, 1], weight[:, :, 2]], 1), bias)
        return central + _later(functional.linear(pairs[:, :, channels:], weight[:, :, 0]), layer.circular)
    taps = _products(x, weight.permute(1, 2, 0))
    return _later(taps[:, :, 0], layer.circular) + taps[:, :, 1] + _sooner(taps[:, :, 2], layer.circular) + bias


def _spread(layer: nn.Module, x: Tensor) -> Tensor:
    """Point i feeds the points 2i - 1 … 2i + 2."""
    assert isinstance(layer, Transposed) and layer.bias is not None
    taps = _products(x, layer.weight.permute(0, 2, 1))
    even = taps[:, :, 1] + _later(taps[:, :, 3], layer.circular)
    odd = taps[:, :, 2] + _sooner(taps[:, :, 0], layer.circular)
    return torch.stack([even, odd], 2).reshape(len(x), 2 * x.shape[1], -1) + layer.bias


def _products(x: Tensor, weight: Tensor) -> Tensor:
    """(B, points, in) and (in, taps, out) to (B, points, taps, out)."""
    batch, points, channels = x.shape
    flat = x.reshape(batch * points, channels) @ weight.reshape(channels, -1)
    return flat.reshape(batch, points, weight.shape[1], -1)


def _later(x: Tensor, circular: bool) -> Tensor:
    """Of every point, what its left neighbour holds."""
    first = x[:, -1:] if circular else torch.zeros_like(x[:, :1])
    return torch.cat([first, x[:, :-1]], 1)


def _sooner(x: Tensor, circular: bool) -> Tensor:
    last = x[:, :1] if circular else torch.zeros_like(x[:, :1])
    return torch.cat([x[:, 1:], last], 1)
