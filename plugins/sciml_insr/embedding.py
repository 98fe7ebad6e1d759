"""From coordinates to a network's inputs, as jets: plain coordinates on [-1, 1], or waves on periodic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sciml.problem import Array, Axis

from .series import Series, series


class Embedding:
    """Per axis: cos and sin of the first mode if it is periodic (so that f is, exactly), else 2(x-a)/(b-a) - 1."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes, self.dim = tuple(axes), len(axes)
        self.inputs = sum(2 if axis.periodic else 1 for axis in axes)

    def jet(self, points: Tensor, algebra: Series) -> Tensor:
        """points (dim, N) -> (K, N, inputs)."""
        jet = points.new_zeros(len(algebra.indices), points.shape[1], self.inputs)
        column = 0
        for a, axis in enumerate(self.axes):
            if not axis.periodic:
                jet[0, :, column] = 2 * (points[a] - axis.lower) / axis.length - 1
                first = algebra.row.get(tuple(int(b == a) for b in range(self.dim)))
                if first is not None:
                    jet[first, :, column] = 2 / axis.length
                column += 1
                continue
            omega = 2 * math.pi / axis.length
            angle = omega * (points[a] - axis.lower)
            for index, row in algebra.row.items():
                n = index[a]
                if sum(index) == n:  # each derivative is a quarter turn
                    scale, turned = omega**n / math.factorial(n), angle + 0.5 * math.pi * n
                    jet[row, :, column], jet[row, :, column + 1] = scale * turned.cos(), scale * turned.sin()
            column += 2
        return jet

    def spread(self, count: int, rng: np.random.Generator) -> Array:
        """Embedded points that fill the domain evenly, in random order. (count, inputs)"""
        per_axis = math.ceil(count ** (1 / self.dim))
        offset = rng.uniform(size=self.dim)
        lines = [
            axis.lower + axis.length * (np.arange(per_axis) + (o if axis.periodic else 0.5)) / per_axis
            for axis, o in zip(self.axes, offset, strict=True)
        ]
        points = np.stack([g.ravel() for g in np.meshgrid(*lines, indexing="ij")])
        chosen = points[:, rng.permutation(points.shape[1])[:count]]
        return self.jet(torch.as_tensor(chosen), series((((0,) * self.dim),)))[0].numpy()
