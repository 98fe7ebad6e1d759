"""A ⊗ S + S ⊗ B on coefficients of a rectangle: A Y S_yᵀ + S_x Y Bᵀ = F, solved by one Schur form and banded systems.

With K = A⁻¹ S_x = Q T Qᴴ (bounded, unlike A) and Z = Qᴴ Y, row i of T-triangular form reads

    (S_y + T_ii B) z_i = (Qᴴ A⁻¹ F)_i - Σ_(j>i) T_ij B z_j,

after Bartels & Stewart (1972) and Townsend & Olver, J. Comput. Phys. 299 (2015). Nothing is diagonalised, so that
first-order axes, far from normal, are as stable as second-order ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, schur, solve_banded

from sciml.errors import RunFailed
from sciml.problem import Array

from .direct import SINGULAR, factorised


class Separable:
    """a, s_x: (nx, nx), b, s_y: (ny, ny) sparse. `shift` moves shift·S from b to a, to keep a away from singular."""

    def __init__(self, a: Any, s_x: Any, b: Any, s_y: Any, shift: float = 0.0) -> None:
        a, b = a + shift * s_x, b - shift * s_y
        self.divide = factorised(a.tocsc())
        self.b = b
        self.q, self.t = _schur(self.divide(s_x.toarray()))
        self.below, self.above = _bands(s_y), _bands(b)
        self.width = tuple(max(p, q) for p, q in zip(self.below, self.above, strict=True))
        self.s_band, self.b_band = _banded(s_y, *self.width), _banded(b, *self.width)

    def solve(self, f: Array) -> Array:
        """Y from F, (nx, ny)."""
        right = self.q.conj().T @ self.divide(f)
        z, bz = np.empty_like(right), np.empty_like(right)
        for i in range(len(right) - 1, -1, -1):
            row = right[i] - self.t[i, i + 1 :] @ bz[i + 1 :]
            try:
                z[i] = solve_banded(self.width, self.s_band + self.t[i, i] * self.b_band, row, check_finite=False)
            except LinAlgError:
                raise RunFailed(SINGULAR) from None
            bz[i] = self.b @ z[i]
        found: Array = np.ascontiguousarray((self.q @ z).real)
        return found


def _schur(k: Array) -> tuple[Any, Any]:
    """Complex Schur form; of the even and the odd half apart where they are not coupled: a quarter of the work."""
    n = len(k)
    halves = (np.arange(0, n, 2), np.arange(1, n, 2))
    size = np.abs(k).max()
    if max(np.abs(k[np.ix_(*halves)]).max(), np.abs(k[np.ix_(*halves[::-1])]).max()) > 1e-15 * size:
        t, q = schur(k, output="complex")
        return q, t
    q, t = np.zeros((n, n), dtype=complex), np.zeros((n, n), dtype=complex)
    first = 0
    for half in halves:
        part, vectors = schur(k[np.ix_(half, half)], output="complex")
        last = first + len(half)
        t[first:last, first:last], q[half, first:last] = part, vectors
        first = last
    return q, t


def _bands(matrix: Any) -> tuple[int, int]:
    """How many diagonals below and above the main one."""
    entries = matrix.tocoo()
    offsets = (entries.col - entries.row)[entries.data != 0]
    return max(0, -int(offsets.min(initial=0))), max(0, int(offsets.max(initial=0)))


def _banded(matrix: Any, lower: int, upper: int) -> Array:
    """LAPACK's band storage."""
    entries = matrix.tocoo()
    found = np.zeros((lower + upper + 1, matrix.shape[1]))
    inside = entries.data != 0
    row, col = entries.row[inside], entries.col[inside]
    found[upper + row - col, col] = entries.data[inside]
    return found
