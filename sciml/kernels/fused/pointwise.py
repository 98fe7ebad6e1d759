"""Pointwise products of an equation on its grid: a `kernels.program.Program`, unrolled instruction by instruction.

The instructions are whole numbers known to the compiler; what is compiled is always the interpreter below, never a
text made from an equation. One read of every atom, one write of every product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from ...equation import tree
from ..dispatch import block_for, blocks, empty, launch, require_shapes, takes
from ..program import CODE, Program
from ..registry import Kernel
from .elementary import cosh, sinh, tanh, whole_power
from .language import jit, tl
from .numbers import Numbers, moved

WHOLE_POWER = len(CODE)  # one more instruction: b is the exponent itself
MOST_EXPONENT = 1023


def apply(program: Program, atoms: Tensor, points: Sequence[Tensor], t: Tensor) -> Tensor:
    """Products of a batch: (batch, atoms, *grid) -> (batch, products, *grid).

    points: the coordinates of each axis, (n,) each; t: (1,) or (batch,). Atoms may be none: (batch, 0, *grid).
    """
    grid = [len(p) for p in points]
    require_shapes("pointwise", (atoms, (len(atoms), program.atoms, *grid)), (t, (1 if len(t) == 1 else len(atoms),)))
    refuse = ["an exponent above 1023"] if any(abs(c) > MOST_EXPONENT for c in _exponents(program)) else []
    path = apply_triton if takes("pointwise", atoms, *points, t, batch=len(atoms), refuse=refuse) else apply_reference
    return path(program, atoms, points, t)


def apply_reference(program: Program, atoms: Tensor, points: Sequence[Tensor], t: Tensor) -> Tensor:
    dim, names = len(points), list(CODE)
    registers = list(atoms.unbind(1))
    for operation, _, a, b in program.code:
        match names[operation]:
            case "add":
                value = registers[a] + registers[b]
            case "multiply":
                value = registers[a] * registers[b]
            case "scale":
                value = registers[a] * program.constants[b]
            case "shift":
                value = registers[a] + program.constants[b]
            case "power":
                value = registers[a] ** program.constants[b]
            case "fill":
                value = atoms.new_full([1] * (dim + 1), program.constants[b])
            case "coordinate":
                value = points[a].reshape([-1 if d == a else 1 for d in range(dim)])[None]
            case "time":
                value = t.reshape(-1, *[1] * dim)
            case function:
                value = getattr(torch, function)(registers[a])
        registers.append(value)
    full = (len(atoms), *atoms.shape[2:])
    return torch.stack([registers[r].expand(full) for r in program.results], 1)


# (operation, a, b) of each instruction; their targets follow one another after the atoms
Instructions = tuple[tuple[int, int, int], ...]


def instructions(program: Program) -> Instructions:
    """With whole exponents in the place of their constants: a logarithm has no negative argument."""
    told = []
    for place, (operation, to, a, b) in enumerate(program.code):
        assert to == program.atoms + place
        if operation == CODE["power"] and program.constants[b] == int(program.constants[b]):
            told.append((WHOLE_POWER, a, int(program.constants[b])))
        else:
            told.append((operation, a, b))
    return tuple(told)


def _exponents(program: Program) -> list[float]:
    return [program.constants[b] for operation, _, _, b in program.code if operation == CODE["power"]]


@jit
def run_instruction(registers, constants, x1, x2, x3, t, OPERATION: tl.constexpr, A: tl.constexpr, B: tl.constexpr):
    """The operation's number is its place in `program.OPERATIONS`, one more for whole powers."""
    if OPERATION == 0:
        value = registers[A] + registers[B]
    elif OPERATION == 1:
        value = registers[A] * registers[B]
    elif OPERATION == 2:
        value = registers[A] * tl.load(constants + B)
    elif OPERATION == 3:
        value = registers[A] + tl.load(constants + B)
    elif OPERATION == 4:
        value = tl.exp(tl.load(constants + B) * tl.log(registers[A]))
    elif OPERATION == 5:
        value = x1 * 0 + tl.load(constants + B)
    elif OPERATION == 6:
        value = x1 if A == 0 else (x2 if A == 1 else x3)
    elif OPERATION == 7:
        value = t
    elif OPERATION == 8:
        value = tl.sin(registers[A])
    elif OPERATION == 9:
        value = tl.cos(registers[A])
    elif OPERATION == 10:
        value = tl.sin(registers[A]) / tl.cos(registers[A])
    elif OPERATION == 11:
        value = sinh(registers[A])
    elif OPERATION == 12:
        value = cosh(registers[A])
    elif OPERATION == 13:
        value = tanh(registers[A])
    elif OPERATION == 14:
        value = tl.exp(registers[A])
    elif OPERATION == 15:
        value = tl.log(registers[A])
    elif OPERATION == 16:
        value = tl.sqrt(registers[A])
    else:
        value = whole_power(registers[A], B)
    return value


@jit
def run_program(registers, constants, x1, x2, x3, t, CODE: tl.constexpr):
    """All registers after the instructions. x1, x2, x3, t: values of the shape of a register."""
    for q in tl.static_range(len(CODE)):
        value = run_instruction(registers, constants, x1, x2, x3, t, CODE[q][0], CODE[q][1], CODE[q][2])
        registers = registers + (value,)
    return registers


