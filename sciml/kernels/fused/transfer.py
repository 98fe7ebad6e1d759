"""Between two levels of multigrid (`fused.grid_level`): restriction of a residual that is never stored, prolongation
with correction. Restriction is the prolongation transposed, so that couplings are conductances on every level.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .grid_level import (
    BLOCK,
    SHAPES,
    TOLERANCE,
    First,
    coarse_shape,
    five_points_at,
    given,
    level,
    plain,
    require_level,
    square,
)
from .language import jit, tl
from .multigrid import five_point_reference
from .numbers import moved


def restrict_residual(
    u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None, first: First = (1, 1)
) -> Tensor:
    """Pᵀ (f - A u), P the bilinear interpolation."""
    require_level(u, kx, ky, shift, f)
    triton = takes("restriction", *given(u, f, kx, ky, shift), batch=len(u))
    return (restrict_triton if triton else restrict_reference)(u, f, kx, ky, shift, first)


def correct(u: Tensor, e: Tensor, first: First = (1, 1)) -> Tensor:
    """u plus a coarse correction, interpolated bilinearly."""
    require_shapes("prolongation", (e, coarse_shape(u.shape, first)))
    return (correct_triton if takes("prolongation", u, e, batch=len(u)) else correct_reference)(u, e, first)


def restrict_reference(
    u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None, first: First = (1, 1)
) -> Tensor:
    r = f - five_point_reference(u, kx, ky, shift)
    for d, place in ((1, first[0]), (2, first[1])):
        moved_r = torch.nn.functional.pad(r.movedim(d, -1), (1, 1))[..., place:]
        count = (moved_r.shape[-1] - 1) // 2
        low, own, high = (moved_r[..., k : k + 2 * count - 1 : 2] for k in range(3))
        r = (own + 0.5 * (low + high)).movedim(-1, d)
    return r


def correct_reference(u: Tensor, e: Tensor, first: First = (1, 1)) -> Tensor:
    for d, place in ((1, first[0]), (2, first[1])):
        n, own = u.shape[d], e.movedim(d, -1)
        around = torch.nn.functional.pad(own, (1, 1))
        found = own.new_empty((*own.shape[:-1], 2 * own.shape[-1] + 1))  # from half a step before the first
        found[..., 0::2] = (around[..., :-1] + around[..., 1:]) / 2
        found[..., 1::2] = own
        e = found[..., 1 - place : 1 - place + n].movedim(-1, d)
    return u + e


@jit
def _restrict(
    u, f, kx, ky, shift, out, n, m, coarse_n, coarse_m, first_i, first_j, SHIFTED: tl.constexpr, BLOCK: tl.constexpr
):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < coarse_n * coarse_m
    batch = tl.program_id(1)
    first = batch * n * m
    total = tl.zeros([BLOCK], out.dtype.element_ty)
    for a in tl.static_range(3):
        for b in tl.static_range(3):
            i = 2 * (p // coarse_m) + first_i + (a - 1)
            j = 2 * (p % coarse_m) + first_j + (b - 1)
            inside = here & (i >= 0) & (i < n) & (j >= 0) & (j < m)
            value, _ = five_points_at(u + first, kx, ky, shift, i, j, n, m, inside, SHIFTED)
            r = tl.load(f + first + i * m + j, mask=inside, other=0.0) - value
            total += r * ((2 if a == 1 else 1) * (2 if b == 1 else 1)) / 4
    tl.store(out + batch * coarse_n * coarse_m + p, total, mask=here)


@jit
def interpolated_at(coarse, i, j, coarse_n, coarse_m, first_i, first_j, here):
    """P e at fine points (i, j), where `here`; else zero."""
    total = 0.0
    for a in tl.static_range(2):
        for b in tl.static_range(2):
            at_i = (i + first_i) // 2 - first_i if a == 0 else (i + 1 - first_i) // 2
            at_j = (j + first_j) // 2 - first_j if b == 0 else (j + 1 - first_j) // 2
            inside = here & (at_i >= 0) & (at_i < coarse_n) & (at_j >= 0) & (at_j < coarse_m)
            total += tl.load(coarse + at_i * coarse_m + at_j, mask=inside, other=0.0) / 4
    return total


@jit
def _correct(u, e, out, n, m, coarse_n, coarse_m, first_i, first_j, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < n * m
    batch = tl.program_id(1)
    first = batch * n * m
    coarse = e + batch * coarse_n * coarse_m
    total = interpolated_at(coarse, p // m, p % m, coarse_n, coarse_m, first_i, first_j, here)
    tl.store(out + first + p, tl.load(u + first + p, mask=here, other=0.0) + total, mask=here)


def restrict_triton(
    u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None, first: First = (1, 1)
) -> Tensor:
    batch, n, m = u.shape
    _, *coarse = coarse_shape(u.shape, first)
    out = empty((batch, *coarse), u)
    block = BLOCK // 2  # nine operators a point fill the registers
    launch(_restrict, (blocks(coarse[0] * coarse[1], block), batch), u.contiguous(), f.contiguous(), kx.contiguous(),
           ky.contiguous(), plain(shift, u), out, n, m, *coarse, *first, SHIFTED=shift is not None,
           BLOCK=block)  # fmt: skip
    return out


def correct_triton(u: Tensor, e: Tensor, first: First = (1, 1)) -> Tensor:
    batch, n, m = u.shape
    out = empty(u.shape, u)
    launch(_correct, (blocks(n * m, BLOCK), batch), u.contiguous(), e.contiguous(), out, n, m, *e.shape[1:], *first,
           BLOCK=BLOCK)  # fmt: skip
    return out


def corrected(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    """u, e, places of the first coarse point."""
    u, f, *_, first = level(case, dtype, device, seed)
    _, n, m = coarse_shape(u.shape, first)
    return u, f[:, :n, :m].contiguous(), first


KERNELS = [
    Kernel(
        name="restriction", computes="restriction of a residual that is not stored", formula="Pᵀ (f - A u)",
        call=restrict_residual, reference=restrict_reference, triton=restrict_triton, tolerance=TOLERANCE,
        cases=SHAPES, make=level, sized=lambda n: square(n, 4.25),
        bytes=lambda *a: moved(a) + moved(a[:1]) // 4, flops=lambda u, *_: 16 * u.numel(),
    ),
    Kernel(
        name="prolongation", computes="bilinear interpolation of a coarse correction, added", formula="u + P e",
        call=correct, reference=correct_reference, triton=correct_triton, tolerance=TOLERANCE, cases=SHAPES,
        make=corrected, sized=lambda n: square(n, 2.25), bytes=lambda u, e, first: 2 * moved((u,)) + moved((e,)),
        flops=lambda u, *_: 5 * u.numel(),
    ),
]  # fmt: skip
