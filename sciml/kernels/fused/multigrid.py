"""The operator of a multigrid level (`fused.grid_level`), and smoothers fused with their residual. Several sweeps at
once: `fused.relaxation`; between levels: `fused.transfer`; conjugate gradients: `fused.conjugate`.
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
    diagonal_of,
    five_points_at,
    given,
    level,
    plain,
    require_level,
    square,
)
from .language import jit, tl
from .numbers import moved


def five_point(u: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> Tensor:
    """A u."""
    require_level(u, kx, ky, shift)
    triton = takes("five-point operator", *given(u, kx, ky, shift), batch=len(u))
    return (five_point_triton if triton else five_point_reference)(u, kx, ky, shift)


def smooth(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, factors: Tensor, d: Tensor | None = None, colour: int = -1,
           shift: Tensor | None = None) -> tuple[Tensor, ...]:  # fmt: skip
    """A sweep u + s with s = β r/diag A, r = f - A u; factors: (2,) = (α, β).

    colour -1: Jacobi (β its damping); with `d`, the last s, s = α d + β r/diag, Chebyshev's recurrence, answered as
    (u, s). colour 0 or 1: points with i + j of that parity only, half a red-black sweep."""
    require_level(u, kx, ky, shift, f, *given(d))
    require_shapes("smoother", (factors, (2,)))
    triton = takes("smoother", *given(u, f, kx, ky, factors, d, shift), batch=len(u))
    return (smooth_triton if triton else smooth_reference)(u, f, kx, ky, factors, d, colour, shift)


def five_point_reference(u: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> Tensor:
    v = torch.nn.functional.pad(u, (1, 1, 1, 1))
    along, across = kx * v[:, :, 1:-1].diff(dim=1), ky * v[:, 1:-1].diff(dim=2)
    value = -along.diff(dim=1) - across.diff(dim=2)
    return value if shift is None else value + shift * u


def smooth_reference(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, factors: Tensor, d: Tensor | None = None,
                     colour: int = -1, shift: Tensor | None = None) -> tuple[Tensor, ...]:  # fmt: skip
    s = factors[1] * (f - five_point_reference(u, kx, ky, shift)) / diagonal_of(kx, ky, shift)
    if d is not None:
        s = s + factors[0] * d
    if colour >= 0:
        i, j = (torch.arange(n, device=u.device) for n in u.shape[1:])
        s = torch.where((i[:, None] + j) % 2 == colour, s, 0.0)
    return (u + s,) if d is None else (u + s, s)


@jit
def _five_point(u, kx, ky, shift, out, n, m, SHIFTED: tl.constexpr, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < n * m
    first = tl.program_id(1) * n * m
    value, _ = five_points_at(u + first, kx, ky, shift, p // m, p % m, n, m, here, SHIFTED)
    tl.store(out + first + p, value, mask=here)


@jit
def _smooth(
    u, f, kx, ky, shift, factors, d, out, out_d, n, m,
    SHIFTED: tl.constexpr, CHEBYSHEV: tl.constexpr, COLOUR: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < n * m
    first = tl.program_id(1) * n * m
    i, j = p // m, p % m
    value, diagonal = five_points_at(u + first, kx, ky, shift, i, j, n, m, here, SHIFTED)
    r = tl.load(f + first + p, mask=here, other=0.0) - value
    s = tl.load(factors + 1) * r / tl.where(here, diagonal, 1.0)
    if CHEBYSHEV:
        s += tl.load(factors) * tl.load(d + first + p, mask=here, other=0.0)
    if COLOUR >= 0:
        s = tl.where((i + j) % 2 == COLOUR, s, 0.0)
    if CHEBYSHEV:
        tl.store(out_d + first + p, s, mask=here)
    tl.store(out + first + p, tl.load(u + first + p, mask=here, other=0.0) + s, mask=here)


def five_point_triton(u: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> Tensor:
    batch, n, m = u.shape
    out = empty(u.shape, u)
    launch(_five_point, (blocks(n * m, BLOCK), batch), u.contiguous(), kx.contiguous(), ky.contiguous(),
           plain(shift, u), out, n, m, SHIFTED=shift is not None, BLOCK=BLOCK)  # fmt: skip
    return out


def smooth_triton(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, factors: Tensor, d: Tensor | None = None,
                  colour: int = -1, shift: Tensor | None = None) -> tuple[Tensor, ...]:  # fmt: skip
    batch, n, m = u.shape
    out = empty(u.shape, u)
    step = out if d is None else empty(u.shape, u)
    launch(
        _smooth, (blocks(n * m, BLOCK), batch),
        u.contiguous(), f.contiguous(), kx.contiguous(), ky.contiguous(), plain(shift, u), factors.contiguous(),
        plain(d, u), out, step, n, m, SHIFTED=shift is not None, CHEBYSHEV=d is not None, COLOUR=colour, BLOCK=BLOCK,
    )  # fmt: skip
    return (out,) if d is None else (out, step)


SWEEPS = {"jacobi": (False, -1), "chebyshev": (True, -1), "red": (False, 0), "black": (False, 1)}


def _sweep(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    shape, (chebyshev, colour) = case
    u, f, kx, ky, shift, _ = level(shape, dtype, device, seed)
    factors = torch.tensor([0.25, 0.75], dtype=dtype, device=device)
    return u, f, kx, ky, factors, f * 0.5 if chebyshev else None, colour, shift


def _operated(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    u, _, kx, ky, shift, _ = level(case, dtype, device, seed)
    return u, kx, ky, shift


KERNELS = [
    Kernel(
        name="five-point operator", computes="a variable-coefficient diffusion operator",
        formula="A u = -∇·(k ∇u) + c u",
        call=five_point, reference=five_point_reference, triton=five_point_triton, tolerance=TOLERANCE, cases=SHAPES,
        make=_operated, sized=lambda n: square(n, 4), bytes=lambda *a: moved(a) + moved(a[:1]),
        flops=lambda u, kx, ky, shift: (11 if shift is None else 13) * u.numel(),
    ),
    Kernel(
        name="smoother", computes="a Jacobi, Chebyshev or half red-black sweep with its residual",
        formula="u + s, s = α d + β (f - A u)/diag A", call=smooth, reference=smooth_reference, triton=smooth_triton,
        tolerance=TOLERANCE,
        cases={f"{name}, {shape}": (size, sweep) for name, sweep in SWEEPS.items() for shape, size in SHAPES.items()
               if shape != "smallest"},
        make=_sweep, sized=lambda n: (square(n, 5), (False, -1)),
        bytes=lambda *a: moved(a) + moved(a[:1]) * (1 if a[5] is None else 2), 
        flops=lambda *a: (18 if a[7] is None else 21) * a[0].numel(),
    ),
]  # fmt: skip
