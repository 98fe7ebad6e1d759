"""The torch path of `kernels.transport.Rows`: the same numbers, some rows at a time, on any device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...kernels.transport import COSTS, SWEEP, Array, Kernel, Sparse

AT_ONCE = 2**22  # entries of a chunk of rows


class Rows:
    """matrix: (n, m), or x: (n, d), y: (m, d) and the name of a cost."""

    def __init__(self, matrix: Array | None, x: Array | None, y: Array | None, cost: str, device: str = "cpu") -> None:
        self.device, self.cost = device, cost
        self.matrix, self.x, self.y = (None if a is None else self._in(a) for a in (matrix, x, y))
        if self.matrix is not None:
            self.n, self.m = self.matrix.shape
        else:
            assert self.x is not None and self.y is not None and cost in COSTS
            self.n, self.m = len(self.x), len(self.y)

    def _in(self, array: Array) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(array, dtype=np.float64), device=self.device)

    def _parts(self) -> list[slice]:
        step = max(1, AT_ONCE // self.m)
        return [slice(i, min(i + step, self.n)) for i in range(0, self.n, step)]

    def _costs(self, part: slice) -> Tensor:
        if self.matrix is not None:
            return self.matrix[part]
        assert self.x is not None and self.y is not None
        total = self.x.new_zeros(part.stop - part.start, self.m)
        for d in range(self.x.shape[1]):
            apart = self.x[part, d, None] - self.y[None, :, d]
            total += apart.abs() if self.cost == "l1" else apart * apart
        return total.sqrt() if self.cost == "euclidean" else total

    def _rows(self, kernel: Kernel, part: slice) -> Tensor:
        if kernel.kept is not None:
            return self._in(kernel.kept[part])
        phi, g = self._in(kernel.phi[part]), self._in(kernel.g)
        return torch.exp(kernel.eta * (phi[:, None] + g - self._costs(part)))

    def product_cost(self, u: Array, v: Array) -> float:
        vector = self._in(v)
        return float(sum(float(self._in(u[part]) @ (self._costs(part) @ vector)) for part in self._parts()))

    def softmin(self, r: Array, g: Array, eta: float, kept: Array | None) -> tuple[Array, Array]:
        phi, known = np.empty(self.n), self._in(g)
        columns = torch.zeros(self.m, dtype=torch.float64, device=self.device)
        for part in self._parts():
            e = eta * (known - self._costs(part))
            total = torch.logsumexp(e, 1)
            s = torch.exp(e - total[:, None])
            phi[part] = (-total / eta).cpu().numpy()
            columns += self._in(r[part]) @ s
            if kept is not None:
                kept[part] = s.cpu().numpy()
        return phi, columns.cpu().numpy()

    def both(self, kernel: Kernel, mode: int, r: Array, w: Array) -> tuple[Array, Array]:
        rows, columns = np.empty(self.n), torch.zeros(self.m, dtype=torch.float64, device=self.device)
        vector, weights = self._in(w), self._in(r)
        for part in self._parts():
            s = self._rows(kernel, part)
            t = s @ vector
            rows[part] = t.cpu().numpy()
            columns += (weights[part] / t if mode == SWEEP else weights[part] * t) @ s
        return rows, columns.cpu().numpy()

    def product(self, kernel: Kernel, w: Array) -> Array:
        vector = self._in(w)
        return np.concatenate([(self._rows(kernel, part) @ vector).cpu().numpy() for part in self._parts()])

    def transposed(self, kernel: Kernel, u: Array) -> Array:
        vector, columns = self._in(u), torch.zeros(self.m, dtype=torch.float64, device=self.device)
        for part in self._parts():
            columns += vector[part] @ self._rows(kernel, part)
        result: Array = columns.cpu().numpy()
        return result

    def mean_cost(self, kernel: Kernel, slope: bool) -> tuple[Array, Array]:
        rows, slopes = np.empty(self.n), np.empty((self.n if slope else 0, 0 if self.x is None else self.x.shape[1]))
        for part in self._parts():
            s, costs = self._rows(kernel, part), self._costs(part)
            rows[part] = (s * costs).sum(1).cpu().numpy()
            for d in range(slopes.shape[1] if slope else 0):
                slopes[part, d] = (s * self._slope(part, d, costs)).sum(1).cpu().numpy()
        return rows, slopes

    def _slope(self, part: slice, d: int, costs: Tensor) -> Tensor:
        """∂C/∂x_d; the root has none where points coincide, it counts as zero."""
        assert self.x is not None and self.y is not None
        apart = self.x[part, d, None] - self.y[None, :, d]
        if self.cost == "squared euclidean":
            return 2 * apart
        if self.cost == "l1":
            return apart.sign()
        return torch.where(costs > 0, apart / torch.where(costs > 0, costs, 1.0), 0.0)

    def entries(self, kernel: Kernel, r: Array, c: Array, share: float, most: int) -> Sparse | None:
        counts, index, value, left = [], [], [], most
        other, weights = self._in(c), self._in(r)
        for part in self._parts():
            p = weights[part, None] * self._rows(kernel, part)
            least = torch.minimum(share / self.m * weights[part, None], share / self.n * other)
            keep = (p >= least) & (p > 0)
            counts.append(keep.sum(1).cpu().numpy())
            left -= int(counts[-1].sum())
            if left < 0:
                return None
            index.append(keep.nonzero()[:, 1].to(torch.int32).cpu().numpy())
            value.append(p[keep].cpu().numpy())
        start = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64)
        return Sparse(start, np.concatenate(index), np.concatenate(value), self.m)
