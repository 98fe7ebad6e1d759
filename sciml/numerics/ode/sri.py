"""Stochastic Runge–Kutta methods of strong order 1.5 for diagonal noise (Itô): dy = f(t, y) dt + g(t, y) dW.

A. Rößler, Runge–Kutta methods for the strong approximation of solutions of stochastic differential equations, SIAM
J. Numer. Anal. 48 (2010), scheme SRI; SRIW1 is its table 6.4. SOSRI: Ch. Rackauckas & Q. Nie, Stability-optimized high
order methods and stiffness detection for pathwise stiff stochastic differential equations (2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .method import Tolerance
from .state import rms

Function = Callable[[Tensor, Tensor], Tensor]  # of t (samples,) and y (samples, components), as is its value
Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Scheme:
    """Stages of the drift use a0, b0 and stand at c0, those of the diffusion a1, b1, c1."""

    name: str
    c0: tuple[float, ...]
    c1: tuple[float, ...]
    a0: Rows
    b0: Rows
    a1: Rows
    b1: Rows
    alpha: tuple[float, ...]
    beta1: tuple[float, ...]
    beta2: tuple[float, ...]
    beta3: tuple[float, ...]
    beta4: tuple[float, ...]


SRIW1 = Scheme(
    "sriw1", (0.0, 0.75, 0.0, 0.0), (0.0, 0.25, 1.0, 0.25), ((), (0.75,), (0.0, 0.0), (0.0, 0.0, 0.0)),
    ((), (1.5,), (0.0, 0.0), (0.0, 0.0, 0.0)), ((), (0.25,), (1.0, 0.0), (0.0, 0.0, 0.25)),
    ((), (0.5,), (-1.0, 0.0), (-5.0, 3.0, 0.5)), (1 / 3, 2 / 3, 0.0, 0.0), (-1.0, 4 / 3, 2 / 3, 0.0),
    (-1.0, 4 / 3, -1 / 3, 0.0), (2.0, -4 / 3, -2 / 3, 0.0), (-2.0, 5 / 3, -2 / 3, 1.0),
)  # fmt: skip
SOSRI = Scheme(
    "sosri",
    (0.0, -0.04199224421316468, 0.7898405466170333, 3.7504010171562823),
    (0.0, 0.26204282091330466, 0.05879875232001766, 0.758661169101175),
    ((), (-0.04199224421316468,), (2.842612915017106, -2.0527723684000727),
     (4.338237071435815, -2.8895936137439793, 2.3017575594644466)),
    ((), (-0.21641093549612528,), (1.5336352863679572, 0.26066223492647056),
     (-1.0536037558179159, 1.7015284721089472, -0.20725685784180017)),
    ((), (0.26204282091330466,), (0.20903646383505375, -0.1502377115150361),
     (0.05836595312746999, 0.6149440396332373, 0.08535117634046772)),
    ((), (-0.5119011827621657,), (2.67767339866713, -4.9395031322250995),
     (0.15580956238299215, 3.2361551006624674, -1.4223118283355949)),
    (1.140099274172029, -0.6401334255743456, 0.4736296532772559, 0.026404498125060714),
    (-1.8453464565104432, 2.688764531100726, -0.2523866501071323, 0.40896857551684945),
    (0.4969658141589478, -0.5771202869753592, -0.12919702470322217, 0.2093514975196336),
    (2.8453464565104425, -2.688764531100725, 0.2523866501071322, -0.40896857551684945),
    (0.11522663875443433, -0.57877086147738, 0.2857851028163886, 0.17775911990655704),
)  # fmt: skip
SCHEMES = {scheme.name: scheme for scheme in (SOSRI, SRIW1)}


def _sum(weights: tuple[float, ...], terms: list[Tensor]) -> Tensor:
    total = torch.zeros_like(terms[0])
    for weight, term in zip(weights, terms, strict=False):
        if weight:
            total = torch.add(total, term, alpha=weight)
    return total


def step(
    scheme: Scheme, drift: Function, diffusion: Function, t: Tensor, h: Tensor, y: Tensor, dw: Tensor, dz: Tensor
) -> tuple[Tensor, Tensor]:
    """The state after h (samples,), and an estimate of its error, (samples, components).

    dw, dz: I(1) = ΔW and I(1,0) = ∫ (W_s - W_t) ds, (samples, components). The estimate: what the drift's weights add
    to Euler's, and the terms in I(1,0) and I(1,1,1), both of size h^1.5 (the second is E2 of Rackauckas & Nie, Adaptive
    methods for stochastic differential equations via natural embeddings and rejection sampling with memory, 2017).
    """
    wide = h[:, None]
    root = wide.sqrt()
    f: list[Tensor] = []
    g: list[Tensor] = []
    for i in range(4):
        first = second = y
        if i:
            first = y + wide * _sum(scheme.a0[i], f) + dz / wide * _sum(scheme.b0[i], g)
            second = y + wide * _sum(scheme.a1[i], f) + root * _sum(scheme.b1[i], g)
        f.append(drift(t + scheme.c0[i] * h, first))
        g.append(diffusion(t + scheme.c1[i] * h, second))
    double, triple = (dw * dw - wide) / 2, (dw * dw * dw - 3 * wide * dw) / 6
    higher = dz / wide * _sum(scheme.beta3, g) + triple / wide * _sum(scheme.beta4, g)
    along_drift = wide * _sum(scheme.alpha, f)
    end = y + along_drift + dw * _sum(scheme.beta1, g) + double / root * _sum(scheme.beta2, g) + higher
    return end, (along_drift - wide * f[0]).abs() + higher.abs()


def size(error: Tensor, y: Tensor, end: Tensor, tolerance: Tolerance) -> Tensor:
    """(samples,): root mean square in units of the tolerance."""
    return rms((error,), tolerance.scale((y,), (end,)))
