"""Costs by rows: a matrix, or points with a named cost, the plan stored or computed again in every product."""

from __future__ import annotations

import weakref

import numpy as np

from ...kernels import transport as compiled
from ...kernels.transport import COSTS, NORMAL, SWEEP
from . import chunks
from .geometry import Array, Geometry, Plan

STORED = 2**26  # entries of a plan that are kept, half a gigabyte; above it they are computed again
PAIRS = 2**28  # costs that are summed one by one


class RowsPlan(Plan):
    def __init__(self, geometry: Rows, r: Array, g: Array, eta: float) -> None:
        self.geometry, self.r, self.g, self.eta = geometry, r, g, eta
        self._rows = geometry.rows
        kept = geometry.room() if geometry.stored else None
        self.phi, self.columns = self._rows.softmin(r, g, eta, kept)
        self._kernel = compiled.Kernel(kept, self.phi, g, eta)
        if kept is not None:  # memory not seen before costs more than the exponentials that go into it
            weakref.finalize(self, geometry.spare.append, kept)

    def sweep(self, v: Array) -> tuple[Array, Array]:
        return self._rows.both(self._kernel, SWEEP, self.r, v)

    def normal(self, w: Array) -> Array:
        return self._rows.both(self._kernel, NORMAL, self.r, w)[1]

    def forward(self, w: Array) -> Array:
        return self._rows.product(self._kernel, w)

    def transposed(self, u: Array) -> Array:
        return self._rows.transposed(self._kernel, u)

    def cost(self) -> float:
        return float(self.r @ self._rows.mean_cost(self._kernel, False)[0])

    def slopes(self) -> Array:
        """Σ_j P_ij ∂C(x_i, y_j)/∂x_i: (n, d); of points only."""
        return self.r[:, None] * self._rows.mean_cost(self._kernel, True)[1]

    def entries(self, c: Array, share: float, most: int) -> compiled.Sparse | None:
        """P without entries that are below the share of both their row's and their column's mean; None: too many."""
        return self._rows.entries(self._kernel, self.r, c, share, most)


class Rows(Geometry):
    """matrix: (n, m); or x: (n, d), y: (m, d) and the name of a cost. stored: whether plans are kept in memory."""

    def __init__(
        self, matrix: Array | None = None, x: Array | None = None, y: Array | None = None, cost: str = "",
        stored: bool | None = None, threads: int = 1, device: str = "cpu",
    ) -> None:  # fmt: skip
        self.matrix, self.x, self.y, self.cost, self.threads, self.device = matrix, x, y, cost, threads, device
        self.rows: compiled.Rows | chunks.Rows
        if compiled.available() and device == "cpu":
            self.rows, self.path = compiled.Rows(matrix, x, y, cost, threads), "compiled"
        else:
            self.rows, self.path = chunks.Rows(matrix, x, y, cost, device), "torch"
        self.shape = (self.rows.n, self.rows.m)
        # a card computes entries again faster than they come from the host's memory
        self.stored = device == "cpu" and (self.shape[0] * self.shape[1] <= STORED if stored is None else stored)
        self.work = 4.0 if self.stored else 1.0
        self.spare: list[Array] = []  # matrices of plans that are gone

    def room(self) -> Array:
        return self.spare.pop() if self.spare else np.empty(self.shape)

    def softmin(self, r: Array, g: Array, eta: float) -> RowsPlan:
        return RowsPlan(self, r, g, eta)

    def flipped(self) -> Rows:
        matrix = None if self.matrix is None else self.matrix.T
        return Rows(matrix, self.y, self.x, self.cost, self.stored, self.threads, self.device)

    def spread(self) -> float:
        if self.matrix is not None:
            return float(self.matrix.max() - self.matrix.min())
        assert self.x is not None and self.y is not None
        both = np.concatenate([self.x, self.y])
        sides = both.max(0) - both.min(0)
        return float({"l1": sides.sum(), "euclidean": np.sqrt(sides @ sides)}.get(self.cost, sides @ sides))

    def product_cost(self, u: Array, v: Array) -> float:
        if self.matrix is not None:
            return float(u @ (self.matrix @ v))
        if self.shape[0] * self.shape[1] > PAIRS:
            return float(u.sum() * v.sum()) * self.spread()  # no cost is above that of the box's corners
        return chunks.Rows(None, self.x, self.y, self.cost).product_cost(u, v)


__all__ = ["COSTS", "Rows", "RowsPlan"]
