"""Where the equation is asked to hold: collocation points inside, and points on faces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciml.problem import SIDES, Problem

from .series import Index


@dataclass(frozen=True)
class Face:
    """One condition: derivative `index` of field number `output` at `points` (dim, n), times `sign` (outward)."""

    output: int
    field: str
    axis: str
    side: str
    index: Index
    sign: float
    points: Tensor

    def data(self, problem: Problem, t: float) -> Tensor:
        """What is given there at time t. (n,)"""
        names = problem.equation.axes
        at = {name: self.points[a].numpy() for a, name in enumerate(names) if name != self.axis}
        values = problem.boundary_values(self.field, self.axis, self.side, at | {"t": np.float64(t)})
        return torch.as_tensor(np.broadcast_to(values, self.points.shape[1:]).copy())


class Samples:
    """A uniform grid of cell centres with `per_axis` cells, and its conditions."""

    def __init__(self, problem: Problem, per_axis: int) -> None:
        axes = problem.grid.axes
        self.per_axis = per_axis
        lines = [self._line(a.lower, a.length) for a in axes]
        self.points = torch.stack([g.reshape(-1) for g in torch.meshgrid(*lines, indexing="ij")])
        self.count = self.points.shape[1]
        self.faces: list[Face] = []
        for a, axis in enumerate(axes):
            for side, kind in zip(SIDES, axis.faces, strict=True):
                if kind not in ("dirichlet", "neumann"):
                    continue
                at = axis.lower if side == "lower" else axis.upper
                others = [
                    torch.tensor([at], dtype=torch.float64) if b == a else self._line(o.lower, o.length)
                    for b, o in enumerate(axes)
                ]
                points = torch.stack([g.reshape(-1) for g in torch.meshgrid(*others, indexing="ij")])
                normal = tuple(int(b == a) for b in range(len(axes)))
                index = normal if kind == "neumann" else (0,) * len(axes)
                sign = -1.0 if kind == "neumann" and side == "lower" else 1.0
                for output, name in enumerate(problem.equation.fields):
                    self.faces.append(Face(output, name, axis.name, side, index, sign, points))

    def _line(self, lower: float, length: float) -> Tensor:
        return lower + length / self.per_axis * (torch.arange(self.per_axis, dtype=torch.float64) + 0.5)

    def face_weight(self, face: Face) -> float:
        """A condition counts as much as all the points inside: it is exact, they are a quadrature."""
        return math.sqrt(self.count / face.points.shape[1])


def grid_points(problem: Problem) -> Tensor:
    """The problem's own grid. (dim, points)"""
    grids = np.meshgrid(*(axis.points() for axis in problem.grid.axes), indexing="ij")
    return torch.as_tensor(np.stack([g.ravel() for g in grids]))
