"""Gibbs kernels of optimal transport, compiled: native/transport.cpp.

Everywhere S_ij = exp(eta (phi_i + g_j - C_ij)) has rows that sum to 1, and a plan is P = diag(r) S.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .native.compile import library

Array = NDArray[np.float64]
COSTS = ("squared euclidean", "euclidean", "l1")
MOST_COSTS = 2**27  # entries of a matrix of costs that is stored
SWEEP, NORMAL, TRANSPOSED, FORWARD = range(4)  # what a product weighs its rows with: r/(S w), r (S w), r, nothing


def available() -> bool:
    """Whether there is a compiled library (`native.compile.notice` says why not)."""
    return library("transport") is not None


class Rows:
    """Costs by rows: a matrix (n, m), or points x: (n, d), y: (m, d) with a named cost."""

    def __init__(
        self, matrix: Array | None, x: Array | None = None, y: Array | None = None, cost: str = "", threads: int = 1
    ) -> None:
        self.matrix = None if matrix is None else plain(matrix)
        self.x = None if x is None else plain(x)
        self.y = None if y is None else plain(y.T)  # a coordinate of all points lies together
        if self.matrix is not None:
            (self.n, self.m), self.dim, kind = self.matrix.shape, 0, -1
        else:
            assert self.x is not None and self.y is not None and self.x.shape[1] == self.y.shape[0]
            (self.n, self.dim), self.m, kind = self.x.shape, self.y.shape[1], COSTS.index(cost)
        self._task = _Task(at(self.matrix), at(self.x), at(self.y), self.n, self.m, self.dim, kind, threads)

    def softmin(self, r: Array, g: Array, eta: float, kept: Array | None) -> tuple[Array, Array]:
        """phi: (n,) that makes rows sum to 1, and Σ_i r_i S_ij: (m,). kept: (n, m), filled with S, or None."""
        phi, columns = np.empty(self.n), np.empty(self.m)
        r, g = sized(r, self.n), sized(g, self.m)
        assert kept is None or (kept.shape == (self.n, self.m) and kept.flags.c_contiguous)
        _library().softmin(self._task, at(r), at(g), eta, at(phi), at(kept), at(columns))
        return phi, columns

    def both(self, kernel: Kernel, mode: int, r: Array, w: Array) -> tuple[Array, Array]:
        """S w: (n,) and Sᵀ(weights): (m,) in one pass; weights r/(S w) for SWEEP, r (S w) for NORMAL."""
        assert mode in (SWEEP, NORMAL)
        rows, columns = np.empty(self.n), np.empty(self.m)
        r, w = sized(r, self.n), sized(w, self.m)
        _library().both(self._task, *kernel.at, mode, at(r), at(w), at(rows), at(columns))
        return rows, columns

    def product(self, kernel: Kernel, w: Array) -> Array:
        """S w: (n,)."""
        rows, w = np.empty(self.n), sized(w, self.m)
        _library().product(self._task, *kernel.at, at(w), at(rows), None, None)
        return rows

    def transposed(self, kernel: Kernel, u: Array) -> Array:
        """Sᵀ u: (m,)."""
        columns, u = np.empty(self.m), sized(u, self.n)
        _library().product(self._task, *kernel.at, None, None, at(u), at(columns))
        return columns

    def mean_cost(self, kernel: Kernel, slope: bool) -> tuple[Array, Array]:
        """Σ_j S_ij C_ij: (n,), and Σ_j S_ij ∂C_ij/∂x_i: (n, d), of no rows unless asked for."""
        rows = np.empty(self.n)
        slopes = np.empty((self.n if slope else 0, self.dim))
        _library().mean_cost(self._task, *kernel.at, at(rows), at(slopes) if slope else None)
        return rows, slopes

    def entries(self, kernel: Kernel, r: Array, c: Array, share: float, most: int) -> Sparse | None:
        """P without the entries below both share·r_i/m and share·c_j/n; None where more than `most` are left."""
        r, c = sized(r, self.n), sized(c, self.m)
        count = np.zeros(self.n, dtype=np.int64)
        asked = (self._task, *kernel.at, at(r), at(c), share)
        _library().kept_entries(*asked, at(count), None, None, None)
        start = np.concatenate([[0], np.cumsum(count)])
        if start[-1] > most:
            return None
        index, value = np.empty(start[-1], dtype=np.int32), np.empty(start[-1])
        _library().kept_entries(*asked, at(count), at(start), at(index), at(value))
        return Sparse(start, index, value, self.m)


class Kernel:
    """S at potentials phi, g: stored, or computed again in every product (kept None)."""

    def __init__(self, kept: Array | None, phi: Array, g: Array, eta: float) -> None:
        self.kept, self.phi, self.g, self.eta = kept, plain(phi), plain(g), eta
        self.at = (at(kept), at(self.phi), at(self.g), eta)


class Sparse:
    """A plan by its rows: row i holds value[start_i:start_i+1] in columns index[start_i:start_i+1]."""

    def __init__(self, start: NDArray[np.int64], index: NDArray[np.int32], value: Array, m: int) -> None:
        self.start, self.index, self.value, self.shape = start, index, value, (len(start) - 1, m)

    def normal(self, r: Array, w: Array) -> Array:
        """Pᵀ diag(1/r) P w: (m,)."""
        (n, m), columns = self.shape, np.empty(self.shape[1])
        if not available():
            from scipy.sparse import csr_matrix

            plan = csr_matrix((self.value, self.index, self.start), shape=self.shape)
            inverse = np.divide(1.0, r, out=np.zeros_like(r), where=r > 0)
            return np.asarray(plan.T @ (inverse * (plan @ w)))
        r, w = sized(r, n), sized(w, m)
        _library().sparse_normal(n, m, 1, at(self.start), at(self.index), at(self.value), at(r), at(w), at(columns))
        return columns


def laplacian(weights: Array, leak: Array, b: Array) -> Array:
    """x with Σ_j w_ij (x_i - x_j) + leak_i x_i = b_i; weights: (m, m), symmetric, the diagonal does not count."""
    m = len(b)
    assert weights.shape == (m, m)
    weights, leak, b, x = plain(weights).copy(), sized(leak, m).copy(), sized(b, m).copy(), np.empty(m)
    _library().laplacian(m, at(weights), at(leak), at(b), at(x))
    return x


def grid_softmin(c1: Array, c2: Array, g: Array, eta: float, threads: int = 1) -> tuple[Array, Array, Array]:
    """S = B A of a grid; c1: (n1, m1), c2: (n2, m2), g: (m1, m2) -> A: (m2, n1, m1), B: (n1, n2, m2), phi: (n1, n2)."""
    (n1, m1), (n2, m2) = c1.shape, c2.shape
    first, second, phi = np.empty((m2, n1, m1)), np.empty((n1, n2, m2)), np.empty((n1, n2))
    c1, c2, g = plain(c1), plain(c2), plain(g.T)
    assert g.shape == (m2, m1)
    _library().grid_softmin(n1, n2, m1, m2, threads, at(c1), at(c2), at(g), eta, at(first), at(second), at(phi))
    return first, second, phi


def grid_product(
    first: Array, second: Array, mode: int, r: Array | None, w: Array | None, threads: int = 1
) -> tuple[Array, Array]:
    """S w: (n1, n2) and Sᵀ(weights): (m1, m2), in one of the four modes; what a mode does not want stays undefined."""
    (m2, n1, m1), n2 = first.shape, second.shape[1]
    rows, columns = np.empty((n1, n2)), np.empty((m2, m1))
    assert mode == FORWARD or r is not None
    assert mode == TRANSPOSED or w is not None
    r, w = None if r is None else sized(r, n1 * n2), None if w is None else plain(w.reshape(m1, m2).T)
    _library().grid_product(
        n1, n2, m1, m2, threads, at(first), at(second), mode, at(r), at(w), at(rows), at(columns)
    )  # fmt: skip
    return rows, columns.T


def plain(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.float64)


def sized(array: Array, size: int) -> Array:
    """As C++ reads it; a vector of another length would be read past its end."""
    array = plain(array)
    assert array.size == size, (array.shape, size)
    return array


def at(array: NDArray[Any] | None) -> int | None:
    return None if array is None else int(array.ctypes.data)


class _Task(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("matrix", "x", "y")] + [
        (name, ctypes.c_int64) for name in ("n", "m", "dim", "kind", "threads")
    ]


@cache
def _library() -> ctypes.CDLL:
    """With argument types: pointers and whole numbers are not to be cut to 32 bits."""
    found = library("transport")
    assert found is not None, "ask `available` first"
    pointer, number, real, task = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.POINTER(_Task)
    kernel: list[Any] = [task, pointer, pointer, pointer, real]
    found.softmin.argtypes = [task, pointer, pointer, real, *[pointer] * 3]
    found.both.argtypes = [*kernel, number, *[pointer] * 4]
    found.product.argtypes = [*kernel, *[pointer] * 4]
    found.mean_cost.argtypes = [*kernel, *[pointer] * 2]
    found.kept_entries.argtypes = [*kernel, pointer, pointer, real, *[pointer] * 4]
    found.sparse_normal.argtypes = [number] * 3 + [pointer] * 6
    found.laplacian.argtypes = [number] + [pointer] * 4
    found.grid_softmin.argtypes = [number] * 5 + [pointer] * 3 + [real] + [pointer] * 3
    found.grid_product.argtypes = [number] * 5 + [pointer] * 2 + [number] + [pointer] * 4
    for function in ("softmin", "both", "product", "mean_cost", "kept_entries", "sparse_normal", "laplacian",
                     "grid_softmin", "grid_product"):  # fmt: skip
        getattr(found, function).restype = None
    return found
