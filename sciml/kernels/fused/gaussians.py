"""Gaussian features and their Laplacians: φ_j(x) = exp(-|x - c_j|²/(2σ_j²)), Δφ_j = φ_j (|x - c_j|²/σ_j⁴ - d/σ_j²)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .language import jit, tl
from .numbers import Numbers, moved

ROWS, COLUMNS, MOST_DIM = 16, 64, 16


def gaussians(x: Tensor, centres: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
    """x: (points, d), centres: (features, d), widths σ: (features,) -> φ and Δφ, (points, features) each."""
    require_shapes("gaussians", (centres, (len(widths), x.shape[1])))
    refuse = [f"points of more than {MOST_DIM} coordinates"] if x.shape[-1] > MOST_DIM else []
    path = gaussians_triton if takes("gaussians", x, centres, widths, refuse=refuse) else gaussians_reference
    return path(x, centres, widths)


def gaussians_reference(x: Tensor, centres: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
    square = ((x[:, None] - centres) ** 2).sum(-1) / widths**2
    value = torch.exp(-square / 2)
    return value, value * (square - x.shape[-1]) / widths**2


@jit
def _gaussians(x, centres, widths, value, laplacian, n, m, D: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    i = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    j = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    square = tl.zeros([ROWS, COLUMNS], value.dtype.element_ty)
    for d in tl.static_range(D):
        a = tl.load(x + i * D + d, mask=i < n, other=0.0)
        b = tl.load(centres + j * D + d, mask=j < m, other=0.0)
        square += (a[:, None] - b[None, :]) * (a[:, None] - b[None, :])
    width = tl.load(widths + j, mask=j < m, other=1.0)
    curvature = 1 / (width * width)
    square = square * curvature[None, :]
    phi = tl.exp(-square / 2)
    here = (i < n)[:, None] & (j < m)[None, :]
    at = i[:, None] * m + j[None, :]
    tl.store(value + at, phi, mask=here)
    tl.store(laplacian + at, phi * (square - D) * curvature[None, :], mask=here)


def gaussians_triton(x: Tensor, centres: Tensor, widths: Tensor) -> tuple[Tensor, Tensor]:
    (n, dim), m = x.shape, len(centres)
    value, laplacian = empty((n, m), x), empty((n, m), x)
    launch(_gaussians, (blocks(n, ROWS), blocks(m, COLUMNS)), x.contiguous(), centres.contiguous(), widths.contiguous(),
           value, laplacian, n, m, D=dim, ROWS=ROWS, COLUMNS=COLUMNS)  # fmt: skip
    return value, laplacian


CASES = {"one": (1, 1, 1), "line": (9, 70, 1), "plane": (17, 5, 2), "box": (33, 65, 3)}  # points, features, d


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    n, m, dim = case
    numbers = Numbers(dtype, device, seed)
    return numbers.real(n, dim), numbers.real(m, dim), numbers.real(m).abs() + 0.5


KERNELS = [
    Kernel(
        name="gaussians", computes="Gaussian features with their Laplacians, the distances never stored",
        formula="φ = exp(-r²/2σ²), Δφ = φ (r²/σ⁴ - d/σ²)",
        call=gaussians, reference=gaussians_reference, triton=gaussians_triton,
        tolerance={"float32": 2e-6, "float64": 4e-15}, cases=CASES, make=_made,
        sized=lambda n: (max(1, int((n / 2) ** 0.5)), max(1, int((n / 2) ** 0.5)), 2),
        bytes=lambda x, c, w: moved((x, c, w)) + 2 * len(x) * len(c) * x.element_size(),
        flops=lambda x, c, w: len(x) * len(c) * (3 * x.shape[1] + 16),
    )
]  # fmt: skip
