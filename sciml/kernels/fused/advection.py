"""Rate of a conserved quantity carried by a given velocity along one periodic axis, in flux form.

Values at faces by limited slopes (van Leer, J. Comput. Phys. 32, 1979; the limiters of LeVeque, Finite Volume Methods,
2002, chapter 6) or by WENO5 (Jiang & Shu, J. Comput. Phys. 126, 1996), taken from upwind. Their sum is kept.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..dispatch import block_for, blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .language import jit, tl
from .numbers import Numbers, moved

SCHEMES = ("minmod", "van leer", "mc", "weno5")


def advect(u: Tensor, velocity: Tensor, inverse_h: Tensor, axis: int, scheme: str = "mc") -> Tensor:
    """-∂(v u)/∂x of cell means u; velocity[i] at the face after cell i, both of the same shape; inverse_h: (1,)."""
    if scheme not in SCHEMES:
        raise ValueError(f"no scheme {scheme!r}; there are {', '.join(SCHEMES)}")
    require_shapes("advection", (velocity, u.shape), (inverse_h, (1,)))
    path = advect_triton if takes("advection", u, velocity, inverse_h) else advect_reference
    return path(u, velocity, inverse_h, axis, scheme)


def advect_reference(u: Tensor, velocity: Tensor, inverse_h: Tensor, axis: int, scheme: str = "mc") -> Tensor:
    a, b, c, d, e, f = (u.roll(2 - k, axis) for k in range(6))  # cells i-2 … i+3
    left, right = _value(a, b, c, d, e, scheme), _value(f, e, d, c, b, scheme)
    flux = velocity.clamp_min(0) * left + velocity.clamp_max(0) * right
    return (flux.roll(1, axis) - flux) * inverse_h


def _value(a: Tensor, b: Tensor, c: Tensor, d: Tensor, e: Tensor, scheme: str) -> Tensor:
    """At the face of cell c towards d."""
    if scheme == "weno5":
        smooth = (
            13 / 12 * (a - 2 * b + c) ** 2 + (a - 4 * b + 3 * c) ** 2 / 4,
            13 / 12 * (b - 2 * c + d) ** 2 + (b - d) ** 2 / 4,
            13 / 12 * (c - 2 * d + e) ** 2 + (3 * c - 4 * d + e) ** 2 / 4,
        )
        weights = [g / (1e-6 + s) ** 2 for g, s in zip((0.1, 0.6, 0.3), smooth, strict=True)]
        values = ((2 * a - 7 * b + 11 * c) / 6, (-b + 5 * c + 2 * d) / 6, (2 * c + 5 * d - e) / 6)
        return sum(w * v for w, v in zip(weights, values, strict=True)) / (weights[0] + weights[1] + weights[2])
    p, q = c - b, d - c
    same, small = p * q > 0, torch.minimum(p.abs(), q.abs())
    if scheme == "minmod":
        size = small
    elif scheme == "van leer":
        size = 2 * (p * q) / torch.where(same, (p + q).abs(), 1.0)
    else:
        size = torch.minimum(2 * small, (p + q).abs() / 2)
    return c + torch.where(same, torch.sign(p) * size, 0.0) / 2


@jit
def _face(a, b, c, d, e, SCHEME: tl.constexpr):
    if SCHEME == 3:
        x, y, z = a - 2 * b + c, b - 2 * c + d, c - 2 * d + e
        s0 = x * x * 13 / 12 + (a - 4 * b + 3 * c) * (a - 4 * b + 3 * c) / 4
        s1 = y * y * 13 / 12 + (b - d) * (b - d) / 4
        s2 = z * z * 13 / 12 + (3 * c - 4 * d + e) * (3 * c - 4 * d + e) / 4
        w0 = 0.1 / ((s0 + 1e-6) * (s0 + 1e-6))
        w1 = 0.6 / ((s1 + 1e-6) * (s1 + 1e-6))
        w2 = 0.3 / ((s2 + 1e-6) * (s2 + 1e-6))
        total = w0 * (2 * a - 7 * b + 11 * c) + w1 * (5 * c + 2 * d - b) + w2 * (2 * c + 5 * d - e)
        value = total / (6 * (w0 + w1 + w2))
    else:
        p, q = c - b, d - c
        same = p * q > 0
        small = tl.minimum(tl.abs(p), tl.abs(q))
        if SCHEME == 0:
            size = small
        elif SCHEME == 1:
            size = 2 * (p * q) / tl.where(same, tl.abs(p + q), 1.0)
        else:
            size = tl.minimum(2 * small, tl.abs(p + q) / 2)
        value = c + tl.where(same, tl.where(p > 0, size, -size), 0.0) / 2
    return value


@jit
def _advect(u, velocity, inverse_h, out, size, n, inner, SCHEME: tl.constexpr, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < size
    i = (p // inner) % n
    line = p - i * inner
    cells = ()
    for k in tl.static_range(7):  # i-3 … i+3
        place = (i + k - 3 + 3 * n) % n
        cells = cells + (tl.load(u + line + place * inner, mask=here, other=0.0),)
    before = tl.load(velocity + line + ((i + n - 1) % n) * inner, mask=here, other=0.0)
    after = tl.load(velocity + p, mask=here, other=0.0)
    left = _face(cells[0], cells[1], cells[2], cells[3], cells[4], SCHEME)
    right = _face(cells[5], cells[4], cells[3], cells[2], cells[1], SCHEME)
    flux_in = tl.where(before > 0, before * left, before * right)
    left = _face(cells[1], cells[2], cells[3], cells[4], cells[5], SCHEME)
    right = _face(cells[6], cells[5], cells[4], cells[3], cells[2], SCHEME)
    flux_out = tl.where(after > 0, after * left, after * right)
    tl.store(out + p, (flux_in - flux_out) * tl.load(inverse_h), mask=here)


def advect_triton(u: Tensor, velocity: Tensor, inverse_h: Tensor, axis: int, scheme: str = "mc") -> Tensor:
    u, axis = u.contiguous(), axis % u.dim()
    out, block = empty(u.shape, u), block_for(u.numel(), 256)
    launch(
        _advect, (blocks(u.numel(), block),), u, velocity.contiguous(), inverse_h, out, u.numel(), u.shape[axis],
        math.prod(u.shape[axis + 1 :]), SCHEME=SCHEMES.index(scheme), BLOCK=block,
    )  # fmt: skip
    return out


CASES = {  # shape, axis, scheme
    **{f"line, {scheme}": ((41,), 0, scheme) for scheme in SCHEMES},
    "three cells": ((2, 3), 1, "mc"),
    "plane, first axis": ((9, 5), 0, "weno5"),
    "box": ((3, 7, 2), 1, "van leer"),
}


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    shape, axis, scheme = case
    numbers = Numbers(dtype, device, seed)
    return numbers.real(*shape), numbers.real(*shape), torch.full((1,), 4.0, dtype=dtype, device=device), axis, scheme


KERNELS = [
    Kernel(
        name="advection", computes="flux-form advection with limited slopes or WENO5", formula="-(F_i+½ - F_i-½)/h",
        call=advect, reference=advect_reference, triton=advect_triton, tolerance={"float32": 4e-6, "float64": 1e-14},
        cases=CASES, make=_made, sized=lambda n: ((max(8, n // 3),), 0, "weno5"),
        bytes=lambda *a: moved(a) + moved(a[:1]),
        flops=lambda u, v, h, axis, scheme: u.numel() * (2 * (70 if scheme == "weno5" else 12) + 8),
    )
]  # fmt: skip
