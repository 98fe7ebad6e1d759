"""Finite-difference derivatives of order 1 to 4 along one axis, accurate to order 2, 4, 6 or 8 up to the ends."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..dispatch import block_for, blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .language import jit, tl
from .numbers import Numbers, moved
from .weights import stencil

BOUNDARIES = ("periodic", "dirichlet", "neumann")


def derivative(
    u: Tensor, axis: int, order: int, accuracy: int, h: float, boundary: str = "periodic", slopes: Tensor | None = None
) -> Tensor:
    """∂^order u along an axis of spacing h. slopes: ∂u/∂x at both ends of a Neumann axis, (2, *u.shape without axis),
    zero where None. An axis that is not periodic holds its ends."""
    if order not in (1, 2, 3, 4) or accuracy not in (2, 4, 6, 8) or boundary not in BOUNDARIES:
        raise ValueError(f"no stencil of order {order}, accuracy {accuracy} on a {boundary} axis")
    half, rows = stencil(order, accuracy, boundary)
    if u.shape[axis] < max(len(rows[0]) - 1, 2 * half):
        raise ValueError(f"{u.shape[axis]} points are too few for {len(rows[0]) - 1} weights")
    if slopes is not None:
        rest = [n for d, n in enumerate(u.shape) if d != axis % u.dim()]
        require_shapes("derivative", (slopes, (2, *rest)))
    tensors = (u,) if slopes is None else (u, slopes)
    path = derivative_triton if takes("derivative", *tensors) else derivative_reference
    return path(u, axis, order, accuracy, h, boundary, slopes)


def _weights(like: Tensor, order: int, accuracy: int, h: float, boundary: str) -> tuple[int, Tensor]:
    """Half width and rows of weights in units of h; the last column is the slope's."""
    half, rows = stencil(order, accuracy, boundary)
    scaled = torch.tensor(rows, dtype=torch.float64) / h**order
    scaled[:, -1] *= h
    return half, scaled.to(like.device, like.dtype)


def derivative_reference(
    u: Tensor, axis: int, order: int, accuracy: int, h: float, boundary: str = "periodic", slopes: Tensor | None = None
) -> Tensor:
    half, weights = _weights(u, order, accuracy, h, boundary)
    v = u.movedim(axis, -1)
    n, width = v.shape[-1], weights.shape[1] - 1
    i = torch.arange(n, device=u.device)
    if boundary == "periodic":
        row, start = torch.zeros_like(i), i - half
    else:
        row = torch.where(i < half, i, torch.where(i >= n - half, 2 * half + 1 - (n - i), half))
        start = torch.where(i < half, 0, torch.where(i >= n - half, n - width, i - half))
    result = torch.zeros_like(v)
    for tap in range(width):
        place = (start + tap) % n if boundary == "periodic" else (start + tap).clamp_max(n - 1)
        result = result + weights[row, tap] * v[..., place]
    if slopes is not None:
        left, right = (weights[row, -1] * torch.where(side, 1.0, 0.0).to(u.dtype) for side in (i < half, i >= n - half))
        result = result + left * slopes[0][..., None] + right * slopes[1][..., None]
    return result.movedim(-1, axis)


@jit
def _derivative(
    u, weights, slopes, out, size, n, inner, lines,
    HALF: tl.constexpr, WIDTH: tl.constexpr, PERIODIC: tl.constexpr, SLOPES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < size
    across = p % inner
    i = (p // inner) % n
    outer = p // (inner * n)
    line = outer * inner + across
    first = u + outer * (n * inner) + across
    if PERIODIC:
        row = i * 0
        start = i - HALF
    else:
        row = tl.where(i < HALF, i, tl.where(i >= n - HALF, 2 * HALF + 1 - (n - i), HALF))
        start = tl.where(i < HALF, 0, tl.where(i >= n - HALF, n - WIDTH, i - HALF))
    total = tl.zeros([BLOCK], out.dtype.element_ty)
    for tap in tl.static_range(WIDTH):
        place = start + tap
        if PERIODIC:
            place = tl.where(place < 0, place + n, tl.where(place >= n, place - n, place))
        else:
            place = tl.minimum(place, n - 1)
        weight = tl.load(weights + row * (WIDTH + 1) + tap, mask=here, other=0.0)
        total += weight * tl.load(first + place * inner, mask=here, other=0.0)
    if SLOPES:
        side = here & ((i < HALF) | (i >= n - HALF))
        slope = tl.load(slopes + tl.where(i < HALF, 0, lines) + line, mask=side, other=0.0)
        total += tl.load(weights + row * (WIDTH + 1) + WIDTH, mask=here, other=0.0) * slope
    tl.store(out + p, total, mask=here)


def derivative_triton(
    u: Tensor, axis: int, order: int, accuracy: int, h: float, boundary: str = "periodic", slopes: Tensor | None = None
) -> Tensor:
    half, weights = _weights(u, order, accuracy, h, boundary)
    u, axis = u.contiguous(), axis % u.dim()
    out, inner = empty(u.shape, u), math.prod(u.shape[axis + 1 :])
    block = block_for(u.numel(), 512)
    launch(
        _derivative, (blocks(u.numel(), block),),
        u, weights, u if slopes is None else slopes.contiguous(), out, u.numel(), u.shape[axis], inner,
        u.numel() // u.shape[axis],
        HALF=half, WIDTH=weights.shape[1] - 1, PERIODIC=boundary == "periodic", SLOPES=slopes is not None, BLOCK=block,
    )  # fmt: skip
    return out


CASES = {  # shape, axis, order, accuracy, boundary, whether slopes
    "first, periodic": ((37,), 0, 1, 2, "periodic", False),
    "fourth, widest": ((2, 19, 3), 1, 4, 8, "periodic", False),
    "second, ends": ((5, 21), -1, 2, 4, "dirichlet", False),
    "third, ends": ((17, 4), 0, 3, 6, "dirichlet", False),
    "second, no flux": ((3, 14), 1, 2, 6, "neumann", False),
    "first, fluxes": ((13, 2, 2), 0, 1, 8, "neumann", True),
    "fourth, fluxes": ((2, 16), 1, 4, 2, "neumann", True),
}


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    shape, axis, order, accuracy, boundary, sloped = case
    numbers = Numbers(dtype, device, seed)
    rest = [n for d, n in enumerate(shape) if d != axis % len(shape)]
    slopes = numbers.real(2, *rest) if sloped else None
    return numbers.real(*shape), axis, order, accuracy, 0.5, boundary, slopes


def _bytes(u: Tensor, *rest: Any) -> int:
    return 2 * moved((u,)) + moved(rest)


def _flops(u: Tensor, axis: int, order: int, accuracy: int, *rest: Any) -> int:
    return u.numel() * 2 * (2 * ((order + 1) // 2 - 1 + accuracy // 2) + 1)


KERNELS = [
    Kernel(
        name="derivative", computes="finite-difference derivatives along an axis, ends included",
        formula="out_i = h^-m Σ_j w_ij u_j", call=derivative, reference=derivative_reference, triton=derivative_triton,
        tolerance={"float32": 1e-6, "float64": 2e-15}, cases=CASES, make=_made,
        sized=lambda n: ((max(16, n // 2),), 0, 2, 6, "periodic", False), bytes=_bytes, flops=_flops,
    )
]  # fmt: skip
