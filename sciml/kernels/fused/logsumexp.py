"""Streaming log-sum-exp of Gibbs kernels from coordinates, the half step of Sinkhorn's algorithm (Peyré & Cuturi,
Computational Optimal Transport, 2019, §4.4): the matrix of costs is never formed.

    out_i = log Σ_j exp((f_i + g_j - C(x_i, y_j)) / ε)

One pass over j with a running maximum (Milakov & Gimelshein 2018, algorithm 3). The gradient streams likewise:
with w_ij = ∂/∂out_i · exp(… - out_i), ∂/∂x_i = -Σ_j w_ij ∇C/ε, ∂/∂g_j = Σ_i w_ij/ε.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..dispatch import blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .language import jit, tl
from .numbers import Numbers, moved

COSTS = ("squared euclidean", "euclidean", "l1")
ROWS, MOST_DIM = 32, 16
COLUMNS = {torch.float32: 64, torch.float64: 32}  # at once: what the registers hold


def gibbs(x: Tensor, y: Tensor, f: Tensor, g: Tensor, eps: Tensor, cost: str = "squared euclidean") -> Tensor:
    """x: (batch, n, d), y: (batch, m, d), f: (batch, n), g: (batch, m), eps: (1,) -> (batch, n)."""
    if cost not in COSTS:
        raise ValueError(f"no cost {cost!r}; there are {', '.join(COSTS)}")
    (batch, n, dim), m = x.shape, y.shape[1]
    require_shapes("log-sum-exp", (y, (batch, m, dim)), (f, (batch, n)), (g, (batch, m)), (eps, (1,)))
    refuse = [f"points of more than {MOST_DIM} coordinates"] if x.shape[-1] > MOST_DIM else []
    if eps.requires_grad and torch.is_grad_enabled():
        refuse.append("no gradient by eps")
    path = gibbs_triton if takes("log-sum-exp", x, y, f, g, eps, gradient=True, batch=len(x), refuse=refuse) \
        else gibbs_reference  # fmt: skip
    return path(x, y, f, g, eps, cost)


def gibbs_reference(x: Tensor, y: Tensor, f: Tensor, g: Tensor, eps: Tensor, cost: str = "squared euclidean") -> Tensor:
    difference = x[:, :, None] - y[:, None]
    if cost == "l1":
        costs = difference.abs().sum(-1)
    else:
        square = (difference**2).sum(-1)
        apart = square > 0  # the root has no slope where points coincide; it counts as zero
        root = torch.where(apart, torch.where(apart, square, 1.0).sqrt(), 0.0)
        costs = square if cost == "squared euclidean" else root
    return torch.logsumexp((f[:, :, None] + g[:, None] - costs) / eps, -1)


def gibbs_triton(x: Tensor, y: Tensor, f: Tensor, g: Tensor, eps: Tensor, cost: str = "squared euclidean") -> Tensor:
    result: Tensor = _Gibbs.apply(x, y, f, g, eps, COSTS.index(cost))  # type: ignore[no-untyped-call]
    return result


@jit
def _row(points, rows, inside, D: tl.constexpr):
    """Coordinates of a block of points, a tuple of D."""
    values = ()
    for d in tl.static_range(D):
        values = values + (tl.load(points + rows * D + d, mask=inside, other=0.0),)
    return values


@jit
def _cost(a, b, D: tl.constexpr, COST: tl.constexpr):
    """[rows, columns] from the coordinates of both."""
    total = tl.abs(a[0][:, None] - b[0][None, :]) * 0
    for d in tl.static_range(D):
        difference = a[d][:, None] - b[d][None, :]
        total += tl.abs(difference) if COST == 2 else difference * difference
    if COST == 1:
        total = tl.sqrt(total)
    return total


@jit
def _forward(
    x, y, f, g, eps, out, n, m, D: tl.constexpr, COST: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr
):
    batch = tl.program_id(1)
    i = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = i < n
    a = _row(x + batch * n * D, i, inside, D)
    potential = tl.load(f + batch * n + i, mask=inside, other=0.0)
    scale = tl.load(eps)
    largest = tl.full([ROWS], float("-inf"), out.dtype.element_ty)
    total = tl.zeros([ROWS], out.dtype.element_ty)
    for start in range(0, m, COLUMNS):
        j = start + tl.arange(0, COLUMNS)
        b = _row(y + batch * m * D, j, j < m, D)
        other = tl.load(g + batch * m + j, mask=j < m, other=float("-inf"))
        s = (potential[:, None] + other[None, :] - _cost(a, b, D, COST)) / scale
        risen = tl.maximum(largest, tl.max(s, 1))
        shift = tl.where(risen == float("-inf"), 0.0, risen)  # nothing yet: no inf - inf
        total = total * tl.exp(largest - shift) + tl.sum(tl.exp(s - shift[:, None]), 1)
        largest = risen
    shift = tl.where(largest == float("-inf"), 0.0, largest)
    tl.store(out + batch * n + i, shift + tl.log(total), mask=inside)


@jit
def _backward(
    a, b, f, g, eps, out, back, to_a, mass, n, m,
    D: tl.constexpr, COST: tl.constexpr, OWN: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Gradients by the points a and their potentials f. OWN: out and back belong to a, else to b."""
    batch = tl.program_id(1)
    i = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    inside = i < n
    at = _row(a + batch * n * D, i, inside, D)
    potential = tl.load(f + batch * n + i, mask=inside, other=0.0)
    scale = tl.load(eps)
    summed = tl.zeros([ROWS], to_a.dtype.element_ty)
    parts = ()
    for _ in tl.static_range(D):
        parts = parts + (tl.zeros([ROWS], to_a.dtype.element_ty),)
    for start in range(0, m, COLUMNS):
        j = start + tl.arange(0, COLUMNS)
        beside = _row(b + batch * m * D, j, j < m, D)
        other = tl.load(g + batch * m + j, mask=j < m, other=float("-inf"))
        cost = _cost(at, beside, D, COST)
        s = (potential[:, None] + other[None, :] - cost) / scale
        if OWN:
            known = tl.load(out + batch * n + i, mask=inside, other=0.0)[:, None]
            factor = tl.load(back + batch * n + i, mask=inside, other=0.0)[:, None]
        else:
            known = tl.load(out + batch * m + j, mask=j < m, other=0.0)[None, :]
            factor = tl.load(back + batch * m + j, mask=j < m, other=0.0)[None, :]
        w = factor * tl.exp(tl.where(s == float("-inf"), s, s - known)) / scale
        summed += tl.sum(w, 1)
        grown = ()
        for d in tl.static_range(D):
            difference = at[d][:, None] - beside[d][None, :]
            if COST == 0:
                slope = 2 * difference
            elif COST == 1:
                slope = tl.where(cost > 0, difference / tl.where(cost > 0, cost, 1.0), 0.0)
            else:
                slope = tl.where(difference > 0, 1.0, tl.where(difference < 0, -1.0, 0.0))
            grown = grown + (parts[d] - tl.sum(w * slope, 1),)
        parts = grown
    for d in tl.static_range(D):
        tl.store(to_a + (batch * n + i) * D + d, parts[d], mask=inside)
    tl.store(mass + batch * n + i, summed, mask=inside)


