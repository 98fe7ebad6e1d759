"""Exponential Runge–Kutta steps for u_t = L u + N(u, t) with diagonal L.

φ_k(z) = Σ_j z^j / (j+k)!  (Hochbruck & Ostermann, Acta Numerica 2010, eq. 2.10). They are evaluated for any
complex z: by their series where |z| is small, by recurrence elsewhere. (A contour mean of which only the real
part is kept is wrong for imaginary z and costs a dispersive equation its order.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

SERIES_RADIUS, SERIES_TERMS = 1.5, 28


def phi_functions(z: Any, count: int) -> list[Any]:
    """[φ_0, …, φ_count] of every entry of a complex tensor or numpy array, to a few units of rounding."""
    xp: Any = torch if isinstance(z, Tensor) else np
    small = abs(z) < SERIES_RADIUS
    inner, outer = xp.where(small, z, 0), xp.where(small, 1, z)
    result = [xp.exp(z)]
    by_recurrence = xp.exp(outer)
    for k in range(1, count + 1):
        by_recurrence = (by_recurrence - _inverse_factorial(k - 1, z)) / outer
        series = xp.zeros_like(z)
        for j in reversed(range(SERIES_TERMS)):  # Horner
            series = series * inner + _inverse_factorial(j + k, z)
        result.append(xp.where(small, series, by_recurrence))
    return result


def _inverse_factorial(n: int, like: Any) -> Any:
    """1/n! in the precision of `like` (n! itself is exact up to 25! in extended precision)."""
    if isinstance(like, Tensor) or like.dtype != np.clongdouble:
        return 1 / math.factorial(n)
    return np.longdouble(1) / np.longdouble(math.factorial(n))


@dataclass(frozen=True)
class Etdrk4:
    """Coefficients of one step of size h: Cox & Matthews (J. Comput. Phys. 176, 2002), eqs. 26–29."""

    step: float
    half: Any  # exp(hL/2)
    full: Any  # exp(hL)
    inner: Any  # h/2 φ1(hL/2)
    first: Any
    middle: Any
    last: Any

    @classmethod
    def build(cls, linear: Any, h: float) -> Etdrk4:
        half_phi = phi_functions(linear * (h / 2), 1)
        _, phi1, phi2, phi3 = phi_functions(linear * h, 3)
        return cls(
            step=h, half=half_phi[0], full=half_phi[0] ** 2, inner=h / 2 * half_phi[1],
            first=h * (phi1 - 3 * phi2 + 4 * phi3), middle=h * (2 * phi2 - 4 * phi3), last=h * (4 * phi3 - phi2),
        )  # fmt: skip

    def advance(self, u: Any, t: float, nonlinear: Callable[[Any, float], Any], n_u: Any) -> Any:
        """One step; n_u = N(u, t), which step doubling shares between its two tries. Three evaluations.

        Tensors or numpy arrays alike.
        """
        h = self.step
        base = self.half * u
        a = base + self.inner * n_u
        n_a = nonlinear(a, t + h / 2)
        b = base + self.inner * n_a
        n_b = nonlinear(b, t + h / 2)
        c = self.half * a + self.inner * (2 * n_b - n_u)
        n_c = nonlinear(c, t + h)
        return self.full * u + self.first * n_u + self.middle * (n_a + n_b) + self.last * n_c
