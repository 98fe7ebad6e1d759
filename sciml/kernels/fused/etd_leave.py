"""A stage of an exponential Runge–Kutta step from its forward FFT on, in one pass over the modes: truncation, outer
symbols and coupling give N(û); after the last stage, with the scheme's last line, the state after the step.
"""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from ..dispatch import block_for, blocks, empty, launch, require_shapes, takes
from ..registry import Kernel
from .etd_scheme import CASES, FIRST, FULL, LAST, MIDDLE, TOLERANCE, batch_step, made, sized
from .language import add, jit, load_complex, multiply, split, store_complex, tl
from .layout import Layout
from .numbers import moved


def leave(
    layout: Layout, spectra: Tensor, symbols: Tensor, coupling: Tensor | None = None, state: Tensor | None = None,
    table: Tensor | None = None, parts: tuple[Tensor, ...] = (),
) -> Tensor:  # fmt: skip
    """N(û) of an unscaled forward transform, (batch, products, *layout.spectrum) -> (batch, fields, *modes).

    coupling: (fields, fields, *modes), applied to state. With parts (u, N(u), N(a), N(b)) and a table the spectra are
    those of stage c, and the answer is the state after the step.
    """
    batch, own = len(spectra), (layout.fields, *layout.modes)
    require_shapes("etd leave", (spectra, (batch, layout.products, *layout.spectrum)))
    require_shapes("etd leave", (symbols, (len(symbols), *layout.modes)))
    if coupling is not None:
        require_shapes("etd leave", (coupling, (layout.fields, *own)))
    for tensor, inner in [*((p, own) for p in (state, *parts)), (table, (9, *own))]:
        if tensor is not None:
            require_shapes("etd leave", (tensor, (1 if len(tensor) == 1 else batch, *inner)))
    tensors = [t for t in (spectra, symbols, coupling, state, table, *parts) if t is not None]
    path = leave_triton if takes("etd leave", *tensors, batch=batch) else leave_reference
    return path(layout, spectra, symbols, coupling, state, table, parts)


def leave_reference(
    layout: Layout, spectra: Tensor, symbols: Tensor, coupling: Tensor | None = None, state: Tensor | None = None,
    table: Tensor | None = None, parts: tuple[Tensor, ...] = (),
) -> Tensor:  # fmt: skip
    scale = 1 / math.prod(layout.grid)
    kept = spectra.reshape(*spectra.shape[:2], -1)[..., layout.places(spectra.device)] * scale
    rows = symbols.reshape(len(symbols), -1)
    result = kept.new_zeros(len(kept), layout.fields, layout.count)
    for field, product, row in layout.outer:
        result[:, field] += kept[:, product] if row < 0 else rows[row] * kept[:, product]
    n = result.reshape(len(kept), layout.fields, *layout.modes)
    if coupling is not None:
        assert state is not None
        n = n + (coupling * state[:, None]).sum(2)
    if not parts:
        return n
    assert table is not None
    u, n_u, n_a, n_b = parts
    return table[:, FULL] * u + table[:, FIRST] * n_u + table[:, MIDDLE] * (n_a + n_b) + table[:, LAST] * n


