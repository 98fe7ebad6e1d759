"""Banded operators on Chebyshev coefficients (Olver & Townsend, SIAM Review 55, 2013, sections 2 and 3).

The k-th derivative takes T to the ultraspherical basis C^(k) along one diagonal; conversions C^(k) -> C^(k+1) and
multiplications are banded. All orders of an equation of order m are collected in C^(m), which has none of the n⁴
rounding of differentiation matrices.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import hankel, toeplitz

from sciml.problem import Array

Matrix = Any  # a scipy.sparse matrix
NEGLIGIBLE = 1e-15  # relative size of a factor's last coefficients that are rounding errors of its transform


@cache
def conversion(n: int, low: int, high: int) -> Matrix:
    """(n, n): C^(low) -> C^(high); C^(0) stands for T."""
    found = sparse.identity(n, format="csr")
    j = np.arange(n, dtype=np.float64)
    for k in range(low, high):
        if k == 0:
            main, upper = np.where(j == 0, 1.0, 0.5), np.full(n - 2, -0.5)
        else:
            main, upper = k / (k + j), -k / (k + j[2:])
        found = sparse.diags_array([main, upper], offsets=[0, 2], format="csr") @ found
    return found


@cache
def derivative(n: int, order: int) -> Matrix:
    """(n, n): T -> C^(order), d^order/dξ^order (eq. 2.3)."""
    if not order:
        return sparse.identity(n, format="csr")
    j = np.arange(order, n, dtype=np.float64)
    return sparse.diags_array(
        [2.0 ** (order - 1) * math.factorial(order - 1) * j], offsets=[order], shape=(n, n), format="csr"
    )


def multiplication(factor: Array, n: int, k: int) -> Matrix:
    """(n, n): multiplication by Σ factor_j T_j inside C^(k) (section 3.1)."""
    size = np.abs(factor)
    kept = int(np.max(np.nonzero(size > NEGLIGIBLE * size.max(initial=0.0))[0], initial=0)) + 1
    if kept == 1:
        return factor[0] * sparse.identity(n, format="csr")
    if k > 1:
        return _by_recurrence(factor[:kept], n, k)
    a = np.zeros(2 * n + 1)
    a[: min(kept, 2 * n)] = factor[:kept][: 2 * n]
    column = a[:n] / 2
    column[0] = a[0]
    if k == 0:  # T_j T_m = (T_(m+j) + T_|m-j|)/2
        folded = hankel(a[:n], a[n - 1 : 2 * n - 1]) / 2
        folded[0] = 0.0
    else:  # T_j U_m = (U_(m+j) + U_(m-j))/2 with U_(-p) = -U_(p-2)
        folded = -hankel(a[2 : n + 2], a[n + 1 :]) / 2
    return sparse.csr_array(toeplitz(column) + folded)


def _by_recurrence(a: Array, n: int, k: int) -> Matrix:
    """Clenshaw's recurrence in the matrix of multiplication by ξ, with room for what the last columns reach."""
    size = n + len(a)
    j = np.arange(size, dtype=np.float64)
    below, above = (j[:-1] + 1) / (2 * (j[:-1] + k)), (j[1:] + 2 * k - 1) / (2 * (j[1:] + k))
    times = sparse.diags_array([below, above], offsets=[-1, 1], format="csr")
    one = sparse.identity(size, format="csr")
    last, before = a[-1] * one, 0.0 * one
    for value in a[-2:0:-1]:
        last, before = 2.0 * (times @ last) - before + value * one, last
    return sparse.csr_array((times @ last - before + a[0] * one)[:n, :n])
