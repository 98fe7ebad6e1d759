"""A grid level of multigrid for -∇·(k ∇u) + c u = f in two dimensions (Briggs, Henson & McCormick, A Multigrid Tutorial,
2000): the operator, and smoothers fused with their residual. Several sweeps at once: `fused.relaxation`; between levels:
`fused.transfer`; conjugate gradients: `fused.conjugate`.

u, f: (batch, n, m), the points where u is unknown. kx: (n+1, m), ky: (n, m+1), couplings to the neighbours below and above
along an axis; beyond the ends u is 0, and where nothing flows through an end the couplings there are 0. shift: (n, m) or
None, what is added to the diagonal.
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


def require_level(u: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None, *others: Tensor) -> None:
    """Raises ValueError where the arrays are not those of one level."""
    _, n, m = u.shape
    require_shapes("multigrid", (kx, (n + 1, m)), (ky, (n, m + 1)), *((other, u.shape) for other in others))
    if shift is not None:
        require_shapes("multigrid", (shift, (n, m)))


def given(*tensors: Tensor | None) -> list[Tensor]:
    """Those that are there."""
    return [t for t in tensors if t is not None]


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


def diagonal_of(kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> Tensor:
    """(n, m), of A."""
    total = kx[:-1] + kx[1:] + ky[:, :-1] + ky[:, 1:]
    return total if shift is None else total + shift


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
def five_points_at(u, kx, ky, shift, i, j, n, m, here, SHIFTED: tl.constexpr):
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
    diagonal = k_west + k_east + k_south + k_north
    if SHIFTED:
        more = tl.load(shift + at, mask=inside, other=0.0)
        value += more * centre
        diagonal += more
    return value, diagonal


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


def plain(tensor: Tensor | None, otherwise: Tensor) -> Tensor:
    """Contiguous; where there is none, another address that the kernel does not read."""
    return otherwise if tensor is None else tensor.contiguous()


def five_point_triton(u: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> Tensor:
    batch, n, m = u.shape
    out = empty(u.shape, u)
    launch(_five_point, (blocks(n * m, BLOCK), batch), u.contiguous(), kx.contiguous(), ky.contiguous(), plain(shift, u),
           out, n, m, SHIFTED=shift is not None, BLOCK=BLOCK)  # fmt: skip
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


SHAPES = {  # batch, n, m; places of the first coarse point along both axes; whether with a shift
    "smallest": (1, 3, 3, (1, 1), False), "odd": (2, 7, 15, (1, 1), True), "a block and more": (1, 33, 11, (1, 1), False),
    "no flow through lower ends": (1, 8, 12, (0, 0), False), "no flow through any, shift": (2, 9, 17, (0, 0), True),
    "no flow through one": (1, 14, 15, (1, 0), True),
}  # fmt: skip
SWEEPS = {"jacobi": (False, -1), "chebyshev": (True, -1), "red": (False, 0), "black": (False, 1)}


def level(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    """u, f, kx, ky, shift, places of the first coarse point; couplings over two orders of magnitude."""
    batch, n, m, first, shifted = case
    numbers = Numbers(dtype, device, seed)
    u, f = numbers.real(batch, n, m), numbers.real(batch, n, m)
    kx, ky = numbers.real(n + 1, m).abs() + 0.02, numbers.real(n, m + 1).abs() + 0.02
    for k, size, place in ((kx, n, first[0]), (ky.T, m, first[1])):
        if not place:  # nothing flows through the lower end, and through the upper where n is odd
            k[0] = 0.0
        if (size + place) % 2:
            k[-1] = 0.0
    return u, f, kx, ky, numbers.real(n, m).abs() if shifted else None, first


def _sweep(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    shape, (chebyshev, colour) = case
    u, f, kx, ky, shift, _ = level(shape, dtype, device, seed)
    factors = torch.tensor([0.25, 0.75], dtype=dtype, device=device)
    return u, f, kx, ky, factors, f * 0.5 if chebyshev else None, colour, shift


def _operated(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    u, _, kx, ky, shift, _ = level(case, dtype, device, seed)
    return u, kx, ky, shift


def square(n: int, arrays: float) -> tuple[Any, ...]:
    side = max(3, int((n / arrays) ** 0.5) // 2 * 2 + 1)
    return 1, side, side, (1, 1), False


TOLERANCE = {"float32": 1e-6, "float64": 2e-15}
KERNELS = [
    Kernel(
        name="five-point operator", computes="a variable-coefficient diffusion operator", formula="A u = -∇·(k ∇u) + c u",
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
