"""A step of conjugate gradients on a multigrid level (`fused.grid_level`) in two visits to memory: the operator with
the curvature along a direction; the step along it with the norm of what is left.

Sums over a grid: each program leaves one number, and torch adds those. No number leaves the device.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .grid_level import BLOCK, SHAPES, five_points_at, given, level, plain, require_level, square
from .language import jit, tl
from .multigrid import five_point_reference
from .numbers import moved


def curvature(p: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """A p and <p, A p>, (batch,)."""
    require_level(p, kx, ky, shift)
    triton = takes("curvature", *given(p, kx, ky, shift), batch=len(p))
    return (curvature_triton if triton else curvature_reference)(p, kx, ky, shift)


def advance(x: Tensor, r: Tensor, p: Tensor, q: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x + length p, r' = r - length q and |r'|², (batch,); length: (batch,)."""
    require_shapes("conjugate step", (r, x.shape), (p, x.shape), (q, x.shape), (length, x.shape[:1]))
    triton = takes("conjugate step", x, r, p, q, length, batch=len(x))
    return (advance_triton if triton else advance_reference)(x, r, p, q, length)


def curvature_reference(p: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> tuple[Tensor, Tensor]:
    q = five_point_reference(p, kx, ky, shift)
    return q, (p * q).sum((1, 2))


def advance_reference(x: Tensor, r: Tensor, p: Tensor, q: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    far = length[:, None, None]
    rest = r - far * q
    return x + far * p, rest, (rest * rest).sum((1, 2))


@jit
def _curvature(p, kx, ky, shift, q, sums, n, m, SHIFTED: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = at < n * m
    first = tl.program_id(1) * n * m
    value, _ = five_points_at(p + first, kx, ky, shift, at // m, at % m, n, m, here, SHIFTED)
    tl.store(q + first + at, value, mask=here)
    product = tl.load(p + first + at, mask=here, other=0.0) * value
    tl.store(sums + tl.program_id(1) * tl.num_programs(0) + tl.program_id(0), tl.sum(product, 0))


@jit
def _advance(x, r, p, q, length, out_x, out_r, sums, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = at < count
    at += tl.program_id(1) * count
    far = tl.load(length + tl.program_id(1))
    rest = tl.load(r + at, mask=here, other=0.0) - far * tl.load(q + at, mask=here, other=0.0)
    tl.store(out_r + at, rest, mask=here)
    moved_x = tl.load(x + at, mask=here, other=0.0) + far * tl.load(p + at, mask=here, other=0.0)
    tl.store(out_x + at, moved_x, mask=here)
    tl.store(sums + tl.program_id(1) * tl.num_programs(0) + tl.program_id(0), tl.sum(rest * rest, 0))


def curvature_triton(p: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> tuple[Tensor, Tensor]:
    batch, n, m = p.shape
    programs = blocks(n * m, BLOCK)
    q, sums = empty(p.shape, p), empty((batch, programs), p)
    launch(_curvature, (programs, batch), p.contiguous(), kx.contiguous(), ky.contiguous(), plain(shift, p), q, sums,
           n, m, SHIFTED=shift is not None, BLOCK=BLOCK)  # fmt: skip
    return q, sums.sum(1)


def advance_triton(x: Tensor, r: Tensor, p: Tensor, q: Tensor, length: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    batch, n, m = x.shape
    block = 4 * BLOCK
    programs = blocks(n * m, block)
    out_x, out_r, sums = empty(x.shape, x), empty(x.shape, x), empty((batch, programs), x)
    launch(_advance, (programs, batch), x.contiguous(), r.contiguous(), p.contiguous(), q.contiguous(),
           length.contiguous(), out_x, out_r, sums, n * m, BLOCK=block)  # fmt: skip
    return out_x, out_r, sums.sum(1)


def _directed(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    p, _, kx, ky, shift, _ = level(case, dtype, device, seed)
    return p, kx, ky, shift


def _stepped(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    x, r, *_ = level(case, dtype, device, seed)
    return x, r, x + 2 * r, 2 * x - r, torch.linspace(0.25, 0.75, len(x), device=device).to(dtype)


SUMMED = {"float32": 4e-6, "float64": 1e-14}  # sums of a few thousand numbers in another order
KERNELS = [
    Kernel(
        name="curvature", computes="the five-point operator and its quadratic form", formula="A p, <p, A p>",
        call=curvature, reference=curvature_reference, triton=curvature_triton, tolerance=SUMMED, cases=SHAPES,
        make=_directed, sized=lambda n: square(n, 4), bytes=lambda *a: moved(a) + moved(a[:1]) + _sums(a[0]),
        flops=lambda p, kx, ky, shift: (13 if shift is None else 15) * p.numel(),
    ),
    Kernel(
        name="conjugate step", computes="a step along a direction, the residual after it and its norm",
        formula="x + α p, r - α q, |r - α q|²", call=advance, reference=advance_reference, triton=advance_triton,
        tolerance=SUMMED, cases=SHAPES, make=_stepped, sized=lambda n: square(n, 6),
        bytes=lambda *a: moved(a) + moved(a[:2]) + _sums(a[0]), flops=lambda x, *_: 6 * x.numel(),
    ),
]  # fmt: skip


def _sums(x: Tensor) -> int:
    return len(x) * x.element_size()
