"""u(x, y) = Σ C_ab e_a(x) e_b(y): Kronecker products are never formed, U = E₁ C E₂ᵀ. Boundary data, norms."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from sciml.problem import Array, Problem

from .basis import Basis
from .faces import Faces, face_data
from .pointwise import Pointwise, rms


class Tensor:
    """The equation on two bases, at their Gauss–Legendre nodes."""

    def __init__(self, problem: Problem, equation: Pointwise, x: Basis, y: Basis) -> None:
        self.problem, self.equation, self.x, self.y = problem, equation, x, y
        self.names = problem.equation.axes
        needed = sorted(set(equation.orders))
        self.ex = {m: x.matrix(x.nodes, m) for m in {m for m, _ in needed} | {0}}
        self.ey = {n: y.matrix(y.nodes, n) for n in {n for _, n in needed} | {0}}
        self.at = {self.names[0]: x.nodes[:, None], self.names[1]: y.nodes[None, :]}
        self.weights = np.outer(x.weights, y.weights)
        self.inner = (slice(len(x.faces), None), slice(len(y.faces), None))

    @property
    def unknowns(self) -> int:
        return int((self.x.rank - len(self.x.faces)) * (self.y.rank - len(self.y.faces)))

    def derivatives(self, c: Array) -> list[Array]:
        """Every derivative that the equation contains, at the nodes, each (n_x, n_y)."""
        return [self.ex[m] @ c @ self.ey[n].T for m, n in self.equation.orders]

    def evaluate(self, c: Array, points: Sequence[Array], orders: Sequence[int] = (0, 0)) -> Array:
        """A derivative of u on the grid of points[0] (n,) and points[1] (m,): (n, m)."""
        return self.x.matrix(points[0], orders[0]) @ c @ self.y.matrix(points[1], orders[1]).T

    def apply(self, slopes: list[Array], c: Array) -> Array:
        """The linearised operator on C, at the nodes."""
        return np.asarray(sum(a * d for a, d in zip(slopes, self.derivatives(c), strict=True)))

    def project(self, values: Array) -> Array:
        """Values at nodes -> coefficients of the inner functions (those that vanish on the faces)."""
        left = self.ex[0][:, self.inner[0]] * self.x.weights[:, None]
        right = self.ey[0][:, self.inner[1]] * self.y.weights[:, None]
        return left.T @ values @ right

    def norm(self, values: Array) -> float:
        """L2 norm over the rectangle of values at the nodes."""
        return float(np.sqrt((self.weights * values**2).sum()))

    def inside(self, block: Array) -> Array:
        """Coefficients of inner functions as a full C."""
        c = np.zeros((self.x.rank, self.y.rank))
        c[self.inner] = block
        return c

    @cached_property
    def boundary(self) -> Array:
        """C with all that the faces determine, zero inside."""
        c = np.zeros((self.x.rank, self.y.rank))
        kx, ky = len(self.x.faces), len(self.y.faces)
        if kx:
            data = self.data(0, self.y.nodes)  # (kx, n_y)
            c[:kx] = np.linalg.solve(self.x.faces[:, :kx], (data * self.y.weights) @ self.ey[0])
        if ky:
            data = self.data(1, self.x.nodes)
            side = np.linalg.solve(self.y.faces[:, :ky], (data * self.x.weights) @ self.ex[0]).T
            c[:kx, :ky] = 0.5 * (c[:kx, :ky] + side[:kx])  # corners are given twice
            c[kx:, :ky] = side[kx:]
        return c

    def data(self, axis: int, points: Array) -> Array:
        """Given data on the faces of `axis` at points of the other axis, (faces, n)."""
        return face_data(self.problem, axis, points)

    def misfit(self, c: Array) -> float:
        """rms over the faces, off the nodes, of what is not met; slopes count times the axis' length."""
        found = []
        for axis, (basis, other) in enumerate(((self.x, self.y), (self.y, self.x))):
            points = 0.5 * (other.nodes[1:] + other.nodes[:-1])
            full = c if axis == 0 else c.T
            for k, (_, _, order, _) in enumerate(Faces(basis.features.axis).sides):
                value = basis.faces[k] @ full @ other.matrix(points).T - self.data(axis, points)[k]
                found.append(rms(value) * basis.features.axis.length**order)
        return rms(np.array(found))