def _pulled(a: Tensor, b: Tensor, f: Tensor, g: Tensor, eps: Tensor, out: Tensor, back: Tensor, cost: int, own: bool) \
        -> tuple[Tensor, Tensor]:  # fmt: skip
    (batch, n, dim), m = a.shape, b.shape[1]
    to_a, mass = empty(a.shape, a), empty(f.shape, a)
    launch(_backward, (blocks(n, ROWS), batch), a, b, f, g, eps, out, back, to_a, mass, n, m,
           D=dim, COST=cost, OWN=own, ROWS=ROWS, COLUMNS=COLUMNS[a.dtype])  # fmt: skip
    return to_a, mass


class _Gibbs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, f: Tensor, g: Tensor, eps: Tensor, cost: int) -> Tensor:
        x, y, f, g = x.contiguous(), y.contiguous(), f.contiguous(), g.contiguous()
        out = empty(f.shape, x)
        (batch, n, dim), m = x.shape, y.shape[1]
        launch(_forward, (blocks(n, ROWS), batch), x, y, f, g, eps, out, n, m,
               D=dim, COST=cost, ROWS=ROWS, COLUMNS=COLUMNS[x.dtype])  # fmt: skip
        ctx.cost = cost
        ctx.save_for_backward(x, y, f, g, eps, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor | None, ...]:
        x, y, f, g, eps, out = ctx.saved_tensors
        back = back.contiguous()
        to_x = to_y = to_g = None
        if ctx.needs_input_grad[0]:
            to_x, _ = _pulled(x, y, f, g, eps, out, back, ctx.cost, True)
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[3]:
            to_y, to_g = _pulled(y, x, g, f, eps, out, back, ctx.cost, False)
        return to_x, to_y, back / eps, to_g, None, None


CASES = {  # batch, n, m, d, cost
    "one point": (1, 1, 1, 1, "squared euclidean"),
    "plane": (2, 35, 13, 2, "squared euclidean"),
    "several chunks": (1, 5, 131, 3, "euclidean"),
    "line, l1": (3, 33, 65, 1, "l1"),
    "box": (1, 7, 9, 3, "squared euclidean"),
}


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    batch, n, m, dim, cost = case
    numbers = Numbers(dtype, device, seed)
    eps = torch.full((1,), 0.25, dtype=dtype, device=device)
    return (numbers.real(batch, n, dim), numbers.real(batch, m, dim), numbers.real(batch, n), numbers.real(batch, m),
            eps, cost)  # fmt: skip


def _flops(x: Tensor, y: Tensor, *rest: Any) -> int:
    return x.shape[0] * x.shape[1] * y.shape[1] * (3 * x.shape[2] + 15)


KERNELS = [
    Kernel(
        name="log-sum-exp", computes="log-sum-exp of a Gibbs kernel from coordinates, the costs never stored",
        formula="out_i = log Σ_j exp((f_i + g_j - C(x_i, y_j))/ε)",
        call=gibbs, reference=gibbs_reference, triton=gibbs_triton, tolerance={"float32": 3e-6, "float64": 4e-15},
        cases=CASES, make=_made, sized=lambda n: (1, max(1, int(n**0.5)), max(1, int(n**0.5)), 3, "squared euclidean"),
        bytes=lambda *a: moved(a) + moved(a[2:3]), flops=_flops, gradient=(0, 1, 2, 3),
    )
]  # fmt: skip
