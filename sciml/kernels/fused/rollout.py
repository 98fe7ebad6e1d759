"""Many exponential steps of a batch of 1-D states in one kernel: transforms as matrix products on chip.

A tile of states stays in registers from the first step to the last; only the matrices stream through. For one field,
up to MOST points. Up to 64 modes nothing is spilled (compiled for capability 9.0); at 256 tiles go through the cache.
Scheme and tables: `fused.etd_scheme`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ...equation import tree
from ..dispatch import block_for, blocks, empty, launch, require_shapes, takes
from ..program import Program
from ..registry import Kernel
from .language import jit, tl
from .numbers import Numbers, moved
from .pointwise import apply_reference, constants_of, instructions, run_program

MOST, TILE = 512, 16  # points; states a program holds, the fewest rows of a matrix product


@dataclass(frozen=True, eq=False)
class Line:
    """û_t = L û + Σ_j D_j F(g_j(F⁻¹ s û)) for one field. inner: symbols of the atoms, (atoms, K+1); outer: of the
    products, (products, K+1), complex; points: the grid, (N,), N > 2K."""

    program: Program
    inner: Tensor
    outer: Tensor
    points: Tensor

    @cached_property
    def modes(self) -> int:
        return self.inner.shape[-1]

    @cached_property
    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """(atoms, 2, M, n), (products, 2, n, M) and points (n,), padded to whole blocks: real and imaginary parts to
        values, values to real and imaginary parts. Padding repeats point 0, whose products count nothing there."""
        real, device, n = self.points.dtype, self.points.device, len(self.points)
        m, padded = block_for(self.modes, MOST), blocks(n, TILE) * TILE
        place = torch.arange(padded, device=device) * (torch.arange(padded, device=device) < n)
        k = torch.arange(self.modes, device=device)
        wave = torch.exp(2j * torch.pi / n * (k[:, None] * place % n).double())
        twice = torch.where(k > 0, 2.0, 1.0)[:, None]
        entering = twice * wave * self.inner.to(wave.dtype)[..., None]
        leaving = (wave.conj() * self.outer.to(wave.dtype)[..., None] / n).transpose(1, 2)
        leaving[:, n:] = 0
        enter = torch.zeros(len(entering), 2, m, padded, dtype=real, device=device)
        enter[:, :, : self.modes] = torch.stack([entering.real, -entering.imag], 1).to(real)
        leave = torch.zeros(len(leaving), 2, padded, m, dtype=real, device=device)
        leave[..., : self.modes] = torch.stack([leaving.real, leaving.imag], 1).to(real)
        return enter, leave, self.points[place].contiguous()


def rollout(line: Line, u: Tensor, table: Tensor, t: Tensor, h: Tensor, steps: int) -> Tensor:
    """So many steps of size h, (1,), from the times t, (1,) or (batch,). u: (batch, K+1); table: (9, K+1), complex."""
    own, count = (line.program.atoms, len(line.program.results)), line.modes
    require_shapes(
        "line rollout", (u, (len(u), count)), (table, (9, count)), (t, (1 if len(t) == 1 else len(u),)), (h, (1,)),
        (line.inner, (own[0], count)), (line.outer, (own[1], count)),
    )  # fmt: skip
    tensors = (u, table, t, h, line.inner, line.outer, line.points)
    refuse = [f"more than {MOST} points"] if len(line.points) > MOST else []
    path = rollout_triton if takes("line rollout", *tensors, refuse=refuse) else rollout_reference
    return path(line, u, table, t, h, steps)


def rollout_reference(line: Line, u: Tensor, table: Tensor, t: Tensor, h: Tensor, steps: int) -> Tensor:
    half, full, half1, half2, full1, full2, first, middle, last = table

    def nonlinear(state: Tensor, when: Tensor) -> Tensor:
        atoms = torch.fft.irfft(line.inner * state[:, None], len(line.points), norm="forward")
        values = apply_reference(line.program, atoms, [line.points], when)
        spectra: Tensor = line.outer * torch.fft.rfft(values, norm="forward")[..., : line.modes]
        return spectra.sum(1)

    for step in range(steps):
        now = t + step * h
        n_u = nonlinear(u, now)
        a = half * u + half1 * n_u
        n_a = nonlinear(a, now + h / 2)
        n_b = nonlinear(a + half2 * (n_a - n_u), now + h / 2)
        whole = full * u
        n_c = nonlinear(whole + full1 * n_u + full2 * (n_b - n_u), now + h)
        u = whole + first * n_u + middle * (n_a + n_b) + last * n_c
    return u


@jit
def _nonlinear(
    u, enter, leave, points, constants, t, n,
    CODE: tl.constexpr, ATOMS: tl.constexpr, RESULTS: tl.constexpr, M: tl.constexpr, CHUNK: tl.constexpr,
):  # fmt: skip
    """N of a tile, a chunk of grid points at a time. u: (real, imaginary), [TILE, M] each; t: [TILE, 1]."""
    k = tl.arange(0, M)
    real = u[0] * 0
    imaginary = u[0] * 0
    for start in range(0, n, CHUNK):
        c = start + tl.arange(0, CHUNK)
        x = tl.load(points + c)[None, :] + t * 0
        down = k[:, None] * n + c[None, :]
        registers = ()
        for i in tl.static_range(ATOMS):
            matrix = enter + 2 * i * M * n
            value = tl.dot(u[0], tl.load(matrix + down), input_precision="ieee", out_dtype=x.dtype)
            value += tl.dot(u[1], tl.load(matrix + M * n + down), input_precision="ieee", out_dtype=x.dtype)
            registers = registers + (value,)
        registers = run_program(registers, constants, x, x, x, t + x * 0, CODE)
        up = c[:, None] * M + k[None, :]
        for j in tl.static_range(len(RESULTS)):
            matrix = leave + 2 * j * M * n
            value = registers[RESULTS[j]]
            real += tl.dot(value, tl.load(matrix + up), input_precision="ieee", out_dtype=x.dtype)
            imaginary += tl.dot(value, tl.load(matrix + M * n + up), input_precision="ieee", out_dtype=x.dtype)
    return (real, imaginary)


@jit
def _times(table, row, modes, M: tl.constexpr, u):
    """A row of the table times a tile."""
    k = tl.arange(0, M)
    at = table + 2 * (row * modes + k)
    real = tl.load(at, mask=k < modes, other=0.0)[None, :]
    imaginary = tl.load(at + 1, mask=k < modes, other=0.0)[None, :]
    return (real * u[0] - imaginary * u[1], real * u[1] + imaginary * u[0])


@jit
def _rollout(
    u, out, table, enter, leave, points, constants, t, h, t_step, batch, modes, n, steps,
    CODE: tl.constexpr, ATOMS: tl.constexpr, RESULTS: tl.constexpr, M: tl.constexpr, CHUNK: tl.constexpr,
    TILE: tl.constexpr,
):  # fmt: skip
    b = tl.program_id(0) * TILE + tl.arange(0, TILE)
    k = tl.arange(0, M)
    here = (b < batch)[:, None] & (k < modes)[None, :]
    at = 2 * (b[:, None] * modes + k[None, :])
    real = tl.load(u + at, mask=here, other=0.0)
    imaginary = tl.load(u + at + 1, mask=here, other=0.0)
    size = tl.load(h)
    start = tl.load(t + b * t_step, mask=b < batch, other=0.0)[:, None]
    for step in range(steps):
        now = start + size * step
        middle = now + size / 2
        v = (real, imaginary)
        n_u = _nonlinear(v, enter, leave, points, constants, now, n, CODE, ATOMS, RESULTS, M, CHUNK)
        half = _times(table, 0, modes, M, v)
        change = _times(table, 2, modes, M, n_u)
        a = (half[0] + change[0], half[1] + change[1])
        n_a = _nonlinear(a, enter, leave, points, constants, middle, n, CODE, ATOMS, RESULTS, M, CHUNK)
        change = _times(table, 3, modes, M, (n_a[0] - n_u[0], n_a[1] - n_u[1]))
        a = (a[0] + change[0], a[1] + change[1])
        n_b = _nonlinear(a, enter, leave, points, constants, middle, n, CODE, ATOMS, RESULTS, M, CHUNK)
        whole = _times(table, 1, modes, M, v)
        one = _times(table, 4, modes, M, n_u)
        change = _times(table, 5, modes, M, (n_b[0] - n_u[0], n_b[1] - n_u[1]))
        a = (whole[0] + one[0] + change[0], whole[1] + one[1] + change[1])
        one = _times(table, 6, modes, M, n_u)
        change = _times(table, 7, modes, M, (n_a[0] + n_b[0], n_a[1] + n_b[1]))
        whole = (whole[0] + one[0] + change[0], whole[1] + one[1] + change[1])
        n_u = _nonlinear(a, enter, leave, points, constants, now + size, n, CODE, ATOMS, RESULTS, M, CHUNK)
        change = _times(table, 8, modes, M, n_u)
        real = whole[0] + change[0]
        imaginary = whole[1] + change[1]
    tl.store(out + at, real, mask=here)
    tl.store(out + at + 1, imaginary, mask=here)


def rollout_triton(line: Line, u: Tensor, table: Tensor, t: Tensor, h: Tensor, steps: int) -> Tensor:
    enter, leave, points = line.matrices
    out = empty(u.shape, u)
    constants = constants_of(line.program, points)
    m = enter.shape[-2]
    launch(
        _rollout, (blocks(len(u), TILE),),
        u.contiguous(), out, table.contiguous(), enter, leave, points, constants, t.contiguous(), h,
        0 if len(t) == 1 else 1, len(u), line.modes, len(points), steps,
        CODE=instructions(line.program), ATOMS=line.program.atoms, RESULTS=tuple(line.program.results), M=m,
        CHUNK=TILE, TILE=TILE, num_warps=8, num_stages=1,
    )  # fmt: skip
    return out


U, V, X, WAVE = tree.Atom(0), tree.Atom(1), tree.Coordinate("x"), tree.Function("cos", tree.Coordinate("t"))
PRODUCTS = {
    "square": (1, [tree.power(U, 2)]),
    "forced": (2, [tree.multiply(U, V), tree.multiply(X, WAVE)]),
    "reaction": (1, [tree.multiply(U, tree.add(tree.Number(1.0), tree.multiply(tree.Number(-1.0), tree.power(U, 2))))]),
}
CASES = {  # products, K+1, points, batch, times, steps
    "one mode, one step": ("square", 2, 4, 1, 1, 1),
    "square": ("square", 7, 21, 5, 1, 3),
    "forced": ("forced", 11, 34, 3, 3, 2),
    "two tiles": ("reaction", 19, 76, 17, 1, 1),
}


def _made(case: Any, dtype: torch.dtype, device: str, seed: int) -> tuple[Any, ...]:
    """Smooth states; tables of a damped equation, of a size that keeps them so."""
    name, modes, n, batch, times, steps = case
    atoms, expressions = PRODUCTS[name]
    numbers = Numbers(dtype, device, seed)
    program = Program.compile(expressions, atoms, ("x",))
    decay = 2.0 ** -torch.arange(modes, device=device, dtype=dtype).clamp_max(20)
    line = Line(program, numbers.complex(atoms, modes) * decay, numbers.complex(len(expressions), modes) * decay / 2,
                torch.arange(n, device=device, dtype=dtype) / 64)  # fmt: skip
    h = torch.full((1,), 0.125, device=device, dtype=dtype)
    return line, numbers.complex(batch, modes) * decay / 4, numbers.complex(9, modes) / 4, numbers.real(times), h, steps


def _bytes(line: Line, u: Tensor, table: Tensor, t: Tensor, h: Tensor, steps: int) -> int:
    return 2 * moved((u,)) + moved((*line.matrices, table, t, h))


def _flops(line: Line, u: Tensor, table: Tensor, t: Tensor, h: Tensor, steps: int) -> int:
    products = 4 * len(line.points) * line.modes * (line.program.atoms + len(line.program.results))
    pointwise = len(line.points) * len(line.program.code)
    return len(u) * steps * (4 * (products + pointwise) + 80 * line.modes)


KERNELS = [
    Kernel(
        name="line rollout", computes="many exponential steps of a batch of periodic 1-D equations in one kernel",
        formula="u ← e u + α N(u) + β (N(a) + N(b)) + γ N(c), steps times",
        call=rollout, reference=rollout_reference, triton=rollout_triton,
        tolerance={"float32": 5e-6, "float64": 1e-14}, cases=CASES, make=_made,
        sized=lambda n: ("square", 43, 128, max(1, n // 86), 1, 10), bytes=_bytes, flops=_flops,
    )
]  # fmt: skip
