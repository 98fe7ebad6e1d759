"""Multigrid for symmetric five-point operators on a rectangle (Trottenberg, Oosterlee & Schüller, Multigrid, 2001).

The reference path in torch: the algorithm, level for level and colour for colour, of `kernels.multigrid`, which
computes instead where there is a compiler.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from ..kernels import multigrid as compiled

Array = NDArray[np.float64]
Fixed = tuple[bool, bool, bool, bool]  # whether u is given at the lower and upper end of x and of y
UNKNOWNS = 80  # up to which a grid is solved directly


class Multigrid(Protocol):
    """What both paths offer; the meaning is told in `kernels.multigrid.Multigrid`."""

    depth: int
    size: float

    def start(self, b: Array, x: Array) -> float: ...
    def cycle(self) -> float: ...
    def conjugate_step(self) -> float: ...
    def solution(self) -> Array: ...


def multigrid(
    ax: Array, by: Array, shift: Array | None, fixed: Fixed, pinned: bool = False, sweeps: int = 1, threads: int = 1
) -> Multigrid:
    """The compiled path where there is one, else the one in torch."""
    if compiled.available():
        return compiled.Multigrid(ax, by, shift, fixed, pinned, sweeps, threads)
    return TorchMultigrid(ax, by, shift, fixed, pinned, sweeps)


@dataclass
class Level:
    """ax: (nx-1, ny), by: (nx, ny-1), shift, diagonal: (nx, ny); free: 1 where u is unknown, else 0."""

    ax: Tensor
    by: Tensor
    shift: Tensor
    free: Tensor
    diagonal: Tensor
    red: Tensor

    @classmethod
    def of(cls, ax: Tensor, by: Tensor, shift: Tensor, fixed: Fixed) -> Level:
        free = torch.ones_like(shift)
        for given, face in zip(fixed, (free[0], free[-1], free[:, 0], free[:, -1]), strict=True):
            face.mul_(not given)
        around = pad(ax, (0, 0, 1, 1)), pad(by, (1, 1))
        diagonal = around[0][1:] + around[0][:-1] + around[1][:, 1:] + around[1][:, :-1] + shift
        i, j = (torch.arange(n) for n in shift.shape)
        return cls(ax, by, shift, free, diagonal, (i[:, None] + j) % 2 == 0)

    def neighbours(self, u: Tensor) -> Tensor:
        """Σ links · u of the neighbours."""
        found = torch.zeros_like(u)
        found[:-1] += self.ax * u[1:]
        found[1:] += self.ax * u[:-1]
        found[:, :-1] += self.by * u[:, 1:]
        found[:, 1:] += self.by * u[:, :-1]
        return found

    def residual(self, f: Tensor, u: Tensor) -> Tensor:
        return self.free * (f + self.neighbours(u) - self.diagonal * u)

    def relaxed(self, f: Tensor, u: Tensor, red: bool) -> Tensor:
        fresh = self.free * (f + self.neighbours(u)) / self.diagonal
        return torch.where(self.red == red, fresh, u)

    def coarser(self, fixed: Fixed) -> Level:
        """Links in a row are resistances in series, links side by side conductances."""
        ax = _weighted(_series(self.ax[0::2], self.ax[1::2]), 1)
        by = _weighted(_series(self.by[:, 0::2], self.by[:, 1::2]), 0)
        return Level.of(ax, by, _weighted(_weighted(self.shift, 0), 1), fixed)


def _series(a: Tensor, b: Tensor) -> Tensor:
    return a * b / (a + b)


def _weighted(values: Tensor, axis: int) -> Tensor:
    """Every second value plus half of its neighbours, along an axis: the transpose of linear interpolation."""
    moved = pad(values.movedim(axis, -1), (1, 1))
    return (moved[..., 1:-1:2] + 0.5 * (moved[..., :-2:2] + moved[..., 2::2])).movedim(-1, axis)


def _interpolated(values: Tensor, axis: int) -> Tensor:
    """Twice as many intervals, linearly."""
    moved = values.movedim(axis, -1)
    found = moved.new_empty((*moved.shape[:-1], 2 * moved.shape[-1] - 1))
    found[..., 0::2] = moved
    found[..., 1::2] = 0.5 * (moved[..., :-1] + moved[..., 1:])
    return found.movedim(-1, axis)


class TorchMultigrid:
    def __init__(
        self, ax: Array, by: Array, shift: Array | None, fixed: Fixed, pinned: bool = False, sweeps: int = 1
    ) -> None:
        links = torch.from_numpy(np.array(ax)), torch.from_numpy(np.array(by))
        rest = torch.zeros(by.shape[0], ax.shape[1], dtype=torch.float64)
        rest = rest if shift is None else torch.from_numpy(np.array(shift))
        self.levels, self.sweeps, self.size = [Level.of(*links, rest, fixed)], sweeps, 0.0
        while True:
            last = self.levels[-1]
            nx, ny = last.free.shape
            if not (nx % 2 and ny % 2 and min(nx, ny) > 4 and int(last.free.sum()) > UNKNOWNS):
                break
            self.levels.append(last.coarser(fixed))
        self.depth = len(self.levels)
        self.places, self.factor = _factored(last, pinned)
        self.direction: Tensor | None = None
        self.before = 0.0

    def start(self, b: Array, x: Array) -> float:
        top = self.levels[0]
        self.f, self.x = top.free * torch.from_numpy(np.array(b)), top.free * torch.from_numpy(np.array(x))
        self.r, self.direction = top.residual(self.f, self.x), None
        self.size = _norm(top.diagonal * self.x)
        return _norm(self.r)

    def cycle(self) -> float:
        assert self.direction is None, "cycles come before conjugate steps"
        self.x = self._descend(0, self.f, self.x)
        self.r = self.levels[0].residual(self.f, self.x)
        return _norm(self.r)

    def conjugate_step(self) -> float:
        top = self.levels[0]
        z = self._descend(0, self.r, torch.zeros_like(self.r))
        product = float((self.r * z).sum())
        self.direction = z if self.direction is None else z + product / self.before * self.direction
        image = -top.residual(torch.zeros_like(z), self.direction)
        curvature = float((self.direction * image).sum())
        length = product / curvature if curvature > 0 else 0.0
        self.x = self.x + length * self.direction
        self.r, self.before = self.r - length * image, product
        return _norm(self.r)

    def solution(self) -> Array:
        return np.array(self.x)

    def _descend(self, k: int, f: Tensor, u: Tensor) -> Tensor:
        level = self.levels[k]
        if k == self.depth - 1:
            found = torch.zeros_like(f)
            found.view(-1)[self.places] = torch.cholesky_solve(f.reshape(-1)[self.places][:, None], self.factor)[:, 0]
            return found
        for colour in (True, False) * self.sweeps:
            u = level.relaxed(f, u, colour)
        coarse = self.levels[k + 1]
        right = coarse.free * _weighted(_weighted(level.residual(f, u), 0), 1)
        u = u + _interpolated(_interpolated(self._descend(k + 1, right, torch.zeros_like(right)), 0), 1)
        for colour in (False, True) * self.sweeps:
            u = level.relaxed(f, u, colour)
        return u


def _factored(level: Level, pinned: bool) -> tuple[Tensor, Tensor]:
    """Where the unknowns are, and the Cholesky factor of their matrix. pinned: one vertex is held at 0."""
    places = torch.nonzero(level.free.reshape(-1))[:, 0][int(pinned) :]
    columns: list[Any] = []
    for place in places:
        unit = torch.zeros_like(level.free)
        unit.view(-1)[place] = 1.0
        columns.append((level.diagonal * unit - level.neighbours(unit)).reshape(-1)[places])
    return places, torch.linalg.cholesky(torch.stack(columns, 1))


def _norm(values: Tensor) -> float:
    return math.sqrt(float((values * values).sum()))
