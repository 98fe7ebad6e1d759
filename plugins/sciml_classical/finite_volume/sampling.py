"""Values at the problem's points from cell averages, by polynomials with those averages.

Degree four where smooth; beside a jump parabolas that do not cross it (CWENO: Levy, Puppo & Russo, M2AN 33, 1999;
weights of Cravero, Puppo, Semplice & Visconti, Math. Comp. 87, 2018). With muscl the limited line in each cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sciml.problem import Array

from .ghosts import Ghosts, Moment
from .mesh import Mesh
from .reconstruction import indicators, limited_slopes

if TYPE_CHECKING:
    from ..solver import FiniteVolume

REACH = 2
CENTRAL, SIDES = 0.75, (0.0625, 0.125, 0.0625)  # weights of the quartic and of the three parabolas
NEAR = 1e-9  # of a cell: a point so close to a face lies on it


def _weights(shifts: range, at: Array) -> Array:
    """(points, cells): the value at `at`, in cell widths from the middle of cell 0, of the polynomial whose averages
    over the cells `shifts` are given."""
    degrees = np.arange(len(shifts))
    right = np.array(shifts)[:, None] + 0.5
    moments = (right ** (degrees + 1) - (right - 1) ** (degrees + 1)) / (degrees + 1)
    found: Array = at[:, None] ** degrees @ np.linalg.inv(moments)
    return found


def _combined(weights: list[Tensor], values: list[Tensor]) -> Tensor:
    return sum((w * u for w, u in zip(weights, values, strict=True)), torch.zeros_like(values[0]))


class _Line:
    """One axis: for every point its cell and the polynomials' weights. A point on a face belongs to both cells."""

    def __init__(self, mesh: Mesh, axis: int, side: int, device: str) -> None:
        place = (mesh.axes[axis].points() - mesh.start(axis)) / mesh.widths[axis]
        cells = np.clip(np.floor(place + side * NEAR), 0, mesh.cells[axis] - 1)
        offset = place - cells - 0.5
        self.cells = torch.as_tensor(cells.astype(int), device=device)
        self.offset = torch.as_tensor(offset, device=device)
        self.quartic = torch.as_tensor(_weights(range(-2, 3), offset), device=device)
        self.parabolas = [torch.as_tensor(_weights(range(s, s + 3), offset), device=device) for s in (-2, -1, 0)]

    def values(self, options: FiniteVolume, wide: Tensor, dim: int, floor: Tensor) -> Tensor:
        """wide: averages with REACH ghosts at both ends along `dim`."""
        v = [wide.index_select(dim, self.cells + k) for k in range(5)]
        shape = [-1 if k == dim else 1 for k in range(wide.ndim)]
        if options.reconstruction == "muscl":
            slopes = limited_slopes(options.limiter, torch.stack([v[2] - v[1], v[3] - v[2]], -1), -1)[..., 0]
            return v[2] + slopes * self.offset.reshape(shape)
        columns = [
            [table[:, k].reshape(shape) for k in range(table.shape[1])] for table in (self.quartic, *self.parabolas)
        ]
        best = _combined(columns[0], v)
        sides = [_combined(columns[s + 1], v[s : s + 3]) for s in range(3)]
        rough = indicators(v)
        far, worst = (rough[0] - rough[2]).abs(), torch.stack(rough).amax(0)
        central = (best - sum(d * p for d, p in zip(SIDES, sides, strict=True))) / CENTRAL
        pieces = [(CENTRAL, worst, central), *zip(SIDES, rough, sides, strict=True)]
        weights = [d * (1 + (far / (r + floor)) ** 2) for d, r, _ in pieces]
        return _combined(weights, [p for _, _, p in pieces]) / torch.stack(weights).sum(0)


class Sampling:
    def __init__(self, options: FiniteVolume, mesh: Mesh, ghosts: Ghosts) -> None:
        self.options, self.mesh, self.ghosts = options, mesh, ghosts
        self.lines = [[_Line(mesh, axis, side, ghosts.device) for side in (-1, 1)] for axis in range(len(mesh.cells))]

    def values(self, u: Tensor, time: float) -> Array:
        """(fields, *the problem's grid)."""
        span = (u.reshape(len(u), -1).amax(1) - u.reshape(len(u), -1).amin(1)).reshape(-1, *(1,) * len(self.mesh.cells))
        wide = self.ghosts.everywhere(u, REACH, Moment(time))
        for axis, (lower, upper) in enumerate(self.lines):
            floor = (span / self.mesh.cells[axis] ** 2).square().clamp_min(1e-60)
            both = [line.values(self.options, wide, axis + 1, floor) for line in (lower, upper)]
            wide = (both[0] + both[1]) / 2
        result: Array = wide.cpu().numpy()
        return result
