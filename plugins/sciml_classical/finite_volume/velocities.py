"""Velocities averaged over faces: given ones by quadrature, those of a stream function by its differences.

Both make the flow out of a cell vanish where the velocity has no divergence, so a constant field stays constant.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.equation import tree as t
from sciml.problem import Array, numpy_function

from .ghosts import Ghosts
from .law import Carried, Law
from .mesh import Mesh


class Velocities:
    """`on_faces(u, t)`: by axis and (balance, field), averages on n + 1 faces, other axes widened by `margin`."""

    def __init__(self, law: Law, mesh: Mesh, ghosts: Ghosts, margin: int) -> None:
        self.law, self.mesh, self.ghosts, self.margin = law, mesh, ghosts, margin
        self.device = ghosts.device
        self.given: dict[Carried, Tensor] = {}
        if law.streamed:
            self.corners = _stream_symbol(mesh, self.device)

    def given_on_faces(self, time: float) -> list[dict[tuple[int, int], Tensor]]:
        """Without those of stream functions."""
        found: list[dict[tuple[int, int], Tensor]] = [{} for _ in self.mesh.cells]
        for carried in self.law.carried:
            key = (carried.balance, carried.field)
            velocity = self._given(carried, time)
            found[carried.axis][key] = found[carried.axis][key] + velocity if key in found[carried.axis] else velocity
        return found

    def on_faces(self, u: Tensor, time: float) -> list[dict[tuple[int, int], Tensor]]:
        found = self.given_on_faces(time)
        for source in sorted({s.source for s in self.law.streamed}):
            along = self._streamed(u[source])
            for s in self.law.streamed:
                if s.source == source:
                    for axis, velocity in enumerate(along):
                        key, scaled = (s.balance, s.field), s.coefficient * velocity
                        found[axis][key] = found[axis][key] + scaled if key in found[axis] else scaled
        return found

    def _given(self, carried: Carried, time: float) -> Tensor:
        if carried in self.given:
            return self.given[carried]
        over = [a for a in range(len(self.mesh.cells)) if a != carried.axis]

        def formula(at: dict[str, Any]) -> Array:
            shape = np.broadcast_shapes(*(p.shape for p in at.values()))
            coordinates: dict[str, Any] = at | {"t": time}
            with np.errstate(all="ignore"):
                value = t.evaluate(carried.velocity, lambda n: coordinates[n.name], numpy_function)  # type: ignore[attr-defined]
            return np.broadcast_to(np.asarray(value, dtype=np.float64), shape)

        averages = self.mesh.averages(formula, over, {carried.axis: self.mesh.faces(carried.axis)})
        velocity = torch.as_tensor(averages, device=self.device)[None]
        for axis in over:
            velocity = self.ghosts.widened(velocity, axis, self.margin) if self.margin else velocity
        if not any(n == t.Coordinate("t") for n in t.walk(carried.velocity)):
            self.given[carried] = velocity[0]
        return velocity[0]

    def _streamed(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """(∂_y Φ on faces across x, -∂_x Φ on faces across y), ΔΦ = source, from averages of the source."""
        (hx, hy), g = self.mesh.widths, self.margin
        spectrum = torch.fft.rfft2(source)
        corners = torch.fft.irfft2(spectrum * self.corners, s=source.shape)  # at lower corners of cells
        wide = torch.cat([corners[-g:], corners, corners[: g + 1]]) if g else torch.cat([corners, corners[:1]])
        wide = torch.cat([wide[:, -g:] if g else wide[:, :0], wide, wide[:, : g + 1]], 1)
        nx, ny = source.shape
        across_x = wide.narrow(0, g, nx + 1).diff(dim=1) / hy
        across_y = wide.narrow(1, g, ny + 1).diff(dim=0) / -hx
        return across_x, across_y


def _stream_symbol(mesh: Mesh, device: str) -> Tensor:
    """Multipliers from averages over cells of a source to Φ at their lower corners."""
    kx, ky = (
        2 * math.pi / axis.length * frequency(n) * n
        for axis, n, frequency in zip(mesh.axes, mesh.cells, (np.fft.fftfreq, np.fft.rfftfreq), strict=True)
    )
    hx, hy = mesh.widths
    square = kx[:, None] ** 2 + ky[None, :] ** 2
    square[0, 0] = 1.0
    inverse = -1 / square
    inverse[0, 0] = 0.0  # zero mean
    averaging = np.sinc(kx * hx / (2 * math.pi))[:, None] * np.sinc(ky * hy / (2 * math.pi))[None, :]
    shift = np.exp(-0.5j * (kx * hx)[:, None]) * np.exp(-0.5j * (ky * hy)[None, :])
    corners = inverse / averaging * shift
    for index, n in enumerate(mesh.cells):  # half a cell's shift of a Nyquist mode is not a real function
        if n % 2 == 0:
            corners[(n // 2, slice(None)) if index == 0 else (slice(None), n // 2)] = 0.0
    return torch.as_tensor(corners, device=device)
