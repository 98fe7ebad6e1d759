"""A stage of an exponential Runge–Kutta step up to its inverse FFT, in one pass over the modes: û from its parts, times
the symbols of the atoms, into the zero-padded spectrum that the FFT reads.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..dispatch import block_for, blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .etd_scheme import CASES, FULL, FULL1, FULL2, HALF, HALF1, HALF2, STAGES, TOLERANCE, batch_step, made, sized
from .language import add, jit, load_complex, multiply, split, store_complex, subtract, tl
from .layout import Layout
from .numbers import moved


def enter(
    stage: str, layout: Layout, table: Tensor | None, parts: tuple[Tensor, ...], symbols: Tensor, keep: bool = False
) -> tuple[Tensor, ...]:
    """(spectra,) or with `keep` (spectra, û). table: (1 or batch, 9, fields, *modes); parts: (1 or batch, fields,
    *modes); symbols: (rows, *modes); spectra: (batch, atoms, *layout.spectrum), all complex."""
    batch = max(map(len, parts if table is None else (*parts, table)))
    own = (layout.fields, *layout.modes)
    require_shapes("etd enter", *((p, (1 if len(p) == 1 else batch, *own)) for p in parts))
    require_shapes("etd enter", (symbols, (len(symbols), *layout.modes)))
    if table is not None:
        require_shapes("etd enter", (table, (1 if len(table) == 1 else batch, 9, *own)))
    tensors = [*parts, symbols] if table is None else [*parts, symbols, table]
    path = enter_triton if takes("etd enter", *tensors, batch=batch) else enter_reference
    return path(stage, layout, table, parts, symbols, keep)


def enter_reference(
    stage: str, layout: Layout, table: Tensor | None, parts: tuple[Tensor, ...], symbols: Tensor, keep: bool = False
) -> tuple[Tensor, ...]:
    state = _combined(stage, table, parts)
    flat, rows = state.reshape(*state.shape[:2], -1), symbols.reshape(len(symbols), -1)
    spectra = state.new_zeros(len(state), layout.atoms, layout.length)
    places = layout.places(state.device)
    for atom in range(layout.atoms):
        terms = [flat[:, f] if row < 0 else rows[row] * flat[:, f] for to, f, row in layout.inner if to == atom]
        if terms:
            spectra[:, atom, places] = sum(terms[1:], start=terms[0])
    result = spectra.reshape(len(state), layout.atoms, *layout.spectrum)
    return (result, state) if keep else (result,)


def _combined(stage: str, table: Tensor | None, parts: tuple[Tensor, ...]) -> Tensor:
    if stage == "u":
        return parts[0]
    assert table is not None
    if stage == "a":
        return table[:, HALF] * parts[0] + table[:, HALF1] * parts[1]
    if stage == "b":
        return parts[0] + table[:, HALF2] * (parts[2] - parts[1])
    u, n_u, n_b = parts
    return table[:, FULL] * u + table[:, FULL1] * n_u + table[:, FULL2] * (n_b - n_u)


@jit
def _enter(
    x, y, z, table, symbols, spectra, state, x_step, y_step, z_step, table_step, modes, length, k1, k2, k3, n1, n2, n3,
    STAGE: tl.constexpr, FIELDS: tl.constexpr, ATOMS: tl.constexpr, TERMS: tl.constexpr, KEEP: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    batch = tl.program_id(1)
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    i1, i2, i3 = split(p, n2, n3)
    here = (p < length) & ((i1 <= k1) | (i1 >= n1 - k1)) & ((i2 <= k2) | (i2 >= n2 - k2)) & (i3 <= k3)
    m1 = tl.where(i1 <= k1, i1, i1 - n1 + 2 * k1 + 1)
    m2 = tl.where(i2 <= k2, i2, i2 - n2 + 2 * k2 + 1)
    m = (m1 * (2 * k2 + 1) + m2) * (k3 + 1) + i3
    x += 2 * batch * x_step
    y += 2 * batch * y_step
    z += 2 * batch * z_step
    table += 2 * batch * table_step
    row = FIELDS * modes
    states = ()
    for f in tl.static_range(FIELDS):
        at = f * modes + m
        value = load_complex(x, at, here)
        if STAGE == 1:
            value = multiply(load_complex(table, at, here), value)
            value = add(value, multiply(load_complex(table, 2 * row + at, here), load_complex(y, at, here)))
        elif STAGE == 2:
            change = subtract(load_complex(z, at, here), load_complex(y, at, here))
            value = add(value, multiply(load_complex(table, 3 * row + at, here), change))
        elif STAGE == 3:
            n_u = load_complex(y, at, here)
            value = multiply(load_complex(table, row + at, here), value)
            value = add(value, multiply(load_complex(table, 4 * row + at, here), n_u))
            change = subtract(load_complex(z, at, here), n_u)
            value = add(value, multiply(load_complex(table, 5 * row + at, here), change))
        if KEEP:
            store_complex(state, (batch * FIELDS + f) * modes + m, value[0], value[1], here)
        states = states + (value,)
    for atom in tl.static_range(ATOMS):
        total = (tl.zeros([BLOCK], x.dtype.element_ty), tl.zeros([BLOCK], x.dtype.element_ty))
        for term in tl.static_range(len(TERMS)):
            if TERMS[term][0] == atom:
                if TERMS[term][2] < 0:
                    total = add(total, states[TERMS[term][1]])
                else:
                    symbol = load_complex(symbols, TERMS[term][2] * modes + m, here)
                    total = add(total, multiply(symbol, states[TERMS[term][1]]))
        store_complex(spectra, (batch * ATOMS + atom) * length + p, total[0], total[1], p < length)


def enter_triton(
    stage: str, layout: Layout, table: Tensor | None, parts: tuple[Tensor, ...], symbols: Tensor, keep: bool = False
) -> tuple[Tensor, ...]:
    given = [part.contiguous() for part in parts]
    x, y, z = (*given, *[given[0]] * (3 - len(given)))
    steps = given[0] if table is None else table.contiguous()
    batch = max(len(t) for t in (steps, *given))
    spectra = empty((batch, layout.atoms, *layout.spectrum), x)
    state = empty((batch, layout.fields, *layout.modes), x) if keep else spectra
    block = block_for(layout.length, 256)
    launch(
        _enter, (blocks(layout.length, block), batch),
        x, y, z, steps, symbols.contiguous(), spectra, state, *(batch_step(t) for t in (x, y, z, steps)),
        layout.count, layout.length, *layout.highest, *layout.padded,
        STAGE=STAGES.index(stage), FIELDS=layout.fields, ATOMS=layout.atoms, TERMS=layout.inner, KEEP=keep, BLOCK=block,
    )  # fmt: skip
    return (spectra, state) if keep else (spectra,)


def _enter_case(stage: str) -> Any:
    def make(case: Any, dtype: Any, device: str, seed: int) -> tuple[Any, ...]:
        layout, table, symbols, u, n_u, n_a, n_b, _ = made(case, dtype, device, seed)
        parts = {"u": (u,), "a": (u, n_u), "b": (n_b, n_u, n_a), "c": (u, n_u, n_b)}[stage]
        return stage, layout, None if stage == "u" else table, parts, symbols, stage != "u"

    return make


ROWS = {"u": 0, "a": 2, "b": 1, "c": 3}  # of the table, that a stage reads


def _enter_bytes(stage: str, layout: Layout, table: Any, parts: Any, symbols: Tensor, keep: bool) -> int:
    batch, size = max(len(p) for p in parts), symbols.element_size()
    rows = 0 if table is None else ROWS[stage] * table[:, 0].numel()
    written = batch * (layout.atoms * layout.length + (layout.fields * layout.count if keep else 0))
    return moved((parts, symbols)) + size * (rows + written)


def _enter_flops(stage: str, layout: Layout, table: Any, parts: Any, symbols: Tensor, keep: bool) -> int:
    batch = max(len(p) for p in parts)
    return batch * layout.count * (layout.fields * ROWS[stage] * 8 + len(layout.inner) * 8)


FORMULAS = {"u": "u", "a": "e½ u + ½φ N(u)", "b": "a + ½φ₂ (N(a) - N(u))", "c": "e u + φ₁ N(u) + φ₂ (N(b) - N(u))"}
KERNELS = [
    Kernel(
        name=f"etd enter {stage}",
        computes="a stage of the exponential scheme, its atoms' symbols, zero padding for the inverse FFT",
        formula=f"spectra_i = pad(Σ_f s_if û_f), û = {FORMULAS[stage]}",
        call=enter, reference=enter_reference, triton=enter_triton, tolerance=TOLERANCE, cases=CASES,
        make=_enter_case(stage), sized=sized, bytes=_enter_bytes, flops=_enter_flops,
    )
    for stage in STAGES
]  # fmt: skip
