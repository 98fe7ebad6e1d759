"""Brownian paths that are the same however often and in whatever order they are asked: a virtual tree.

Of every interval the increment W and the space-time Lévy area H = 1/h ∫ (W_r - r/h W) dr are Gaussian, independent, of
variances h and h/12. Halves of an interval follow from it and two independent normals Z ~ N(0, h/16), N ~ N(0, h/12):

    W_left = W/2 + 3/2 H + Z,   H_left = H/4 - Z/2 + N/2,   H_right = H/4 - Z/2 - N/2

(J. Foster, Numerical approximations for stochastic differential equations, DPhil thesis, Oxford 2020; a rejected step
and the shorter ones after it see one path, so rejections bias nothing). Normals come from a hash of (seed, sample,
component, segment, node), so nothing is stored and nothing depends on the batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

DEPTH = 18
TICKS = 2**DEPTH  # of a segment: the times at which its path is known
_GOLDEN, _FIRST, _SECOND = -0x61C8864680B583EB, -0x40A7B892E31B1A47, -0x6B2FB644ECCEEE15  # of splitmix64, signed


def _shifted(z: Tensor, by: int) -> Tensor:
    """z >> by of unsigned numbers."""
    return (z >> by) & ((1 << (64 - by)) - 1)


def mixed(z: Tensor) -> Tensor:
    """The output function of splitmix64 (Steele, Lea & Flood, OOPSLA 2014), on int64 that wraps around."""
    z = z + _GOLDEN
    z = (z ^ _shifted(z, 30)) * _FIRST
    z = (z ^ _shifted(z, 27)) * _SECOND
    return z ^ _shifted(z, 31)


def normals(key: Tensor) -> tuple[Tensor, Tensor]:
    """Two independent standard normals a key (Box and Muller)."""
    first = (_shifted(mixed(key), 11).double() + 0.5) * 2.0**-53
    second = (_shifted(mixed(key ^ 0x5DEECE66D1234567), 11).double() + 0.5) * 2.0**-53
    radius, angle = torch.sqrt(-2.0 * torch.log(first)), 2 * math.pi * second
    return radius * torch.cos(angle), radius * torch.sin(angle)


class Segment:
    """A path over `span` (samples,) in time, of `components` independent motions, known at ticks 0 … TICKS."""

    def __init__(self, seed: int, labels: Tensor, components: int, number: int, span: Tensor) -> None:
        base = mixed(labels + mixed(torch.full_like(labels, seed)))
        base = mixed(base + number)
        self.key = mixed(base[:, None] + torch.arange(components, device=labels.device))
        self.span = span[:, None]
        first, second = normals(self.key)
        self.increment = first * self.span.sqrt()
        self.area = second * (self.span / 12).sqrt()
        self.levels = torch.arange(DEPTH, device=labels.device)

    def at(self, tick: Tensor) -> tuple[Tensor, Tensor]:
        """W and ∫ W from the segment's start to a tick (samples,): (samples, components) each."""
        nodes = (1 << self.levels) + (tick[:, None] >> (DEPTH - self.levels))  # of the tree, by level
        right = ((tick[:, None] >> (DEPTH - 1 - self.levels)) & 1).bool()
        first, second = normals(mixed(self.key[:, :, None] + mixed(nodes)[:, None, :]))
        w, area, length = self.increment, self.area, self.span
        value, integral = torch.zeros_like(w), torch.zeros_like(w)
        for level in range(DEPTH):
            z, n = first[:, :, level] * (length / 16).sqrt(), second[:, :, level] * (length / 12).sqrt()
            left = 0.5 * w + 1.5 * area + z
            common = 0.25 * area - 0.5 * z
            length = 0.5 * length
            turn = right[:, level, None]
            passed = length * (value + 0.5 * left + common + 0.5 * n)
            integral = torch.where(turn, integral + passed, integral)
            value = torch.where(turn, value + left, value)
            w = torch.where(turn, w - left, left)
            area = torch.where(turn, common - 0.5 * n, common + 0.5 * n)
        whole = (tick == TICKS)[:, None]
        end = self.span * (0.5 * self.increment + self.area)
        return torch.where(whole, self.increment, value), torch.where(whole, end, integral)
