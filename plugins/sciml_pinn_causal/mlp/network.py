"""The modified multilayer perceptron of Wang, Teng & Perdikaris (SIAM J. Sci. Comput. 43, 2021), as the causal
paper uses it: two gates U, V computed from the input mix every hidden layer, h <- tanh(W h + b), h <- h U + (1 - h) V.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..trained import jets
from ..trained.network import Applied, TrainedNetwork, affine


class Network(TrainedNetwork):
    """`depth` hidden layers of `width` units; `gated`: the modified perceptron, else a plain one."""

    def __init__(self, inputs: int, width: int, depth: int, outputs: int, gated: bool) -> None:
        self.gated = gated
        first = 3 if gated else 1  # the gates U and V read the input as the first hidden layer does
        self.first = first
        self.shapes = [(width, inputs)] * first + [(width, width)] * (depth - 1) + [(outputs, width)]
        self.count = sum(out * (into + 1) for out, into in self.shapes)
        self.head = outputs * (width + 1)  # how many of them, the last ones, are the output layer's

    def layers(self, theta: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Weight (out, in) and bias (out,) of every affine map, in the order of `shapes`."""
        at = 0
        for out, into in self.shapes:
            yield theta[at : at + out * into].reshape(out, into), theta[at + out * into : at + out * (into + 1)]
            at += out * (into + 1)

    def draw(self, rng: np.random.Generator, slope: float, roughness: float) -> Tensor:
        """θ: `slope` and `roughness` are standard deviations of the weights on time and on the embedding of
        space; inner layers as Glorot; the output layer is zero, so that u starts as its initial condition."""
        parts: list[np.ndarray] = []
        for index, (out, into) in enumerate(self.shapes):
            if index == len(self.shapes) - 1:
                weight, bias = np.zeros((out, into)), np.zeros(out)
            elif index < self.first:
                rate = 0.5 * slope * rng.standard_normal((out, 1))  # the input 2τ - 1 runs twice as fast as τ
                weight = np.concatenate([rate, roughness * rng.standard_normal((out, into - 1))], 1)
                bias = rng.standard_normal(out)
            else:
                weight, bias = math.sqrt(2 / (out + into)) * rng.standard_normal((out, into)), np.zeros(out)
            parts += [weight.ravel(), bias]
        return torch.as_tensor(np.concatenate(parts))

    def forward(self, theta: Tensor, jet: Tensor, layout: jets.Layout) -> tuple[Tensor, list[Applied]]:
        """See `TrainedNetwork`."""
        applied: list[Applied] = []
        weights = self.layers(theta)

        def layer(jet: Tensor) -> Tensor:
            applied.append(affine(jet, *next(weights)))
            return applied[-1].output

        hidden = jets.tanh(layer(jet), layout)
        if self.gated:
            up, low = (jets.tanh(layer(jet), layout) for _ in range(2))
            rise = up - low
            hidden = low + jets.product(hidden, rise, layout)
        for _ in range(len(self.shapes) - self.first - 1):
            hidden = jets.tanh(layer(hidden), layout)
            if self.gated:
                hidden = low + jets.product(hidden, rise, layout)
        return layer(hidden), applied
