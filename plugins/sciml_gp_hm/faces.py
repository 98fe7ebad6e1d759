"""Boundary operators of an axis, and the data given with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sciml.problem import Array, Axis, Problem

from .features import Features


@dataclass(frozen=True)
class Faces:
    """The boundary operators of one axis: derivative orders (0: value, 1: outward slope), ends, signs."""

    axis: Axis

    @property
    def sides(self) -> list[tuple[str, float, int, float]]:
        """(side, point, order, sign) of every face with data."""
        ends = (("lower", self.axis.lower, -1.0), ("upper", self.axis.upper, 1.0))
        return [
            (side, point, int(face == "neumann"), sign if face == "neumann" else 1.0)
            for (side, point, sign), face in zip(ends, self.axis.faces, strict=True)
            if face != "open"
        ]

    def rows(self, features: Features) -> Array:
        """The operators on the features, (faces, p)."""
        rows = [sign * features.matrix(np.array([point]), order)[0] for _, point, order, sign in self.sides]
        return np.array(rows).reshape(len(rows), features.count)


def end_data(problem: Problem) -> Array:
    """Given data at the ends of the only axis, (faces,)."""
    (name,), (axis,) = problem.equation.fields, problem.grid.axes
    at = {"t": np.float64(0.0)}
    return np.array([float(problem.boundary_values(name, axis.name, side, at)) for side, *_ in Faces(axis).sides])


def face_data(problem: Problem, axis: int, points: Array) -> Array:
    """Given data on the faces of `axis` (0: x, 1: y) of a rectangle, at points of the other axis, (faces, n)."""
    (name,) = problem.equation.fields
    here, other = problem.grid.axes[axis], problem.grid.axes[1 - axis]
    at = {other.name: points, "t": np.float64(0.0)}
    rows = [problem.boundary_values(name, here.name, side, at) for side, _, _, _ in Faces(here).sides]
    return np.array(rows).reshape(len(rows), len(points))
