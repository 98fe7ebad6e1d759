"""Exponential Runge–Kutta steps for u_t = L u + N(u, t) with diagonal L.

φ_k(z) = Σ_j z^j / (j+k)!  (Hochbruck & Ostermann, Acta Numerica 2010, eq. 2.10). They are evaluated for any
complex z: by their series where |z| is small, by recurrence elsewhere. (A contour mean of which only the real
part is kept is wrong for imaginary z and costs a dispersive equation its order.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
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
    """Coefficients of one step of size h: Krogstad's fourth-order scheme (J. Comput. Phys. 203, 2005, eq. 51).

    Its last line is that of Cox & Matthews (same journal 176, 2002, eq. 29); its stages are of higher stiff order:
    on Kuramoto–Sivashinsky the error is a third at the same step. Where |hL| passes through 1 to 100 on modes that
    matter, both fall short of order 4 until h is small (Hochbruck & Ostermann 2010, §2.7).
    """

    step: Any  # a number, or (2,) for two tables side by side
    half: Any  # exp(hL/2)
    full: Any  # exp(hL)
    half1: Any  # h/2 φ1(hL/2)
    half2: Any  # h φ2(hL/2)
    full1: Any  # h φ1(hL)
    full2: Any  # 2h φ2(hL)
    first: Any
    middle: Any
    last: Any

    @classmethod
    def build(cls, linear: Any, h: float) -> Etdrk4:
        half, half1, half2 = phi_functions(linear * (h / 2), 2)
        full, phi1, phi2, phi3 = phi_functions(linear * h, 3)
        return cls(
            step=h, half=half, full=full, half1=h / 2 * half1, half2=h * half2, full1=h * phi1, full2=2 * h * phi2,
            first=h * (phi1 - 3 * phi2 + 4 * phi3), middle=h * (2 * phi2 - 4 * phi3), last=h * (4 * phi3 - phi2),
        )  # fmt: skip

    def beside(self, other: Etdrk4) -> Etdrk4:
        """Two steps from the same state at once, of this size and of the other's: fewer, larger operations."""
        xp: Any = torch if isinstance(self.full, Tensor) else np
        pairs = {f.name: (getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.name != "step"}
        real, steps = self.full.real, [self.step, other.step]
        step = real.new_tensor(steps) if xp is torch else np.array(steps, real.dtype)
        return Etdrk4(step=step, **{name: xp.stack(pair) for name, pair in pairs.items()})

    def advance(self, u: Any, t: float, nonlinear: Callable[[Any, Any], Any], n_u: Any) -> Any:
        """One step; n_u = N(u, t), which step doubling shares between its tries. Three evaluations.

        Tensors or numpy arrays alike; two tables side by side answer with a batch of two.
        """
        h = self.step
        a = self.half * u + self.half1 * n_u
        n_a = nonlinear(a, t + h / 2)
        b = a + self.half2 * (n_a - n_u)
        n_b = nonlinear(b, t + h / 2)
        whole = self.full * u
        c = whole + self.full1 * n_u + self.full2 * (n_b - n_u)
        n_c = nonlinear(c, t + h)
        return whole + self.first * n_u + self.middle * (n_a + n_b) + self.last * n_c
