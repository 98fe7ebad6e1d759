"""A grid level of multigrid for -∇·(k ∇u) = f in two dimensions with zero values around (Briggs, Henson & McCormick, A
Multigrid Tutorial, 2000): the operator, and smoothers fused with their residual. Between levels: `fused.transfer`.

u, f: (batch, n, m), inner points; kx: (n+1, m), ky: (n, m+1), conductivities of the faces divided by h².
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .language import jit, tl
from .numbers import Numbers, moved

BLOCK = 256


def require_level(u: Tensor, kx: Tensor, ky: Tensor, *others: Tensor) -> None:
    """Raises ValueError where the arrays are not those of one level."""
    _, n, m = u.shape
    require_shapes("multigrid", (kx, (n + 1, m)), (ky, (n, m + 1)), *((other, u.shape) for other in others))


def five_point(u: Tensor, kx: Tensor, ky: Tensor) -> Tensor:
    """A u."""
    require_level(u, kx, ky)
    path = five_point_triton if takes("five-point operator", u, kx, ky, batch=len(u)) else five_point_reference
    return path(u, kx, ky)


def smooth(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, factors: Tensor, d: Tensor | None = None, colour: int = -1) \
        -> tuple[Tensor, ...]:  # fmt: skip
    """A sweep u + s with s = β r/diag A, r = f - A u; factors: (2,) = (α, β).

    colour -1: Jacobi (β its damping); with `d`, the last s, s = α d + β r/diag, Chebyshev's recurrence, answered as
    (u, s). colour 0 or 1: points with i + j of that parity only, half a red-black sweep."""
    require_level(u, kx, ky, f, *([] if d is None else [d]))
    require_shapes("smoother", (factors, (2,)))
    tensors = (u, f, kx, ky, factors) if d is None else (u, f, kx, ky, factors, d)
    path = smooth_triton if takes("smoother", *tensors, batch=len(u)) else smooth_reference
    return path(u, f, kx, ky, factors, d, colour)


def five_point_reference(u: Tensor, kx: Tensor, ky: Tensor) -> Tensor:
    v = torch.nn.functional.pad(u, (1, 1, 1, 1))
    along, across = kx * v[:, :, 1:-1].diff(dim=1), ky * v[:, 1:-1].diff(dim=2)
    return -along.diff(dim=1) - across.diff(dim=2)


def smooth_reference(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, factors: Tensor, d: Tensor | None = None,
                     colour: int = -1) -> tuple[Tensor, ...]:  # fmt: skip
    diagonal = kx[:-1] + kx[1:] + ky[:, :-1] + ky[:, 1:]
    s = factors[1] * (f - five_point_reference(u, kx, ky)) / diagonal
    if d is not None:
        s = s + factors[0] * d
    if colour >= 0:
        i, j = (torch.arange(n, device=u.device) for n in u.shape[1:])
        s = torch.where((i[:, None] + j) % 2 == colour, s, 0.0)
    return (u + s,) if d is None else (u + s, s)


@jit
def five_points_at(u, kx, ky, i, j, n, m, here):
    """(A u, diag A) at points (i, j); zero outside."""
    inside = here & (i >= 0) & (i < n) & (j >= 0) & (j < m)
    at = i * m + j
    centre = tl.load(u + at, mask=inside, other=0.0)
    west = tl.load(u + at - m, mask=inside & (i > 0), other=0.0)
    east = tl.load(u + at + m, mask=inside & (i < n - 1), other=0.0)
    south = tl.load(u + at - 1, mask=inside & (j > 0), other=0.0)
    north = tl.load(u + at + 1, mask=inside & (j < m - 1), other=0.0)
    k_west = tl.load(kx + at, mask=inside, other=0.0)
    k_east = tl.load(kx + at + m, mask=inside, other=0.0)
    k_south = tl.load(ky + i * (m + 1) + j, mask=inside, other=0.0)
    k_north = tl.load(ky + i * (m + 1) + j + 1, mask=inside, other=0.0)
    value = k_west * (centre - west) + k_east * (centre - east)
    value += k_south * (centre - south) + k_north * (centre - north)
    return value, k_west + k_east + k_south + k_north


@jit
def _five_point(u, kx, ky, out, n, m, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < n * m
    first = tl.program_id(1) * n * m
    value, _ = five_points_at(u + first, kx, ky, p // m, p % m, n, m, here)
    tl.store(out + first + p, value, mask=here)


@jit
def _smooth(
    u, f, kx, ky, factors, d, out, out_d, n, m, CHEBYSHEV: tl.constexpr, COLOUR: tl.constexpr, BLOCK: tl.constexpr
):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < n * m
    first = tl.program_id(1) * n * m
    i, j = p // m, p % m
    value, diagonal = five_points_at(u + first, kx, ky, i, j, n, m, here)
    r = tl.load(f + first + p, mask=here, other=0.0) - value
    s = tl.load(factors + 1) * r / tl.where(here, diagonal, 1.0)
    if CHEBYSHEV:
        s += tl.load(factors) * tl.load(d + first + p, mask=here, other=0.0)
    if COLOUR >= 0:
        s = tl.where((i + j) % 2 == COLOUR, s, 0.0)
    if CHEBYSHEV:
        tl.store(out_d + first + p, s, mask=here)
    tl.store(out + first + p, tl.load(u + first + p, mask=here, other=0.0) + s, mask=here)


def five_point_triton(u: Tensor, kx: Tensor, ky: Tensor) -> Tensor:
    batch, n, m = u.shape
    out = empty(u.shape, u)
    launch(_five_point, (blocks(n * m, BLOCK), batch), u.contiguous(), kx.contiguous(), ky.contiguous(), out, n, m,
           BLOCK=BLOCK)  # fmt: skip
    return out


def smooth_triton(u: Tensor, f: Tensor, kx: Tensor, ky: Tensor, factors: Tensor, d: Tensor | None = None,
                  colour: int = -1) -> tuple[Tensor, ...]:  # fmt: skip
    batch, n, m = u.shape
    out = empty(u.shape, u)
    step = out if d is None else empty(u.shape, u)
    launch(
        _smooth, (blocks(n * m, BLOCK), batch),
        u.contiguous(), f.contiguous(), kx.contiguous(), ky.contiguous(), factors.contiguous(),
        u if d is None else d.contiguous(), out, step, n, m, CHEBYSHEV=d is not None, COLOUR=colour, BLOCK=BLOCK,
    )  # fmt: skip
    return (out,) if d is None else (out, step)


SHAPES = {"smallest": (1, 3, 3), "odd": (2, 7, 15), "a block and more": (1, 33, 11)}
SWEEPS = {"jacobi": (False, -1), "chebyshev": (True, -1), "red": (False, 0), "black": (False, 1)}


def level(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Tensor, ...]:
    """u, f, kx, ky; conductivities over two orders of magnitude."""
    batch, n, m = case
    numbers = Numbers(dtype, device, seed)
    return numbers.real(batch, n, m), numbers.real(batch, n, m), numbers.real(n + 1, m).abs() + 0.02, \
        numbers.real(n, m + 1).abs() + 0.02  # fmt: skip


def _sweep(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    shape, (chebyshev, colour) = case
    u, f, kx, ky = level(shape, dtype, device, seed)
    factors = torch.tensor([0.25, 0.75], dtype=dtype, device=device)
    return u, f, kx, ky, factors, f * 0.5 if chebyshev else None, colour


def _operated(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    u, _, kx, ky = level(case, dtype, device, seed)
    return u, kx, ky


def square(n: int, arrays: float) -> tuple[int, int, int]:
    side = max(3, int((n / arrays) ** 0.5) // 2 * 2 + 1)
    return 1, side, side


TOLERANCE = {"float32": 1e-6, "float64": 2e-15}
KERNELS = [
    Kernel(
        name="five-point operator", computes="a variable-coefficient diffusion operator", formula="A u = -∇·(k ∇u)",
        call=five_point, reference=five_point_reference, triton=five_point_triton, tolerance=TOLERANCE, cases=SHAPES,
        make=_operated, sized=lambda n: square(n, 4), bytes=lambda *a: moved(a) + moved(a[:1]),
        flops=lambda u, *_: 11 * u.numel(),
    ),
    Kernel(
        name="smoother", computes="a Jacobi, Chebyshev or half red-black sweep with its residual",
        formula="u + s, s = α d + β (f - A u)/diag A", call=smooth, reference=smooth_reference, triton=smooth_triton,
        tolerance=TOLERANCE,
        cases={f"{name}, {shape}": (size, sweep) for name, sweep in SWEEPS.items() for shape, size in SHAPES.items()
               if shape != "smallest"},
        make=_sweep, sized=lambda n: (square(n, 5), (False, -1)),
        bytes=lambda *a: moved(a) + moved(a[:1]) * (1 if a[5] is None else 2), flops=lambda u, *_: 18 * u.numel(),
    ),
]  # fmt: skip
