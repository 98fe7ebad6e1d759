"""tanh of a truncated Taylor series, as a layer of a network that carries derivatives along a line (Griewank & Walther,
Evaluating Derivatives, 2008, chapter 13): y = tanh z, v = 1 - y², k y_k = Σ_j j z_j v_{k-j}.

The gradient needs no recursion of its own: ∂y_k/∂z_j is coefficient k-j of tanh'(z(t)) = v.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..dispatch import block_for, blocks, empty, launch, takes
from ..registry import Kernel
from .elementary import tanh
from .language import jit, tl
from .numbers import Numbers, moved

MOST = 4  # order


def tanh_jet(z: Tensor) -> Tensor:
    """Taylor coefficients z_0 … z_k (not derivatives: those are k! z_k), (k+1, …) -> the same shape, k up to 4."""
    refuse = [f"order above {MOST}"] if len(z) > MOST + 1 else []
    return (tanh_jet_triton if takes("tanh jet", z, gradient=True, refuse=refuse) else tanh_jet_reference)(z)


def tanh_jet_reference(z: Tensor) -> Tensor:
    y = [torch.tanh(z[0])]
    v = [1 - y[0] ** 2]
    for k in range(1, len(z)):
        total = z[1] * v[k - 1]
        for j in range(2, k + 1):
            total = total + j * z[j] * v[k - j]
        y.append(total / k)
        square = 2 * y[0] * y[k]
        for j in range(1, k):
            square = square + y[j] * y[k - j]
        v.append(-square)
    return torch.stack(y)


def tanh_jet_triton(z: Tensor) -> Tensor:
    result: Tensor = _Jet.apply(z)  # type: ignore[no-untyped-call]
    return result


@jit
def _series(z, ORDER: tl.constexpr):
    """(y, v), tuples of their coefficients."""
    y = (tanh(z[0]),)
    v = (1 - y[0] * y[0],)
    for k in tl.static_range(1, ORDER + 1):
        total = z[1] * v[k - 1]
        for j in tl.static_range(2, k + 1):
            total += j * z[j] * v[k - j]
        y = y + (total / k,)
        square = 2 * y[0] * y[k]
        for j in tl.static_range(1, k):
            square += y[j] * y[k - j]
        v = v + (-square,)
    return y, v


@jit
def _coefficients(z, p, size, ORDER: tl.constexpr):
    values = ()
    for k in tl.static_range(ORDER + 1):
        values = values + (tl.load(z + k * size + p, mask=p < size, other=0.0),)
    return values


@jit
def _forward(z, out, size, ORDER: tl.constexpr, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    y, _ = _series(_coefficients(z, p, size, ORDER), ORDER)
    for k in tl.static_range(ORDER + 1):
        tl.store(out + k * size + p, y[k], mask=p < size)


@jit
def _backward(z, back, out, size, ORDER: tl.constexpr, BLOCK: tl.constexpr):
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    _, v = _series(_coefficients(z, p, size, ORDER), ORDER)
    g = _coefficients(back, p, size, ORDER)
    for j in tl.static_range(ORDER + 1):
        total = g[j] * v[0]
        for k in tl.static_range(j + 1, ORDER + 1):
            total += g[k] * v[k - j]
        tl.store(out + j * size + p, total, mask=p < size)


class _Jet(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        z = z.contiguous()
        ctx.save_for_backward(z)
        out, size = empty(z.shape, z), z[0].numel()
        block = block_for(size, 512)
        launch(_forward, (blocks(size, block),), z, out, size, ORDER=len(z) - 1, BLOCK=block)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, back: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        out, size = empty(z.shape, z), z[0].numel()
        block = block_for(size, 512)
        launch(_backward, (blocks(size, block),), z, back.contiguous(), out, size, ORDER=len(z) - 1, BLOCK=block)
        return out


CASES = {"value": (0, (7,)), "slope": (1, (3, 5)), "second": (2, (1,)), "third": (3, (33,)), "fourth": (4, (5, 13))}


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    order, shape = case
    return (Numbers(dtype, device, seed).real(order + 1, *shape),)


KERNELS = [
    Kernel(
        name="tanh jet", computes="tanh of Taylor series up to order 4",
        formula="k y_k = Σ_j j z_j v_{k-j}, v = 1 - y²",
        call=tanh_jet, reference=tanh_jet_reference, triton=tanh_jet_triton,
        tolerance={"float32": 2e-6, "float64": 4e-15}, cases=CASES, make=_made,
        sized=lambda n: (4, (max(1, n // 10),)), bytes=lambda z: 2 * moved((z,)),
        flops=lambda z: z[0].numel() * (10 + 3 * len(z) ** 2), gradient=(0,),
    )
]  # fmt: skip
