"""The networks, called alike: (B, channels, *grid), level (B,), parameters (B, P) -> (B, fields, *grid)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from sciml.networks.fno import FNO
from sciml.networks.places import places
from sciml.networks.unet import UNet
from sciml.problem import Array, Problem

from .resolution import Resolution
from .setting import Setting

if TYPE_CHECKING:
    from .solver import PdeRefiner

LEVELS = 1000.0  # largest embedded level


def build(solver: PdeRefiner, problem: Problem, channels: int, fields: int, setting: Setting) -> nn.Module:
    """channels: inputs with the candidate; fields: outputs. Where terms name a coordinate, the network is shown it."""
    told = setting.parameters
    axes = Resolution(problem, solver.points).axes(problem)
    seen = places(problem, axes, rates_at_zero=not set(told) & set(problem.equation.parameters))
    inner = _bare(solver, len(problem.grid.axes), channels + len(seen), fields, len(told))
    return Placed(inner, seen) if len(seen) else inner


def _bare(solver: PdeRefiner, dim: int, channels: int, fields: int, parameters: int) -> nn.Module:
    if solver.network == "fno":
        return Told(dim, channels, fields, parameters, solver.modes, solver.width, solver.layers)
    multipliers = [int(m) for m in solver.multipliers.split(",")]
    return UNet(
        dim, channels, fields, width=solver.width, multipliers=multipliers, blocks=solver.blocks, parameters=parameters
    )


class Placed(nn.Module):
    """A network that is shown with every sample where its points are, (channels, *grid): see `networks.places`."""

    places: Tensor

    def __init__(self, network: nn.Module, seen: Array) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("places", torch.as_tensor(seen, dtype=torch.float32), persistent=False)

    def forward(self, x: Tensor, level: Tensor, parameters: Tensor) -> Tensor:
        placed = torch.cat([x, self.places.expand(len(x), *self.places.shape)], 1)
        answer: Tensor = self.network(placed, level, parameters)
        return answer


class Told(nn.Module):
    """An FNO that reads level and parameters as constant input channels; its answer is zero at the start."""

    def __init__(
        self, dim: int, channels: int, fields: int, parameters: int, modes: int, width: int, layers: int
    ) -> None:
        super().__init__()
        self.fno = FNO(
            dim, channels + parameters + 1, fields, modes=modes, width=width, layers=layers, coordinates=False,
            periodic=True,
        )  # fmt: skip
        nn.init.zeros_(self.fno.head.weight)
        nn.init.zeros_(self.fno.head.bias)

    def forward(self, x: Tensor, level: Tensor, parameters: Tensor) -> Tensor:
        constant = torch.cat([level[:, None] / LEVELS, parameters], 1)
        constant = constant.reshape(*constant.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])
        answer: Tensor = self.fno(torch.cat([x, constant], 1))
        return answer