@jit
def _leave(
    spectra, symbols, coupling, state, table, u, n_u, n_a, n_b, scale, out, state_step, table_step, u_step, n_step,
    modes, length, k1, k2, k3, n1, n2, n3,
    FIELDS: tl.constexpr, PRODUCTS: tl.constexpr, TERMS: tl.constexpr, COUPLED: tl.constexpr, LAST: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    batch = tl.program_id(1)
    m = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    here = m < modes
    m1, m2, m3 = split(m, 2 * k2 + 1, k3 + 1)
    i1 = tl.where(m1 <= k1, m1, m1 + n1 - 2 * k1 - 1)
    i2 = tl.where(m2 <= k2, m2, m2 + n2 - 2 * k2 - 1)
    p = (i1 * n2 + i2) * n3 + m3
    scaled = tl.load(scale)
    state += 2 * batch * state_step
    table += 2 * batch * table_step
    u += 2 * batch * u_step
    n_u += 2 * batch * n_step
    row = FIELDS * modes
    for f in tl.static_range(FIELDS):
        n = (tl.zeros([BLOCK], out.dtype.element_ty), tl.zeros([BLOCK], out.dtype.element_ty))
        for term in tl.static_range(len(TERMS)):
            if TERMS[term][0] == f:
                kept = load_complex(spectra, (batch * PRODUCTS + TERMS[term][1]) * length + p, here)
                if TERMS[term][2] >= 0:
                    kept = multiply(load_complex(symbols, TERMS[term][2] * modes + m, here), kept)
                n = add(n, kept)
        n = (n[0] * scaled, n[1] * scaled)
        if COUPLED:
            for g in tl.static_range(FIELDS):
                factor = load_complex(coupling, (f * FIELDS + g) * modes + m, here)
                n = add(n, multiply(factor, load_complex(state, g * modes + m, here)))
        at = f * modes + m
        own = batch * row + at
        if LAST:
            n = multiply(load_complex(table, 8 * row + at, here), n)
            n = add(n, multiply(load_complex(table, row + at, here), load_complex(u, at, here)))
            n = add(n, multiply(load_complex(table, 6 * row + at, here), load_complex(n_u, at, here)))
            middle = add(load_complex(n_a, own, here), load_complex(n_b, own, here))
            n = add(n, multiply(load_complex(table, 7 * row + at, here), middle))
        store_complex(out, own, n[0], n[1], here)


def leave_triton(
    layout: Layout, spectra: Tensor, symbols: Tensor, coupling: Tensor | None = None, state: Tensor | None = None,
    table: Tensor | None = None, parts: tuple[Tensor, ...] = (),
) -> Tensor:  # fmt: skip
    spectra = spectra.contiguous()
    batch = len(spectra)
    out = empty((batch, layout.fields, *layout.modes), spectra)
    held = out if state is None else state.contiguous()
    steps = out if table is None else table.contiguous()
    given = [part.contiguous() for part in parts]
    if given:  # what only a stage made has the whole batch
        given[2:] = [part.expand(batch, *part.shape[1:]).contiguous() for part in given[2:]]
    u, n_u, n_a, n_b = given or [out] * 4
    block = block_for(layout.count, 256)
    launch(
        _leave, (blocks(layout.count, block), batch),
        spectra, symbols.contiguous(), out if coupling is None else coupling.contiguous(), held, steps,
        u, n_u, n_a, n_b, _scale(layout, out), out, *(batch_step(t) for t in (held, steps, u, n_u)),
        layout.count, layout.length, *layout.highest, *layout.padded,
        FIELDS=layout.fields, PRODUCTS=layout.products, TERMS=layout.outer, COUPLED=coupling is not None,
        LAST=bool(parts), BLOCK=block,
    )  # fmt: skip
    return out


def _scale(layout: Layout, like: Tensor) -> Tensor:
    """As a tensor: a Python float would reach the kernel in single precision."""
    return like.real.new_full((1,), 1 / math.prod(layout.grid))


def _leave_case(last: bool) -> Any:
    def make(case: Any, dtype: Any, device: str, seed: int) -> tuple[Any, ...]:
        layout, table, symbols, u, n_u, n_a, n_b, numbers = made(case, dtype, device, seed)
        spectra = numbers.complex(len(n_a), layout.products, *layout.spectrum)
        coupling = numbers.complex(layout.fields, layout.fields, *layout.modes) if layout.fields > 1 else None
        state = n_b if layout.fields > 1 else None
        return layout, spectra, symbols, coupling, state, *((table, (u, n_u, n_a, n_b)) if last else (None, ()))

    return make


def _leave_bytes(layout: Layout, spectra: Tensor, symbols: Tensor, *rest: Any) -> int:
    coupling, state, table, parts = rest
    size, batch = symbols.element_size(), len(spectra)
    rows = 0 if table is None else 4 * table[:, 0].numel()
    through = batch * layout.count * (layout.products + layout.fields)
    return moved((symbols, coupling, state, parts)) + size * (rows + through)


def _leave_flops(layout: Layout, spectra: Tensor, symbols: Tensor, *rest: Any) -> int:
    coupling, _, table, _ = rest
    a_field = 8 * (4 if table is not None else 0) + 8 * (layout.fields if coupling is not None else 0)
    return len(spectra) * layout.count * (8 * len(layout.outer) + layout.fields * a_field)


KERNELS = [
    Kernel(
        name="etd leave, whole step" if last else "etd leave",
        computes="truncation, outer symbols and coupling" + (", and the last line of the scheme" if last else ""),
        formula="N = Σ_j D_j cut(p_j) + C û" + (";  e u + α N(u) + β (N(a) + N(b)) + γ N" if last else ""),
        call=leave, reference=leave_reference, triton=leave_triton, tolerance=TOLERANCE, cases=CASES,
        make=_leave_case(last), sized=sized, bytes=_leave_bytes, flops=_leave_flops,
    )
    for last in (False, True)
]  # fmt: skip
