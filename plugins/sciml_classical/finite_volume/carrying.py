"""Fields that an axis only carries, on a card: one kernel a field in place of some twenty calls.

Upwind values by limited slopes, which is what `balance.py` makes of such a flux with muscl on a periodic axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from sciml.equation import tree as t
from sciml.kernels import dispatch
from sciml.kernels.fused.advection import advect

from .law import Law
from .mesh import Mesh

if TYPE_CHECKING:
    from ..solver import FiniteVolume

SCHEMES = {"van-leer": "van leer", "minmod": "minmod"}


class Carrying:
    """axes: those along which every flux is a velocity (a constant, a given one, one of a stream function) times the
    balance's own field. None where there is no card."""

    def __init__(self, options: FiniteVolume, law: Law, mesh: Mesh, device: str) -> None:
        self.law, self.scheme = law, SCHEMES[options.limiter]
        usable = options.reconstruction == "muscl" and (device != "cpu" or dispatch.interpreted())
        self.axes = [
            a for a in range(len(mesh.cells)) if usable and mesh.axes[a].periodic and _carries(law, a)
        ]  # fmt: skip
        self.constant = [
            [_slope(flux, f) for f, flux in zip(law.fields, law.fluxes[a], strict=True)] for a in range(len(mesh.cells))
        ]
        self.per_width = [torch.full((1,), 1 / h, dtype=torch.float64, device=device) for h in mesh.widths]

    def rate(self, u: Tensor, axis: int, moves: Mapping[tuple[int, int], Tensor]) -> tuple[Tensor, Tensor]:
        """(-∂(v u)/∂x of every field, the largest speed). moves: velocities on the axis's n + 1 faces."""
        rows, fastest = [], u.new_zeros(())
        for g in range(len(u)):
            velocity = torch.full_like(u[g], self.constant[axis][g])
            if (g, g) in moves:
                velocity += moves[g, g].narrow(axis, 1, u.shape[axis + 1])  # the face after each cell
            rows.append(advect(u[g], velocity, self.per_width[axis], axis, self.scheme))
            fastest = torch.maximum(fastest, velocity.abs().max())
        return torch.stack(rows), fastest


def _carries(law: Law, axis: int) -> bool:
    pairs = {(c.balance, c.field) for c in law.carried if c.axis == axis}
    pairs |= {(s.balance, s.field) for s in law.streamed}
    own = [flux in (t.ZERO, t.Field(f), t.multiply(t.Number(_slope(flux, f)), t.Field(f)))
           for f, flux in zip(law.fields, law.fluxes[axis], strict=True)]  # fmt: skip
    return all(own) and all(g == f for g, f in pairs)


def _slope(flux: t.Expr, field: str) -> float:
    slope = t.partial(flux, t.Field(field))
    return slope.value if isinstance(slope, t.Number) else 0.0
