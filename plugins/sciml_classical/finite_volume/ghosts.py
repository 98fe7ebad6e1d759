"""What lies beyond the box: cells wrapped around it, or continued from inside and from what is given on its faces."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sciml.problem import SIDES, Array

from .mesh import Mesh

ROUGH = 10.0  # scale of the indicator of `_blend`
KEPT = 12  # data on faces: three times a step, four faces


def _continuation(known: int, beyond: int, on_face: bool) -> Array:
    """(beyond, known): averages over cells beyond an end from those inside, nearest first, by a polynomial of degree
    known - 1; with `on_face` the first datum is the value on the end itself."""
    degrees = np.arange(known)
    lefts = np.arange(known - on_face)[:, None]
    inside = ((lefts + 1.0) ** (degrees + 1) - lefts ** (degrees + 1.0)) / (degrees + 1)
    rows = np.vstack([(degrees == 0).astype(float), inside]) if on_face else inside
    far = -np.arange(beyond)[:, None]
    outside = (far ** (degrees + 1.0) - (far - 1.0) ** (degrees + 1)) / (degrees + 1)
    found: Array = outside @ np.linalg.inv(rows)
    return found


Ends = tuple[Tensor | None, Tensor | None]


class Moment(NamedTuple):
    """A stage (0, 1, 2) of the step of length `step` from `start`."""

    start: float
    step: float = 0.0
    stage: int = 0

    @property
    def time(self) -> float:
        return self.start + (0.0, 1.0, 0.5)[self.stage] * self.step


class Ghosts:
    """Cells beyond the ends of an axis: wrapped, or continued from inside and from what is given on the face."""

    def __init__(self, mesh: Mesh, device: str) -> None:
        self.mesh, self.device = mesh, device
        self.to_face = torch.tensor([[137.0, -163.0, 137.0, -63.0, 12.0]], dtype=torch.float64, device=device) / 60
        self.data: dict[tuple[int, str, float], Tensor] = {}
        self.known: dict[int, tuple[Moment, Ends]] = {}
        self.tables = {
            given: torch.as_tensor(_continuation(5, 4, given), device=device) for given in (False, True)
        }

    def widened(self, u: Tensor, axis: int, ghosts: int, ends: Ends = (None, None)) -> Tensor:
        """u with `ghosts` more cells at both ends of an axis; ends: the values on the two faces, where given."""
        dim, n = axis + 1, u.shape[axis + 1]
        if self.mesh.axes[axis].periodic:
            return torch.cat([u.narrow(dim, n - ghosts, ghosts), u, u.narrow(dim, 0, ghosts)], dim)
        low, high = ends
        before = self._blend(u.narrow(dim, 0, 5), dim, low, ghosts).flip(dim)
        after = self._blend(u.narrow(dim, n - 5, 5).flip(dim), dim, high, ghosts)
        return torch.cat([before, u, after], dim)

    def _blend(self, inside: Tensor, dim: int, face: Tensor | None, ghosts: int) -> Tensor:
        """A polynomial of degree four where the data are smooth, the nearest datum where they are rough.

        Rough: squares of third differences, and of what is given minus what comes from inside, are not small against
        those of first differences (compare Tan & Shu, J. Comput. Phys. 229, 2010).
        """
        first = inside.diff(dim=dim)
        steep = (first**2).sum(dim, keepdim=True)
        bent = (first.diff(n=2, dim=dim) ** 2).sum(dim, keepdim=True)
        data = inside
        if face is not None:
            given = face.unsqueeze(dim)
            data = torch.cat([given, inside.narrow(dim, 0, 4)], dim)
            bent = bent + (given - torch.tensordot(self.to_face, inside, dims=([1], [dim])).movedim(0, dim)) ** 2
        floor = (data.abs().amax(dim, keepdim=True) * 1e-8) ** 2 + 1e-200
        smooth = 1 / (1 + (ROUGH * bent / (steep + floor)) ** 4)
        table = self.tables[face is not None][:ghosts]
        quartic = torch.tensordot(table, data, dims=([1], [dim])).movedim(0, dim)
        nearest = data.narrow(dim, 0, 1)
        blended: Tensor = nearest + smooth * (quartic - nearest)
        return blended

    def everywhere(self, u: Tensor, ghosts: int, moment: Moment) -> Tensor:
        """u widened along every axis, with the boundary data of the moment."""
        for axis in range(len(self.mesh.cells)):
            low, high = self.ends(axis, moment)
            for other in range(axis):
                low, high = (None if e is None else self.beside(e, axis, other, ghosts) for e in (low, high))
            u = self.widened(u, axis, ghosts, (low, high))
        return u

    def beside(self, end: Tensor, axis: int, other: int, ghosts: int) -> Tensor:
        """Data on a face, widened along another axis."""
        return self.widened(end.unsqueeze(axis + 1), other, ghosts).squeeze(axis + 1)

    def ends(self, axis: int, moment: Moment) -> Ends:
        """Values on the lower and upper face, (fields, *cells of other axes), averaged; None where not given.

        In the later stages of a step they are what the scheme makes of smooth data, g + h g' and g + h g'/2 + h² g''/4,
        not those at the stage's time: else its order falls to two (Carpenter, Gottlieb, Abarbanel & Don, SIAM J. Sci.
        Comput. 16, 1995). Data that jump within the step are taken at the stage's time.
        """
        if axis in self.known and self.known[axis][0] == moment:
            return self.known[axis][1]
        found = tuple(self._end(axis, side, moment) for side in SIDES)
        self.known[axis] = (moment, (found[0], found[1]))
        return found[0], found[1]

    def _end(self, axis: int, side: str, moment: Moment) -> Tensor | None:
        if dict(zip(SIDES, self.mesh.axes[axis].faces, strict=True))[side] != "dirichlet":
            return None
        if moment.stage == 0:
            return self._given(axis, side, moment.start)
        first, half, last = (self._given(axis, side, moment.start + c * moment.step) for c in (0.0, 0.5, 1.0))
        plain, staged = (last, 4 * half - 2 * first - last) if moment.stage == 1 else (half, (first + last) / 2)
        return torch.where((first - 2 * half + last).abs() <= (last - first).abs() / 4, staged, plain)

    def _given(self, axis: int, side: str, time: float) -> Tensor:
        key, mesh, problem = (axis, side, time), self.mesh, self.mesh.problem
        if key in self.data:
            return self.data[key]
        over = [a for a in range(len(mesh.cells)) if a != axis]
        rows = []
        for name in problem.equation.fields:
            formula = partial(problem.boundary_values, name, mesh.axes[axis].name, side)
            rows.append(mesh.averages(lambda at, f=formula: f(at | {"t": time}), over, {}))  # type: ignore[misc]
        if len(self.data) > KEPT:
            self.data.clear()
        self.data[key] = torch.as_tensor(np.stack(rows), device=self.device)
        return self.data[key]
