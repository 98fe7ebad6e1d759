"""Truncated conjugate gradients on the quotient by constants, for Newton's equation of the semi-dual.

With phi eliminated (rows exact) the Hessian in g is -eta (D - N), D = diag(columns), N = Sᵀ diag(r) S: the Schur
complement of the Hessian in (phi, g). Its null space, (1, -1) in both potentials, is here the constants; D^-1 N is a
stochastic matrix with eigenvalues sigma², so a Sinkhorn sweep contracts by sigma_2² where conjugate gradients,
preconditioned by D, contract by (1 - s)/(1 + s), s = sqrt(1 - sigma_2²), at the price of the same one pass over S.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sciml.numerics.transport.geometry import Array


@dataclass
class Solved:
    """step: x with (D - N) x ≈ b, of mean 0; residual: Σ|b - (D - N) x| over Σ|b|; iterations: products with N, or as
    many as an elimination cost (direct)."""

    step: Array
    residual: float
    iterations: int
    direct: bool = False


def solve(normal: Callable[[Array], Array], columns: Array, b: Array, forcing: float, most: int) -> Solved:
    """normal(w) = N w; columns: (m,) = N 1; b: (m,) with Σ b = 0. Until the residual is forcing·Σ|b|."""
    inverse = np.divide(1.0, columns, out=np.zeros_like(columns), where=columns > 0)
    mass = columns.sum()
    b = b - columns * (b.sum() / mass)
    x, residual, size = np.zeros_like(b), b.copy(), float(np.abs(b).sum())
    if size == 0.0:
        return Solved(x, 0.0, 0)
    z = inverse * residual
    p, rho, left, k = z, float(residual @ z), 1.0, 0
    while k < most and left > forcing:
        q = columns * p - normal(p)
        curvature = float(p @ q)
        k += 1
        if not curvature > 0:  # rounding: nothing more to be gained in this direction
            break
        alpha = rho / curvature
        x += alpha * p
        residual -= alpha * q
        residual -= columns * (residual.sum() / mass)
        left = float(np.abs(residual).sum()) / size
        z = inverse * residual
        rho, old = float(residual @ z), rho
        p = z + (rho / old) * p
    return Solved(x - float(columns @ x) / mass, left, k)
