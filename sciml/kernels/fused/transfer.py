"""Between two levels of multigrid (`fused.multigrid`): restriction of a residual that is never stored, prolongation
with correction. Fine inner points 1, 3, 5 … (from 0) are the coarse ones.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .language import jit, tl
from .multigrid import BLOCK, SHAPES, TOLERANCE, five_point_reference, five_points_at, level, require_level, square
from .numbers import moved


def restrict_residual(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor) -> Tensor:
    """Full weighting of f - A u to every second point: n, m odd -> (batch, (n-1)/2, (m-1)/2)."""
    require_level(u, kx, ky, f)
    path = restrict_triton if takes("restriction", u, f, kx, ky, batch=len(u)) else restrict_reference
    return path(u, f, kx, ky)


def correct(u: Tensor, e: Tensor) -> Tensor:
    """u plus a coarse correction, interpolated bilinearly."""
    require_shapes("prolongation", (e, (len(u), (u.shape[1] - 1) // 2, (u.shape[2] - 1) // 2)))
    return (correct_triton if takes("prolongation", u, e, batch=len(u)) else correct_reference)(u, e)


def restrict_reference(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor) -> Tensor:
    r = f - five_point_reference(u, kx, ky)
    one = u.new_tensor([0.25, 0.5, 0.25])
    return torch.nn.functional.conv2d(r[:, None], (one[:, None] * one)[None, None], stride=2)[:, 0]


def correct_reference(u: Tensor, e: Tensor) -> Tensor:
    for d, n in ((1, u.shape[1]), (2, u.shape[2])):
        i = torch.arange(n, device=u.device)
        around = torch.nn.functional.pad(e.movedim(d, -1), (1, 1))
        e = ((around[..., (i + 1) // 2] + around[..., i // 2 + 1]) / 2).movedim(-1, d)
    return u + e


@jit
def _restrict(u, f, kx, ky, out, n, m, coarse_n, coarse_m, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < coarse_n * coarse_m
    batch = tl.program_id(1)
    first = batch * n * m
    total = tl.zeros([BLOCK], out.dtype.element_ty)
    for a in tl.static_range(3):
        for b in tl.static_range(3):
            i = 2 * (p // coarse_m) + a
            j = 2 * (p % coarse_m) + b
            value, _ = five_points_at(u + first, kx, ky, i, j, n, m, here)
            r = tl.load(f + first + i * m + j, mask=here, other=0.0) - value
            total += r * ((2 if a == 1 else 1) * (2 if b == 1 else 1)) / 16
    tl.store(out + batch * coarse_n * coarse_m + p, total, mask=here)


@jit
def _correct(u, e, out, n, m, coarse_n, coarse_m, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < n * m
    batch = tl.program_id(1)
    first = batch * n * m
    coarse = e + batch * coarse_n * coarse_m
    i, j = p // m, p % m
    total = tl.zeros([BLOCK], out.dtype.element_ty)
    for a in tl.static_range(2):
        for b in tl.static_range(2):
            at_i = (i + 1) // 2 - 1 if a == 0 else i // 2
            at_j = (j + 1) // 2 - 1 if b == 0 else j // 2
            inside = here & (at_i >= 0) & (at_i < coarse_n) & (at_j >= 0) & (at_j < coarse_m)
            total += tl.load(coarse + at_i * coarse_m + at_j, mask=inside, other=0.0) / 4
    tl.store(out + first + p, tl.load(u + first + p, mask=here, other=0.0) + total, mask=here)


def restrict_triton(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor) -> Tensor:
    batch, n, m = u.shape
    coarse = ((n - 1) // 2, (m - 1) // 2)
    out = empty((batch, *coarse), u)
    block = BLOCK // 2  # nine operators a point fill the registers
    launch(_restrict, (blocks(coarse[0] * coarse[1], block), batch), u.contiguous(), f.contiguous(), kx.contiguous(),
           ky.contiguous(), out, n, m, *coarse, BLOCK=block)  # fmt: skip
    return out


def correct_triton(u: Tensor, e: Tensor) -> Tensor:
    batch, n, m = u.shape
    out = empty(u.shape, u)
    launch(_correct, (blocks(n * m, BLOCK), batch), u.contiguous(), e.contiguous(), out, n, m, *e.shape[1:],
           BLOCK=BLOCK)  # fmt: skip
    return out


def _corrected(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    u, f, _, _ = level(case, dtype, device, seed)
    return u, f[:, : (u.shape[1] - 1) // 2, : (u.shape[2] - 1) // 2].contiguous()


KERNELS = [
    Kernel(
        name="restriction", computes="full weighting of a residual that is not stored", formula="R (f - A u)",
        call=restrict_residual, reference=restrict_reference, triton=restrict_triton, tolerance=TOLERANCE,
        cases=SHAPES, make=level, sized=lambda n: square(n, 4.25),
        bytes=lambda *a: moved(a) + moved(a[:1]) // 4, flops=lambda u, *_: 16 * u.numel(),
    ),
    Kernel(
        name="prolongation", computes="bilinear interpolation of a coarse correction, added", formula="u + P e",
        call=correct, reference=correct_reference, triton=correct_triton, tolerance=TOLERANCE, cases=SHAPES,
        make=_corrected, sized=lambda n: square(n, 2.25), bytes=lambda u, e: 2 * moved((u,)) + moved((e,)),
        flops=lambda u, e: 5 * u.numel(),
    ),
]  # fmt: skip
