"""A network between physical fields: it is fed and answers in units in which fields are of size one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from sciml.networks.fno import FNO
from sciml.problem import Array, Grid

from .layout import layout_of
from .network import MgNO

if TYPE_CHECKING:
    from .solver import Mgno


def network_of(solver: Mgno, inputs: int, outputs: int, grid: Grid) -> nn.Module:
    """The bare network: (batch, inputs, *grid) to (batch, outputs, *grid)."""
    if solver.network == "mgno":
        return MgNO(layout_of(solver, inputs, outputs, grid))
    periodic = [axis.periodic for axis in grid.axes]
    return FNO(
        2, inputs, outputs, modes=solver.modes, width=solver.channels, layers=solver.layers, periodic=periodic,
        coordinates=not all(periodic),
    )  # fmt: skip


class Operator(nn.Module):
    """mean_out + std_out * network((a - mean_in)/std_in, places); means and deviations are buffers, part of the model.

    mean_in, std_in: (inputs, 1, 1). mean_out, std_out: (outputs, *grid), a value for every point: where all training
    data agree, as on a boundary with given values, the answer is exact. places: (channels, *grid), shown with every
    sample (see `places`); known from the problem, so no part of the model.
    """

    mean_in: Tensor
    std_in: Tensor
    mean_out: Tensor
    std_out: Tensor
    places: Tensor

    def __init__(
        self, network: nn.Module, inputs: int, outputs: int, grid: Grid, places: Array | None = None
    ) -> None:
        super().__init__()
        shown = torch.zeros(0, *grid.shape) if places is None else torch.as_tensor(places, dtype=torch.float32)
        self.register_buffer("places", shown, persistent=False)
        self.network = network
        for name, shape in (("in", (inputs, 1, 1)), ("out", (outputs, *grid.shape))):
            self.register_buffer(f"mean_{name}", torch.zeros(shape))
            self.register_buffer(f"std_{name}", torch.ones(shape))

    def normalise(self, **values: Tensor) -> None:
        """Set buffers; what is smaller is repeated over the grid."""
        for name, value in values.items():
            getattr(self, name).copy_(value)

    def forward(self, a: Tensor) -> Tensor:
        a = (a - self.mean_in) / self.std_in
        if len(self.places):
            a = torch.cat([a, self.places.expand(len(a), *self.places.shape)], dim=1)
        answer = self.network(a)
        return cast(Tensor, self.mean_out + self.std_out * answer)
