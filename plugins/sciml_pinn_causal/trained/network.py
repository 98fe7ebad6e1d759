"""What a network with all its weights trained is to the points and the ansatz.

Parameters are one flat vector θ, as least squares and quasi-Newton methods want it; the last `head` of them are
the output layer's, in which the network is linear.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from . import jets


@dataclass(frozen=True)
class Applied:
    """A map with parameters, applied to a jet on a grid of T times and X points.

    pull: what the map's parameters do, from what its outputs do at every point: cotangents (rows, T, X, out) to
    (T X, parameters), in the order in which θ holds them.
    """

    output: Tensor
    pull: Callable[[Tensor], Tensor]


class TrainedNetwork(ABC):
    """A function of the embedding of `jets`."""

    count: int  # of parameters
    head: int

    @abstractmethod
    def forward(self, theta: Tensor, jet: Tensor, layout: jets.Layout) -> tuple[Tensor, list[Applied]]:
        """The jet of the outputs, and every map with parameters, in the order of θ, the output layer last: what
        a Jacobian is made of."""


def affine(jet: Tensor, weight: Tensor, bias: Tensor) -> Applied:
    """`jets.affine`; its parameters are the weight's, row by row, and then the bias's."""
    given = jet.detach()

    def pull(cotangent: Tensor) -> Tensor:
        by_point = cotangent.flatten(1, 2).permute(1, 2, 0)  # (T X, out, rows)
        by_weight = torch.bmm(by_point, given.flatten(1, 2).permute(1, 0, 2))
        return torch.cat([by_weight.flatten(1), cotangent[0].flatten(0, 1)], 1)

    return Applied(jets.affine(jet, weight, bias), pull)
