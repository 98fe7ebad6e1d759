"""Uniform cells on a box, averages over them, and what lies beyond the box.

On a periodic axis the problem's points are centres of cells, on one with ends they are faces (when `cells` is a
multiple of the problem's own number). A state is (fields, *cells); `dim` counts its dimensions, so axis a is dim a + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import torch
from scipy.interpolate import make_interp_spline
from torch import Tensor

from sciml.problem import SIDES, Array, Axis, Problem

ROUGH = 10.0  # scale of the indicator of `_blend`
NODES, WEIGHTS = np.polynomial.legendre.leggauss(6)


@dataclass(frozen=True)
class Mesh:
    problem: Problem
    cells: tuple[int, ...]

    @classmethod
    def of(cls, problem: Problem, cells: int) -> Mesh:
        return cls(problem, tuple(cells or (a.size if a.periodic else a.size - 1) for a in problem.grid.axes))

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self.problem.grid.axes

    @property
    def widths(self) -> tuple[float, ...]:
        return tuple(a.length / n for a, n in zip(self.axes, self.cells, strict=True))

    def start(self, axis: int) -> float:
        """The first face."""
        return self.axes[axis].lower - (self.widths[axis] / 2 if self.axes[axis].periodic else 0.0)

    def centres(self, axis: int) -> Array:
        return self.start(axis) + self.widths[axis] * (np.arange(self.cells[axis]) + 0.5)

    def faces(self, axis: int) -> Array:
        return self.start(axis) + self.widths[axis] * np.arange(self.cells[axis] + 1)

    def averages(self, formula: Callable[[dict[str, Any]], Array], over: Sequence[int], at: dict[int, Array]) -> Array:
        """Gauss averages over cells of the axes in `over`, at the given coordinates along the others.

        formula: from coordinates by axis name (broadcast) to values. Returns one dimension per axis in over and at.
        """
        involved = sorted([*over, *at])
        total: Any = 0.0
        for nodes in product(range(len(NODES)), repeat=len(over)):
            shift = dict(zip(over, nodes, strict=True))
            lines = [
                at[a] if a in at else self.centres(a) + self.widths[a] / 2 * NODES[shift[a]] for a in involved
            ]
            points = np.meshgrid(*lines, indexing="ij")
            names = [self.axes[a].name for a in involved]
            weight = np.prod([WEIGHTS[n] / 2 for n in nodes])
            total = total + weight * formula(dict(zip(names, points, strict=True)))
        return np.asarray(total, dtype=np.float64)

    def initial(self) -> Array:
        """Cell averages of the initial data, (fields, *cells)."""
        problem, rows = self.problem, []
        for name in problem.equation.fields:
            if name in problem.initial_text:
                text = problem.initial_text[name]
                rows.append(self.averages(lambda at, text=text: self._given(text, at), range(len(self.cells)), {}))  # type: ignore[misc]
            else:
                values = np.asarray(problem.initial_values[name], dtype=np.float64)
                for index in range(len(self.cells)):
                    values = self._averaged(values, index)
                rows.append(values)
        return np.stack(rows)

    def _given(self, text: str, at: dict[str, Any]) -> Array:
        shape = np.broadcast_shapes(*(p.shape for p in at.values()))
        return self.problem.evaluate(text, at | {"t": self.problem.grid.times[0]}, {}, shape)

    def _averaged(self, values: Array, index: int) -> Array:
        """Point values along an axis to averages: of the Fourier series, or of a spline of degree five."""
        axis, n, width = self.axes[index], self.cells[index], self.widths[index]
        if not axis.periodic:
            spline = make_interp_spline(axis.points(), values, k=min(5, axis.size - 1 - axis.size % 2), axis=index)
            whole = spline.antiderivative()(self.faces(index))
            averages: Array = np.diff(whole, axis=index) / width
            return averages
        old = values.shape[index]
        spectrum = np.fft.rfft(np.moveaxis(values, index, -1), norm="forward")
        keep = (min(n, old) - 1) // 2 + 1
        resized = np.zeros((*spectrum.shape[:-1], n // 2 + 1), dtype=complex)
        resized[..., :keep] = spectrum[..., :keep] * np.sinc(np.arange(keep) / n)
        return np.moveaxis(np.fft.irfft(resized, n=n, norm="forward"), -1, index)


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


class Ghosts:
    """Cells beyond the ends of an axis: wrapped, or continued from inside and from what is given on the face."""

    def __init__(self, mesh: Mesh, device: str) -> None:
        self.mesh, self.device = mesh, device
        self.known: dict[int, tuple[float, tuple[Tensor | None, Tensor | None]]] = {}
        self.tables = {
            given: torch.as_tensor(_continuation(5, 4, given), device=device) for given in (False, True)
        }

    def widened(self, u: Tensor, axis: int, ghosts: int, ends: tuple[Tensor | None, Tensor | None] | None = None) -> Tensor:
        """u with `ghosts` more cells at both ends of an axis; ends: the values on the two faces, where given."""
        dim, n = axis + 1, u.shape[axis + 1]
        if self.mesh.axes[axis].periodic:
            return torch.cat([u.narrow(dim, n - ghosts, ghosts), u, u.narrow(dim, 0, ghosts)], dim)
        low, high = ends or (None, None)
        before = self._blend(u.narrow(dim, 0, 5), dim, low, ghosts).flip(dim)
        after = self._blend(u.narrow(dim, n - 5, 5).flip(dim), dim, high, ghosts)
        return torch.cat([before, u, after], dim)

    def _blend(self, inside: Tensor, dim: int, face: Tensor | None, ghosts: int) -> Tensor:
        """A polynomial of degree four where the data are smooth, the nearest datum where they are rough.

        Rough: squares of third differences are not small against those of first ones (compare Tan & Shu,
        J. Comput. Phys. 229, 2010, section 2.2).
        """
        data = inside if face is None else torch.cat([face.unsqueeze(dim), inside.narrow(dim, 0, 4)], dim)
        first = data.diff(dim=dim)
        third = first.diff(n=2, dim=dim)
        steep, bent = (first**2).sum(dim, keepdim=True), (third**2).sum(dim, keepdim=True)
        floor = (data.abs().amax(dim, keepdim=True) * 1e-8) ** 2 + 1e-200
        smooth = 1 / (1 + (ROUGH * bent / (steep + floor)) ** 4)
        table = self.tables[face is not None][:ghosts]
        quartic = torch.tensordot(table, data, dims=([1], [dim])).movedim(0, dim)
        nearest = data.narrow(dim, 0, 1)
        return nearest + smooth * (quartic - nearest)

    def everywhere(self, u: Tensor, ghosts: int, t: float) -> Tensor:
        """u widened along every axis, with the boundary data at time t."""
        for axis in range(len(self.mesh.cells)):
            ends = self.ends(axis, t)
            for other in range(axis):
                ends = tuple(None if e is None else self.beside(e, axis, other, ghosts) for e in ends)  # type: ignore[assignment]
            u = self.widened(u, axis, ghosts, ends)
        return u

    def beside(self, end: Tensor, axis: int, other: int, ghosts: int) -> Tensor:
        """Data on a face, widened along another axis."""
        return self.widened(end.unsqueeze(axis + 1), other, ghosts).squeeze(axis + 1)

    def ends(self, axis: int, t: float) -> tuple[Tensor | None, Tensor | None]:
        """Values on the lower and upper face, (fields, *cells of other axes), averaged; None where not given."""
        if axis in self.known and self.known[axis][0] == t:
            return self.known[axis][1]
        mesh, problem = self.mesh, self.mesh.problem
        name, over = mesh.axes[axis].name, [a for a in range(len(mesh.cells)) if a != axis]
        found: list[Tensor | None] = []
        for side, face in zip(SIDES, mesh.axes[axis].faces, strict=True):
            if face != "dirichlet":
                found.append(None)
                continue
            rows = [
                mesh.averages(lambda at, f=f, s=side: problem.boundary_values(f, name, s, at | {"t": t}), over, {})  # type: ignore[misc]
                for f in problem.equation.fields
            ]
            found.append(torch.as_tensor(np.stack(rows), device=self.device))
        self.known[axis] = (t, (found[0], found[1]))
        return found[0], found[1]
