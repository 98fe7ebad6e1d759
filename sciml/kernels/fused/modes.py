"""Multiplication of the kept modes by a matrix a mode, as in layers of a Fourier neural operator (Li et al., ICLR
2021): out[b,o,m] = Σ_i x[b,i,m] w[i,o,m], complex. A mode's matrices are too small for a matrix product each; all modes
together are one pass over x and w.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .language import jit, tl
from .numbers import Numbers, moved

ROWS, COLUMNS, MODES = 4, 8, 32  # of one program


def multiply_modes(x: Tensor, w: Tensor) -> Tensor:
    """(batch, in, *modes), (in, out, *modes) -> (batch, out, *modes), complex."""
    require_shapes("mode multiplication", (w, (x.shape[1], *w.shape[1:2], *x.shape[2:])))
    return (modes_triton if takes("mode multiplication", x, w, gradient=True) else modes_reference)(x, w)


def modes_reference(x: Tensor, w: Tensor) -> Tensor:
    return torch.einsum("bi...,io...->bo...", x, w)


def modes_triton(x: Tensor, w: Tensor) -> Tensor:
    flat = _Modes.apply(x.flatten(2), w.flatten(2))  # type: ignore[no-untyped-call]
    result: Tensor = flat.reshape(*flat.shape[:2], *x.shape[2:])
    return result


@jit
def _contract(
    a, b, out, a_p, a_r, b_r, b_q, rows, columns, inner, modes,
    A_CONJ: tl.constexpr, B_CONJ: tl.constexpr, P: tl.constexpr, Q: tl.constexpr, M: tl.constexpr,
):  # fmt: skip
    """out[p,q,m] = Σ_r a[p,r,m] b[r,q,m], either conjugated."""
    p = (tl.program_id(2) * P + tl.arange(0, P))[:, None, None]
    q = (tl.program_id(1) * Q + tl.arange(0, Q))[None, :, None]
    m = (tl.program_id(0) * M + tl.arange(0, M))[None, None, :]
    in_a, in_b = (p < rows) & (m < modes), (q < columns) & (m < modes)
    real = tl.zeros([P, Q, M], out.dtype.element_ty)
    imaginary = tl.zeros([P, Q, M], out.dtype.element_ty)
    for r in range(inner):
        at = a + 2 * (p * a_p + r * a_r + m)
        a_real = tl.load(at, mask=in_a, other=0.0)
        a_imaginary = tl.load(at + 1, mask=in_a, other=0.0)
        at = b + 2 * (r * b_r + q * b_q + m)
        b_real = tl.load(at, mask=in_b, other=0.0)
        b_imaginary = tl.load(at + 1, mask=in_b, other=0.0)
        if A_CONJ:
            a_imaginary = -a_imaginary
        if B_CONJ:
            b_imaginary = -b_imaginary
        real += a_real * b_real - a_imaginary * b_imaginary
        imaginary += a_real * b_imaginary + a_imaginary * b_real
    to = out + 2 * ((p * columns + q) * modes + m)
    here = in_a & in_b
    tl.store(to, real, mask=here)
    tl.store(to + 1, imaginary, mask=here)


def _contracted(a: Tensor, b: Tensor, a_conj: bool = False, b_conj: bool = False) -> Tensor:
    """a: (p, r, m), b: (r, q, m), views with contiguous modes."""
    (rows, inner, modes), columns = a.shape, b.shape[1]
    out = empty((rows, columns, modes), a)
    launch(
        _contract, (blocks(modes, MODES), blocks(columns, COLUMNS), blocks(rows, ROWS)),
        a, b, out, a.stride(0), a.stride(1), b.stride(0), b.stride(1), rows, columns, inner, modes,
        A_CONJ=a_conj, B_CONJ=b_conj, P=ROWS, Q=COLUMNS, M=MODES,
    )  # fmt: skip
    return out


class _Modes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        x, w = x.resolve_conj().contiguous(), w.resolve_conj().contiguous()
        ctx.save_for_backward(x, w)
        return _contracted(x, w)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, w = ctx.saved_tensors
        g = g.resolve_conj().contiguous()
        to_x = _contracted(g, w.transpose(0, 1), b_conj=True) if ctx.needs_input_grad[0] else None
        to_w = _contracted(x.transpose(0, 1), g, a_conj=True) if ctx.needs_input_grad[1] else None
        return to_x, to_w


CASES = {  # batch, in, out, modes
    "one of each": (1, 1, 1, (1,)),
    "line": (3, 2, 5, (9,)),
    "plane": (5, 3, 9, (4, 10)),
    "box": (2, 4, 3, (2, 3, 5)),
}


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    batch, inner, outer, modes = case
    numbers = Numbers(dtype, device, seed)
    return numbers.complex(batch, inner, *modes), numbers.complex(inner, outer, *modes)


def _bytes(x: Tensor, w: Tensor) -> int:
    return moved((x, w)) + len(x) * w[0].numel() * x.element_size()


def _flops(x: Tensor, w: Tensor) -> int:
    return 8 * len(x) * w.shape[0] * w.shape[1] * math.prod(w.shape[2:])


KERNELS = [
    Kernel(
        name="mode multiplication", computes="a complex matrix a mode, of Fourier neural operators",
        formula="out_bom = Σ_i x_bim w_iom",
        call=multiply_modes, reference=modes_reference, triton=modes_triton,
        tolerance={"float32": 2e-6, "float64": 4e-15}, cases=CASES, make=_made,
        sized=lambda n: (16, 32, 32, (max(1, n // 4096),)), bytes=_bytes, flops=_flops, gradient=(0, 1),
    )
]  # fmt: skip
