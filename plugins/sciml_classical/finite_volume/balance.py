"""The rate of change of cell averages: fluxes through faces, diffusion, sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from .averaging import MARGIN, to_averages, to_points
from .carrying import Carrying
from .fluxes import AxisFlux
from .ghosts import Ghosts, Moment
from .law import Law
from .mesh import Mesh
from .reconstruction import REACH, traces
from .sources import Sources
from .velocities import Velocities

if TYPE_CHECKING:
    from ..solver import FiniteVolume


class Balance:
    """`rate(u, t)` with u (fields, *cells); `limits` then holds what bounds the step: Σ speed/h and a source's rate."""

    def __init__(self, options: FiniteVolume, law: Law, mesh: Mesh, device: str) -> None:
        self.options, self.law, self.mesh, self.device = options, law, mesh, device
        self.dim = len(mesh.cells)
        high = options.reconstruction != "muscl"
        self.turns = high and self.dim > 1 and not law.linear  # averages of faces to points and back
        self.sources = Sources(law, mesh, high, device)
        self.margin = 2 * MARGIN if self.turns else 0
        self.ghost_cells = max(REACH, 2 * MARGIN if self.turns or self.sources.care else 0)
        self.ghosts = Ghosts(mesh, device)
        self.velocities = Velocities(law, mesh, self.ghosts, self.margin)
        self.along = [AxisFlux(law, axis) for axis in range(self.dim)]
        self.carrying = Carrying(options, law, mesh, device)
        self.limits = (0.0, 0.0)

    @property
    def stiffness(self) -> float:
        """Largest eigenvalue of the diffusion: 16/3 D/h² per axis, coupling between fields bounded by row sums."""
        worst = np.zeros(len(self.law.fields))
        for d in self.law.diffused:
            worst[d.balance] += 16 / 3 * abs(d.coefficient) / self.mesh.widths[d.axis] ** 2
        return float(worst.max(initial=0.0))

    def rate(self, u: Tensor, moment: Moment) -> Tensor:
        time = moment.time
        wide = self.ghosts.everywhere(u, self.ghost_cells, moment)
        moves = self.velocities.on_faces(u, time)
        flat = u.reshape(len(u), -1)
        span = (flat.amax(1) - flat.amin(1)).reshape(-1, *(1,) * self.dim)
        total, speeds = torch.zeros_like(u), u.new_zeros(())
        for axis in range(self.dim):
            spread = [d for d in self.law.diffused if d.axis == axis]
            if axis in self.carrying.axes:
                carried, speed = self.carrying.rate(u, axis, moves[axis])
                total += carried
                flux = u.new_zeros([n + (k == axis + 1) for k, n in enumerate(u.shape)])
            else:
                flux, speed = self._through(wide, axis, moves[axis], span, moment)
            for d in spread:
                flux[d.balance] -= d.coefficient * self._slope(wide, axis, d.field)
            if spread or axis not in self.carrying.axes:
                total -= flux.diff(dim=axis + 1).div_(self.mesh.widths[axis])
            speeds = speeds + speed / self.mesh.widths[axis]
        values = self._inner(wide, 2 * MARGIN) if self.sources.care else u
        self.limits = (float(speeds), self.sources.add(total, values, moment.time))
        return total

    def _inner(self, wide: Tensor, margin: int, but: int | None = None) -> Tensor:
        """Without ghosts, except `margin` of them; axis `but` keeps what reconstruction needs."""
        for axis, n in enumerate(self.mesh.cells):
            kept = REACH if axis == but else margin
            wide = wide.narrow(axis + 1, self.ghost_cells - kept, n + 2 * kept)
        return wide

    def _through(
        self, wide: Tensor, axis: int, moves: dict[tuple[int, int], Tensor], span: Tensor, moment: Moment
    ) -> tuple[Tensor, Tensor]:
        """Fluxes through the n + 1 faces across an axis, and the largest speed there."""
        cells, dim = self._inner(wide, self.margin, axis), axis + 1
        fineness = self.mesh.cells[axis] ** (2 if self.options.reconstruction == "weno-z" else 1)
        floor = (span / fineness).square_().clamp_min_(1e-60)
        below, above = traces(self.options.reconstruction, self.options.limiter, cells, dim, floor)
        below, above = self._at_ends(below, above, axis, moment)
        along, at = self.along[axis], self._coordinates(axis, moment.time)
        if not self.turns:
            flux, speed = along.numerical(below, above, at, moves)
            return flux, speed.max()
        others = [a + 1 for a in range(self.dim) if a != axis]
        inside = (below, above)
        centred = {key: v[None] for key, v in moves.items()}
        for other in others:
            inside = (to_points(inside[0], other), to_points(inside[1], other))
            centred = {key: to_points(v, other) for key, v in centred.items()}
        flux, speed = along.numerical(*inside, at, {key: v[0] for key, v in centred.items()})
        for other in others:
            flux = to_averages(flux, other)
            centred = {key: to_averages(v, other) for key, v in centred.items()}
        for (g, f), velocity in moves.items():  # the averages of velocities are exact, and balance
            lost = self._cropped(velocity[None], others) - centred[g, f]
            mean = self._cropped((below[f] + above[f])[None], others) / 2
            flux[g] += (lost * mean)[0]
        return flux, speed.max()

    def _cropped(self, v: Tensor, dims: list[int]) -> Tensor:
        for dim in dims:
            v = v.narrow(dim, self.margin, v.shape[dim] - 2 * self.margin)
        return v

    def _at_ends(self, below: Tensor, above: Tensor, axis: int, moment: Moment) -> tuple[Tensor, Tensor]:
        """Outside the faces of the box: what is given there, or what arrives from inside."""
        if self.mesh.axes[axis].periodic:
            return below, above
        dim, last = axis + 1, below.shape[axis + 1] - 1
        low, high = self.ghosts.ends(axis, moment)
        for other in range(self.dim):
            if other != axis and self.margin:
                low, high = (
                    None if e is None else self.ghosts.beside(e, axis, other, self.margin) for e in (low, high)
                )
        below, above = below.clone(), above.clone()
        below.select(dim, 0).copy_(above.select(dim, 0) if low is None else low)
        above.select(dim, last).copy_(below.select(dim, last) if high is None else high)
        return below, above

    def _coordinates(self, axis: int, time: float) -> dict[str, Any]:
        """Middles of faces across an axis, in the shape of fluxes before they are averaged."""
        at: dict[str, Any] = {"t": time}
        crop = self.margin - MARGIN if self.turns else 0
        for a, one in enumerate(self.mesh.axes):
            width, n = self.mesh.widths[a], self.mesh.cells[a]
            line = self.mesh.faces(a) if a == axis else self.mesh.start(a) + width * (np.arange(-crop, n + crop) + 0.5)
            shape = [-1 if b == a else 1 for b in range(self.dim)]
            at[one.name] = torch.as_tensor(line, device=self.device).reshape(shape)
        return at

    def _slope(self, wide: Tensor, axis: int, field: int) -> Tensor:
        """∂u on faces from averages, fourth order."""
        cells = self._inner(wide, 0, axis)[field]
        faces = cells.shape[axis] - 2 * REACH + 1
        a, b, c, d = (cells.narrow(axis, REACH - 1 + s, faces) for s in (-1, 0, 1, 2))
        return (15 * (c - b)).sub_(d - a).div_(12 * self.mesh.widths[axis])
