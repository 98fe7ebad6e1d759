"""What the multigrid kernels share: a level of -∇·(k ∇u) + c u = f in two dimensions (Briggs, Henson & McCormick, A
Multigrid Tutorial, 2000), its five-point operator at a point, and levels as cases.

u, f: (batch, n, m), the points where u is unknown. kx: (n+1, m), ky: (n, m+1), couplings to the neighbours below and
above along an axis; beyond the ends u is 0, and where nothing flows through an end the couplings there are 0. shift:
(n, m) or None, what is added to the diagonal.

first: along both axes the place, 0 or 1, of the first point that the next coarser grid has too; the others are every
second one. It is 1 behind a value that is given, and 0 at an end through which nothing flows.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dispatch import require_shapes
from .language import jit, tl
from .numbers import Numbers

BLOCK = 256
TOLERANCE = {"float32": 1e-6, "float64": 2e-15}
First = tuple[int, int]


def require_level(u: Tensor, kx: Tensor, ky: Tensor, shift: Tensor | None, *others: Tensor) -> None:
    """Raises ValueError where the arrays are not those of one level."""
    _, n, m = u.shape
    require_shapes("multigrid", (kx, (n + 1, m)), (ky, (n, m + 1)), *((other, u.shape) for other in others))
    if shift is not None:
        require_shapes("multigrid", (shift, (n, m)))


def given(*tensors: Tensor | None) -> list[Tensor]:
    """Those that are there."""
    return [t for t in tensors if t is not None]


def plain(tensor: Tensor | None, otherwise: Tensor) -> Tensor:
    """Contiguous; where there is none, another address that the kernel does not read."""
    return otherwise if tensor is None else tensor.contiguous()


def coarse_shape(shape: torch.Size, first: First) -> tuple[int, int, int]:
    """(batch, n, m) of the coarse grid."""
    batch, n, m = shape
    return batch, (n + 1 - first[0]) // 2, (m + 1 - first[1]) // 2


def diagonal_of(kx: Tensor, ky: Tensor, shift: Tensor | None = None) -> Tensor:
    """(n, m), of A."""
    total = kx[:-1] + kx[1:] + ky[:, :-1] + ky[:, 1:]
    return total if shift is None else total + shift


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


SHAPES = {  # batch, n, m; places of the first coarse point along both axes; whether with a shift
    "smallest": (1, 3, 3, (1, 1), False), "odd": (2, 7, 15, (1, 1), True),
    "a block and more": (1, 33, 11, (1, 1), False), "no flow through lower ends": (1, 8, 12, (0, 0), False),
    "no flow through any, shift": (2, 9, 17, (0, 0), True), "no flow through one": (1, 14, 15, (1, 0), True),
}  # fmt: skip


def level(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    """u, f, kx, ky, shift, places of the first coarse point; couplings over two orders of magnitude."""
    batch, n, m, first, shifted = case
    numbers = Numbers(dtype, device, seed)
    u, f = numbers.real(batch, n, m), numbers.real(batch, n, m)
    kx, ky = numbers.real(n + 1, m).abs() + 0.02, numbers.real(n, m + 1).abs() + 0.02
    for k, size, place in ((kx, n, first[0]), (ky.T, m, first[1])):
        if not place:
            k[0] = 0.0
        if (size + place) % 2:  # the last point is shared with the coarse grid: nothing flows beyond it
            k[-1] = 0.0
    return u, f, kx, ky, numbers.real(n, m).abs() if shifted else None, first


def square(n: int, arrays: float) -> tuple[Any, ...]:
    side = max(3, int((n / arrays) ** 0.5) // 2 * 2 + 1)
    return 1, side, side, (1, 1), False
