"""Several half sweeps of red-black Gauss–Seidel on a level (`fused.grid_level`) in one visit to memory, after a coarse
correction (`fused.transfer`) or from zero.

A program holds a tile of points and their couplings in registers. Each half sweep spoils one more line of points along
the tile's edge, where neighbours are missing; so tiles overlap, and only what is right is stored (overlapped tiling).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .grid_level import (
    SHAPES,
    TOLERANCE,
    First,
    coarse_shape,
    diagonal_of,
    given,
    level,
    plain,
    require_level,
    square,
)
from .language import jit, tl
from .numbers import moved
from .transfer import correct_reference, interpolated_at

TALL, WIDE, WARPS = 32, 64, 16  # points of a tile, which fill the registers of a multiprocessor; who computes them
MOST = 4  # half sweeps of one visit: of 32 × 64 points they leave 24 × 56


def relax(
    u: Tensor | None, f: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None, e: Tensor | None = None,
    first: First = (1, 1), colour: int = 0, halves: int = 2,
) -> Tensor:  # fmt: skip
    """u (None: zero) plus the interpolated e (None: zero), after half sweeps with alternating colours. The first takes
    points with i + j of parity `colour`."""
    require_level(f, kx, ky, shift, *given(u))
    if e is not None:
        require_shapes("relaxation", (e, coarse_shape(f.shape, first)))
    triton = takes("relaxation", *given(u, f, kx, ky, shift, e), batch=len(f))
    return (relax_triton if triton else relax_reference)(u, f, kx, ky, shift, e, first, colour, halves)


def neighbours(u: Tensor, kx: Tensor, ky: Tensor) -> Tensor:
    """Σ couplings · u of the neighbours."""
    found = torch.zeros_like(u)
    found[:, :-1] += kx[1:-1] * u[:, 1:]
    found[:, 1:] += kx[1:-1] * u[:, :-1]
    found[..., :-1] += ky[:, 1:-1] * u[..., 1:]
    found[..., 1:] += ky[:, 1:-1] * u[..., :-1]
    return found


def relax_reference(
    u: Tensor | None, f: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None, e: Tensor | None = None,
    first: First = (1, 1), colour: int = 0, halves: int = 2,
) -> Tensor:  # fmt: skip
    u = torch.zeros_like(f) if u is None else u
    u = u if e is None else correct_reference(u, e, first)
    diagonal = diagonal_of(kx, ky, shift)
    i, j = (torch.arange(n, device=f.device) for n in f.shape[1:])
    even = (i[:, None] + j) % 2 == 0
    for k in range(halves):
        fresh = (f + neighbours(u, kx, ky)) / diagonal
        u = torch.where(even if (colour + k) % 2 == 0 else ~even, fresh, u)
    return u


@jit
def _relax(
    u, f, kx, ky, shift, e, out, n, m, coarse_n, coarse_m, first_i, first_j, FROM_ZERO: tl.constexpr,
    SHIFTED: tl.constexpr, CORRECTED: tl.constexpr, COLOUR: tl.constexpr, HALVES: tl.constexpr, HALO: tl.constexpr,
    TALL: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    across = tl.cdiv(m, WIDE - 2 * HALO)
    rows = tl.arange(0, TALL)[:, None]
    columns = tl.arange(0, WIDE)[None, :]
    i = (tl.program_id(0) // across) * (TALL - 2 * HALO) - HALO + rows
    j = (tl.program_id(0) % across) * (WIDE - 2 * HALO) - HALO + columns
    here = (i >= 0) & (i < n) & (j >= 0) & (j < m)
    at = i * m + j
    first = tl.program_id(1) * n * m
    west = tl.load(kx + at, mask=here, other=0.0)
    east = tl.load(kx + at + m, mask=here, other=0.0)
    south = tl.load(ky + at + i, mask=here, other=0.0)
    north = tl.load(ky + at + i + 1, mask=here, other=0.0)
    right = tl.load(f + first + at, mask=here, other=0.0)
    diagonal = west + east + south + north
    if SHIFTED:
        diagonal += tl.load(shift + at, mask=here, other=0.0)
    diagonal = tl.where(here, diagonal, 1.0)
    if FROM_ZERO:
        v = tl.zeros([TALL, WIDE], out.dtype.element_ty)
    else:
        v = tl.load(u + first + at, mask=here, other=0.0)
    if CORRECTED:
        coarse = e + tl.program_id(1) * coarse_n * coarse_m
        v += interpolated_at(coarse, i, j, coarse_n, coarse_m, first_i, first_j, here)
    whole = tl.zeros([TALL, WIDE], tl.int32)
    before_i = tl.maximum(rows - 1, 0) + whole
    after_i = tl.minimum(rows + 1, TALL - 1) + whole
    before_j = tl.maximum(columns - 1, 0) + whole
    after_j = tl.minimum(columns + 1, WIDE - 1) + whole
    for k in tl.static_range(HALVES):
        if FROM_ZERO and not CORRECTED and k == 0:
            fresh = right / diagonal
        else:
            fresh = right + west * tl.gather(v, before_i, 0) + east * tl.gather(v, after_i, 0)
            fresh += south * tl.gather(v, before_j, 1) + north * tl.gather(v, after_j, 1)
            fresh = fresh / diagonal
        v = tl.where(here & (((i + j + COLOUR + k) & 1) == 0), fresh, v)
    inner = here & (rows >= HALO) & (rows < TALL - HALO) & (columns >= HALO) & (columns < WIDE - HALO)
    tl.store(out + first + at, v, mask=inner)


def relax_triton(
    u: Tensor | None, f: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None, e: Tensor | None = None,
    first: First = (1, 1), colour: int = 0, halves: int = 2,
) -> Tensor:  # fmt: skip
    batch, n, m = f.shape
    f, kx, ky = f.contiguous(), kx.contiguous(), ky.contiguous()
    while True:
        now = min(halves, MOST)
        halo = now - (u is None and e is None)  # neighbours that are zero spoil nothing
        tiles = blocks(n, TALL - 2 * halo) * blocks(m, WIDE - 2 * halo)
        out = empty(f.shape, f)
        launch(
            _relax, (tiles, batch), plain(u, f), f, kx, ky, plain(shift, f), plain(e, f), out, n, m,
            *((1, 1) if e is None else e.shape[1:]), *first, FROM_ZERO=u is None, SHIFTED=shift is not None,
            CORRECTED=e is not None, COLOUR=colour, HALVES=now, HALO=halo, TALL=TALL, WIDE=WIDE, num_warps=WARPS,
        )  # fmt: skip
        halves, colour = halves - now, (colour + now) % 2
        if not halves:
            return out
        u, e = out, None


WAYS = {  # from zero, with a coarse correction, colour, half sweeps
    "down": (True, False, 0, 4), "up": (False, True, 1, 4), "again": (False, False, 1, 3), "many": (True, True, 0, 6),
}  # fmt: skip
SIZES = {**{name: SHAPES[name] for name in SHAPES if name != "smallest"}, "tiles": (2, 51, 119, (1, 1), True)}


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    shape, (from_zero, correction, colour, halves) = case
    u, f, kx, ky, shift, first = level(shape, dtype, device, seed)
    _, n, m = coarse_shape(f.shape, first)
    return None if from_zero else u, f, kx, ky, shift, 0.5 * f[:, :n, :m] if correction else None, first, colour, halves


def _flops(u: Tensor | None, f: Tensor, *rest: Any) -> int:
    """A half sweep computes half of the points; the diagonal is summed once."""
    _, _, shift, e, _, _, halves = rest
    return int(f.numel() * (9 * halves // 2 + 3 + (shift is not None) + 5 * (e is not None)))


KERNELS = [
    Kernel(
        name="relaxation", computes="half sweeps of red-black Gauss–Seidel in one visit to memory",
        formula="u + P e; then, colour by colour, u = (f + Σ k u of neighbours)/diag A", call=relax,
        reference=relax_reference, triton=relax_triton, tolerance=TOLERANCE,
        cases={f"{way}, {size}": (SIZES[size], WAYS[way]) for way in WAYS for size in SIZES
               if way == "up" or size == "tiles"},
        make=_made,
        sized=lambda n: (square(n, 4), WAYS["down"]), bytes=lambda *a: moved(a) + moved(a[1:2]), flops=_flops,
    ),
]  # fmt: skip
