"""Costs C = c1(i1, j1) + c2(i2, j2) between two grids of two axes: every product is two batches of small ones.

    S = B A,  A[j2](i1, j1) = exp(eta (g - c1) - h(i1, j2)),  B[i1](i2, j2) = exp(eta phi - eta c2 + h(i1, j2)),

with h the log-sum-exp along the first axis. Both factors have entries of at most 1, whatever eta: the separable kernel
without its underflow. Costs n1 n2 m2 + n1 m1 m2 operations a product in place of n1 n2 m1 m2.
"""

from __future__ import annotations

import numpy as np
import torch

from ...kernels import transport as compiled
from ...kernels.transport import FORWARD, NORMAL, SWEEP, TRANSPOSED
from .geometry import Array, Geometry, Plan


class GridPlan(Plan):
    def __init__(self, geometry: Grid, r: Array, g: Array, eta: float) -> None:
        self.geometry, self.r, self.g, self.eta = geometry, r, g, eta
        c1, c2 = geometry.c1, geometry.c2
        grid = g.reshape(c1.shape[1], c2.shape[1])
        if geometry.path == "compiled":
            self.first, self.second, phi = compiled.grid_softmin(c1, c2, grid, eta)
        else:
            self.first, self.second, phi = softmin_torch(c1, c2, grid, eta, geometry.device)
        self.phi = phi.ravel()
        self.columns = self.transposed(r)

    def _product(self, mode: int, r: Array | None, w: Array | None) -> tuple[Array, Array]:
        if self.geometry.path == "compiled":
            rows, columns = compiled.grid_product(self.first, self.second, mode, r, w)
        else:
            rows, columns = product_torch(self.first, self.second, mode, r, w, self.geometry.device)
        return rows.ravel(), columns.ravel()

    def sweep(self, v: Array) -> tuple[Array, Array]:
        return self._product(SWEEP, self.r, v)

    def normal(self, w: Array) -> Array:
        return self._product(NORMAL, self.r, w)[1]

    def forward(self, w: Array) -> Array:
        return self._product(FORWARD, None, w)[0]

    def transposed(self, u: Array) -> Array:
        return self._product(TRANSPOSED, u, None)[1]

    def cost(self) -> float:
        """From the plans that P leaves on either axis."""
        r = self.r.reshape(self.second.shape[:2])
        between = np.einsum("ab,abd->ad", r, self.second)  # mass of (i1, j2)
        one = np.einsum("dac,ad,ac->", self.first, between, self.geometry.c1)
        return float(one + np.einsum("ab,abd,bd->", r, self.second, self.geometry.c2))


class Grid(Geometry):
    """c1: (n1, m1), c2: (n2, m2); weights and potentials are flat, the second axis running fastest."""

    def __init__(self, c1: Array, c2: Array, device: str = "cpu") -> None:
        self.c1, self.c2, self.device = compiled.plain(c1), compiled.plain(c2), device
        (n1, m1), (n2, m2) = c1.shape, c2.shape
        self.shape, self.work = (n1 * n2, m1 * m2), 4.0
        self.path = "compiled" if compiled.available() and device == "cpu" else "torch"

    def softmin(self, r: Array, g: Array, eta: float) -> GridPlan:
        return GridPlan(self, r, g, eta)

    def flipped(self) -> Grid:
        return Grid(self.c1.T, self.c2.T, self.device)

    def spread(self) -> float:
        return float(np.ptp(self.c1) + np.ptp(self.c2))

    def product_cost(self, u: Array, v: Array) -> float:
        (n1, m1), (n2, m2) = self.c1.shape, self.c2.shape
        first, second = u.reshape(n1, n2), v.reshape(m1, m2)
        return float(first.sum(1) @ self.c1 @ second.sum(1) + first.sum(0) @ self.c2 @ second.sum(0))

    def matrix(self) -> Array:
        """(n, m), for comparisons."""
        total = self.c1[:, None, :, None] + self.c2[None, :, None, :]
        return np.ascontiguousarray(total.reshape(self.shape))


def softmin_torch(c1: Array, c2: Array, g: Array, eta: float, device: str = "cpu") -> tuple[Array, Array, Array]:
    one, two, known = (torch.as_tensor(np.ascontiguousarray(a), device=device) for a in (c1, c2, g))
    e = eta * (known.T[:, None, :] - one)  # (m2, n1, m1)
    between = torch.logsumexp(e, 2)  # (m2, n1)
    massless = torch.isneginf(between)
    first = torch.exp(e - torch.where(massless, 0.0, between)[:, :, None])
    e = between.T[:, None, :] - eta * two  # (n1, n2, m2)
    total = torch.logsumexp(e, 2)
    second = torch.exp(e - total[:, :, None])
    return first.cpu().numpy(), second.cpu().numpy(), (-total / eta).cpu().numpy()


def product_torch(
    first: Array, second: Array, mode: int, r: Array | None, w: Array | None, device: str = "cpu"
) -> tuple[Array, Array]:
    a, b = torch.as_tensor(first, device=device), torch.as_tensor(second, device=device)
    (m2, n1, m1), n2 = a.shape, b.shape[1]
    rows = a.new_empty(n1, n2)
    weights = None if r is None else torch.as_tensor(r, device=device).reshape(n1, n2)
    if mode != TRANSPOSED:
        assert w is not None
        across = torch.as_tensor(np.ascontiguousarray(w.reshape(m1, m2).T), device=device)
        rows = (b @ (a @ across[:, :, None]).squeeze(2).T[:, :, None]).squeeze(2)
    if mode == FORWARD:
        return rows.cpu().numpy(), np.empty((m1, m2))
    assert weights is not None
    if mode != TRANSPOSED:
        weights = weights / rows if mode == SWEEP else weights * rows
    after = (weights[:, None, :] @ b).squeeze(1)  # (n1, m2)
    columns = (after.T[:, None, :] @ a).squeeze(1)  # (m2, m1)
    return rows.cpu().numpy(), columns.T.cpu().numpy()
