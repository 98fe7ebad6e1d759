"""What lies between the transforms of an exponential Runge–Kutta step, in one pass over the modes each way.

`enter`: û of a stage from its parts, times the symbols of the atoms, into the padded spectrum the inverse FFT reads.
`leave`: from the spectrum a forward FFT left, N(û) on the stored modes, or the whole step.

Scheme: Krogstad, J. Comput. Phys. 203 (2005), eq. 51, as in `numerics.exponential.Etdrk4`:

    a = e½ u + ½φ N(u),  b = a + ½φ₂ (N(a) - N(u)),  c = e u + φ₁ N(u) + φ₂ (N(b) - N(u)),
    u₁ = e u + α N(u) + β (N(a) + N(b)) + γ N(c)
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..dispatch import block_for, blocks, empty, launch, takes
from ..registry import Kernel
from .language import add, jit, load_complex, multiply, store_complex, subtract, tl
from .layout import Layout
from .numbers import Numbers, moved

STAGES = ("u", "a", "b", "c")  # what is transformed; its parts: (u,), (u, N(u)), (a, N(u), N(a)), (u, N(u), N(b))
HALF, FULL, HALF1, HALF2, FULL1, FULL2, FIRST, MIDDLE, LAST = range(9)  # rows of a table


def enter(
    stage: str, layout: Layout, table: Tensor | None, parts: tuple[Tensor, ...], symbols: Tensor, keep: bool = False
) -> tuple[Tensor, ...]:
    """(spectra,) or with `keep` (spectra, û). table: (1 or batch, 9, fields, *modes); parts: (1 or batch, fields,
    *modes); symbols: (rows, *modes); spectra: (batch, atoms, *layout.spectrum), all complex."""
    tensors = [*parts, symbols] if table is None else [*parts, symbols, table]
    path = enter_triton if takes("etd enter", *tensors, batch=max(map(len, parts))) else enter_reference
    return path(stage, layout, table, parts, symbols, keep)


def leave(
    layout: Layout, spectra: Tensor, symbols: Tensor, coupling: Tensor | None = None, state: Tensor | None = None,
    table: Tensor | None = None, parts: tuple[Tensor, ...] = (),
) -> Tensor:  # fmt: skip
    """N(û) of an unscaled forward transform, (batch, products, *layout.spectrum) -> (batch, fields, *modes).

    coupling: (fields, fields, *modes), applied to state. With parts (u, N(u), N(a), N(b)) and a table the spectra are
    those of stage c, and the answer is the state after the step.
    """
    tensors = [t for t in (spectra, symbols, coupling, state, table, *parts) if t is not None]
    path = leave_triton if takes("etd leave", *tensors, batch=len(spectra)) else leave_reference
    return path(layout, spectra, symbols, coupling, state, table, parts)


# -- torch ---------------------------------------------------------------------------------------------------------


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


def leave_reference(
    layout: Layout, spectra: Tensor, symbols: Tensor, coupling: Tensor | None = None, state: Tensor | None = None,
    table: Tensor | None = None, parts: tuple[Tensor, ...] = (),
) -> Tensor:  # fmt: skip
    scale = 1 / _points(layout)
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


def _points(layout: Layout) -> int:
    total = 1
    for n in layout.grid:
        total *= n
    return total


# -- Triton --------------------------------------------------------------------------------------------------------


@jit
def _split(p, n2, n3):
    """Flat place to places on three axes."""
    return p // (n2 * n3), (p // n3) % n2, p % n3


@jit
def _enter(
    x, y, z, table, symbols, spectra, state, x_step, y_step, z_step, table_step, modes, length, k1, k2, k3, n1, n2, n3,
    STAGE: tl.constexpr, FIELDS: tl.constexpr, ATOMS: tl.constexpr, TERMS: tl.constexpr, KEEP: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    batch = tl.program_id(1)
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    i1, i2, i3 = _split(p, n2, n3)
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
        x, y, z, steps, symbols.contiguous(), spectra, state, *(_step(t) for t in (x, y, z, steps)),
        layout.count, layout.length, *layout.highest, *layout.padded,
        STAGE=STAGES.index(stage), FIELDS=layout.fields, ATOMS=layout.atoms, TERMS=layout.inner, KEEP=keep, BLOCK=block,
    )  # fmt: skip
    return (spectra, state) if keep else (spectra,)


def _step(tensor: Tensor) -> int:
    """Distance between members of a batch; none where one member serves all."""
    return 0 if len(tensor) == 1 else tensor[0].numel()


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
    m1, m2, m3 = _split(m, 2 * k2 + 1, k3 + 1)
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
        u, n_u, n_a, n_b, _scale(layout, out), out, *(_step(t) for t in (held, steps, u, n_u)),
        layout.count, layout.length, *layout.highest, *layout.padded,
        FIELDS=layout.fields, PRODUCTS=layout.products, TERMS=layout.outer, COUPLED=coupling is not None,
        LAST=bool(parts), BLOCK=block,
    )  # fmt: skip
    return out


def _scale(layout: Layout, like: Tensor) -> Tensor:
    """As a tensor: a Python float would reach the kernel in single precision."""
    return like.real.new_full((1,), 1 / _points(layout))


# -- registry ------------------------------------------------------------------------------------------------------


def _layout(modes: tuple[int, ...], grid: tuple[int, ...], fields: int) -> Layout:
    """Two atoms a field (itself and one symbol), the last of them of all fields; as many products."""
    inner = [(2 * f + i, f, i - 1 if i == 0 else f) for f in range(fields) for i in (0, 1)]
    inner += [(2 * fields - 1, 0, 0)] if fields > 1 else []
    outer = [(f, p, -1 if p == f else 0) for f in range(fields) for p in range(fields) if p >= f]
    return Layout(modes, grid, fields, 2 * fields, fields, tuple(inner), tuple(outer))


CASES: dict[str, Any] = {  # modes, grid, fields, batch, tables
    "one mode": ((2,), (4,), 1, 1, 1),
    "line": ((12,), (36,), 1, 3, 1),
    "two tables from one state": ((7,), (22,), 2, 2, 2),
    "plane": ((5, 4), (9, 10), 1, 2, 1),
    "plane, three fields": ((3, 6), (8, 18), 3, 1, 1),
    "box": ((3, 5, 3), (4, 9, 8), 2, 2, 1),
    "no padding": ((5, 3), (5, 5), 1, 1, 1),
}


def _made(case: Any, dtype: Any, device: str, seed: int) -> tuple[Any, ...]:
    modes, grid, fields, batch, tables = case
    make, layout = Numbers(dtype, device, seed), _layout(modes, grid, fields)
    table, symbols = make.complex(tables, 9, fields, *modes), make.complex(fields, *modes)
    u, n_u = (make.complex(1 if tables > 1 else batch, fields, *modes) for _ in range(2))
    n_a, n_b = (make.complex(batch, fields, *modes) for _ in range(2))
    return layout, table, symbols, u, n_u, n_a, n_b, make


def _enter_case(stage: str) -> Any:
    def make(case: Any, dtype: Any, device: str, seed: int) -> tuple[Any, ...]:
        layout, table, symbols, u, n_u, n_a, n_b, _ = _made(case, dtype, device, seed)
        parts = {"u": (u,), "a": (u, n_u), "b": (n_b, n_u, n_a), "c": (u, n_u, n_b)}[stage]
        return stage, layout, None if stage == "u" else table, parts, symbols, stage != "u"

    return make


def _leave_case(last: bool) -> Any:
    def make(case: Any, dtype: Any, device: str, seed: int) -> tuple[Any, ...]:
        layout, table, symbols, u, n_u, n_a, n_b, numbers = _made(case, dtype, device, seed)
        spectra = numbers.complex(len(n_a), layout.products, *layout.spectrum)
        coupling = numbers.complex(layout.fields, layout.fields, *layout.modes) if layout.fields > 1 else None
        state = n_b if layout.fields > 1 else None
        return layout, spectra, symbols, coupling, state, *((table, (u, n_u, n_a, n_b)) if last else (None, ()))

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


def _sized(n: int) -> Any:
    k = max(2, round((n / 10) ** 0.5 / 1.5))  # a square plane, one field: about ten numbers a point of the grid
    return (2 * k + 1, k + 1), (3 * k + 2 - k % 2, 3 * k + 2 - k % 2), 1, 1, 1


TOLERANCE = {"float32": 2e-6, "float64": 4e-15}
FORMULAS = {"u": "u", "a": "e½ u + ½φ N(u)", "b": "a + ½φ₂ (N(a) - N(u))", "c": "e u + φ₁ N(u) + φ₂ (N(b) - N(u))"}
KERNELS = [
    *(
        Kernel(
            name=f"etd enter {stage}",
            computes="a stage of the exponential scheme, its atoms' symbols, zero padding for the inverse FFT",
            formula=f"spectra_i = pad(Σ_f s_if û_f), û = {FORMULAS[stage]}",
            call=enter, reference=enter_reference, triton=enter_triton, tolerance=TOLERANCE, cases=CASES,
            make=_enter_case(stage), sized=_sized, bytes=_enter_bytes, flops=_enter_flops,
        )
        for stage in STAGES
    ),
    *(
        Kernel(
            name="etd leave, whole step" if last else "etd leave",
            computes="truncation, outer symbols and coupling" + (", and the last line of the scheme" if last else ""),
            formula="N = Σ_j D_j cut(p_j) + C û" + (";  e u + α N(u) + β (N(a) + N(b)) + γ N" if last else ""),
            call=leave, reference=leave_reference, triton=leave_triton, tolerance=TOLERANCE, cases=CASES,
            make=_leave_case(last), sized=_sized, bytes=_leave_bytes, flops=_leave_flops,
        )
        for last in (False, True)
    ),
]  # fmt: skip