@jit
def _apply(
    atoms, constants, p1, p2, p3, t, out, t_step, size, n2, n3,
    CODE: tl.constexpr, ATOMS: tl.constexpr, RESULTS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    batch = tl.program_id(1)
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = p < size
    x1 = tl.load(p1 + p // (n2 * n3), mask=here, other=0.0)
    x2 = tl.load(p2 + (p // n3) % n2, mask=here, other=0.0)
    x3 = tl.load(p3 + p % n3, mask=here, other=0.0)
    when = x1 * 0 + tl.load(t + batch * t_step)
    registers = ()
    for i in tl.static_range(ATOMS):
        registers = registers + (tl.load(atoms + (batch * ATOMS + i) * size + p, mask=here, other=0.0),)
    registers = run_program(registers, constants, x1, x2, x3, when, CODE)
    for j in tl.static_range(len(RESULTS)):
        tl.store(out + (batch * len(RESULTS) + j) * size + p, registers[RESULTS[j]], mask=here)


def constants_of(program: Program, like: Tensor) -> Tensor:
    """Beside `like`; kept, because a copy to a card waits for all that runs there."""
    return _kept(tuple(program.constants or [0.0]), like.dtype, like.device)


@lru_cache(maxsize=64)
def _kept(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)


def apply_triton(program: Program, atoms: Tensor, points: Sequence[Tensor], t: Tensor) -> Tensor:
    grid = atoms.shape[2:]
    size = math.prod(grid)
    out = empty((len(atoms), len(program.results), *grid), atoms)
    axes = [p.contiguous() for p in points]
    padded = [*axes, *[t[:1]] * (3 - len(axes))]  # an axis that is not there has one point, never read as a coordinate
    n2, n3 = (*grid, 1, 1)[1:3]
    constants = constants_of(program, atoms)
    block = block_for(size, 512)
    launch(
        _apply, (blocks(size, block), len(atoms)),
        atoms.contiguous(), constants, *padded, t.contiguous(), out, 0 if len(t) == 1 else 1, size, n2, n3,
        CODE=instructions(program), ATOMS=program.atoms, RESULTS=tuple(program.results), BLOCK=block,
    )  # fmt: skip
    return out


U, V, X, T = tree.Atom(0), tree.Atom(1), tree.Coordinate("x"), tree.Coordinate("t")


def _f(name: str, argument: tree.Expr) -> tree.Expr:
    return tree.Function(name, argument)


def _safe(e: tree.Expr) -> tree.Expr:
    """2 + e², a fair argument of roots and logarithms."""
    return tree.add(tree.Number(2.0), tree.power(e, 2))


PRODUCTS: dict[str, tuple[int, list[tree.Expr]]] = {  # atoms, expressions
    "burgers": (2, [tree.multiply(U, V)]),
    "polynomials": (2, [tree.add(tree.power(U, 3), tree.multiply(tree.Number(-2.5), U, V)), tree.power(V, 11),
                        tree.multiply(U, X)]),
    "forcing": (0, [tree.multiply(_f("sin", X), _f("exp", tree.multiply(tree.Number(-1.0), T))), tree.Number(3.0)]),
    "functions": (2, [_f(name, U) for name in ("sin", "cos", "sinh", "cosh", "tanh", "exp")]
                  + [_f("tan", _f("tanh", V)), _f("log", _safe(V)), _f("sqrt", _safe(U))]),
    "powers": (2, [tree.power(_safe(U), -1), tree.power(_safe(V), 1.5), tree.power(_f("exp", V), -0.5)]),
}  # fmt: skip
CASES = {  # products, grid, batch, times
    "burgers": ("burgers", (37,), 2, 1),
    "polynomials": ("polynomials", (9, 14), 3, 3),
    "forcing": ("forcing", (5, 3, 7), 2, 2),
    "functions": ("functions", (63,), 1, 1),
    "powers": ("powers", (1, 17), 2, 1),
}


def _made(case: Any, dtype: Any, device: str, seed: int) -> tuple[Any, ...]:
    name, grid, batch, times = case
    count, expressions = PRODUCTS[name]
    numbers = Numbers(dtype, device, seed)
    program = Program.compile(expressions, count, ("x", "y", "z")[: len(grid)])
    points = [numbers.real(n) for n in grid]
    return program, numbers.real(batch, count, *grid), points, numbers.real(times)


def _bytes(program: Program, atoms: Tensor, points: Sequence[Tensor], t: Tensor) -> int:
    points_of_grid = len(atoms) * math.prod(atoms.shape[2:])
    return moved((atoms, tuple(points), t)) + len(program.results) * points_of_grid * atoms.element_size()


def _flops(program: Program, atoms: Tensor, points: Sequence[Tensor], t: Tensor) -> int:
    a_point = sum(1 if o <= CODE["shift"] else 10 if o == CODE["power"] or o >= CODE["sin"] else 0
                  for o, *_ in program.code)  # fmt: skip
    return len(atoms) * math.prod(atoms.shape[2:]) * a_point


KERNELS = [
    Kernel(
        name="pointwise", computes="products of atoms, coordinates and time on the grid, one pass",
        formula="p_j(x) = g_j(a_1(x), …, a_n(x), x, t)",
        call=apply, reference=apply_reference, triton=apply_triton,
        tolerance={"float32": 2e-6, "float64": 1e-14}, cases=CASES, make=_made,
        sized=lambda n: ("burgers", (max(2, n // 3),), 1, 1), bytes=_bytes, flops=_flops,
    )
]  # fmt: skip
