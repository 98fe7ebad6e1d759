"""Uniform cells on a box, and averages over them.

On a periodic axis the problem's points are centres of cells, on one with ends they are faces (when `cells` is a
multiple of the problem's own number). A state is (fields, *cells); `dim` counts its dimensions, so axis a is dim a + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy.interpolate import make_interp_spline

from sciml.problem import Array, Axis, Problem

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
        return tuple(float(a.length / n) for a, n in zip(self.axes, self.cells, strict=True))

    def start(self, axis: int) -> float:
        """The first face."""
        return self.axes[axis].lower - (self.widths[axis] / 2 if self.axes[axis].periodic else 0.0)

    def centres(self, axis: int) -> Array:
        found: Array = self.start(axis) + self.widths[axis] * (np.arange(0.5, self.cells[axis], dtype=np.float64))
        return found

    def faces(self, axis: int) -> Array:
        found: Array = self.start(axis) + self.widths[axis] * np.arange(self.cells[axis] + 1, dtype=np.float64)
        return found

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
