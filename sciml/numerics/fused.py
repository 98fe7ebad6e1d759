"""The reading of a periodic equation for cards: between the FFTs of a stage one kernel each, of `kernels.fused`.

The symbols are those of `PseudoSpectral`; what is computed is what `Etdrk4.advance` computes with its N.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields as entries
from typing import Any

import torch
from torch import Tensor

from ..kernels import dispatch
from ..kernels.fused import pointwise
from ..kernels.fused.etd_enter import enter
from ..kernels.fused.etd_leave import leave
from ..kernels.fused.language import triton
from ..kernels.fused.layout import Layout, Terms
from ..kernels.native.compile import disabled
from ..kernels.program import Program
from .exponential import Etdrk4
from .pseudospectral import PseudoSpectral


def suits(system: PseudoSpectral) -> bool:
    """Whether Triton can compute it: on a card (or in its interpreter), one to three axes, something to transform."""
    there = triton is not None and not disabled()
    place = system.basis.device != "cpu" or dispatch.interpreted()
    return there and place and 1 <= system.basis.dim <= 3 and bool(system.form.atoms) and bool(system.form.products)


@dataclass(frozen=True)
class Table:
    """Coefficients of a step, or of several side by side. values: (tables, 9, fields, *modes); steps: (tables,)."""

    values: Tensor
    steps: Tensor

    @classmethod
    def pack(cls, coefficients: Etdrk4) -> Table:
        rows = [getattr(coefficients, e.name) for e in entries(coefficients) if e.name != "step"]
        return cls(torch.stack(rows)[None], rows[0].real.new_tensor([coefficients.step]))

    def beside(self, other: Table) -> Table:
        return Table(torch.cat([self.values, other.values]), torch.cat([self.steps, other.steps]))


class Fused:
    """N(û, t) and exponential steps of one equation on one basis."""

    def __init__(self, system: PseudoSpectral) -> None:
        basis, form = system.basis, system.form
        self.dims = tuple(range(-basis.dim, 0))
        self.program = Program.compile(form.products, len(form.atoms), basis.axes)
        self.points = [system.coordinates[axis].reshape(-1) for axis in basis.axes]
        self.coupling = None if system.uncoupled else system.coupling
        entering = [(atom, f, row[f]) for atom, row in enumerate(system.atoms) for f in range(len(row))
                    if bool((row[f] != 0).any())]  # fmt: skip
        leaving = [(f, product, symbol) for f, field in enumerate(system.fields)
                   for symbol, product in system.outer[field]]  # fmt: skip
        like = system.diagonal[0]
        inner, self.inner = _rows(entering, like)
        outer, self.outer = _rows(leaving, like)
        counts = (len(system.fields), len(form.atoms), len(form.products))
        self.layout = Layout(basis.shape, system.shape, *counts, inner, outer)

    def nonlinear(self, u: Tensor, t: Any) -> Tensor:
        """N(û, t) with the coupling between fields. u: (fields, *modes), or a batch of states with times (batch,)."""
        batch = u if u.dim() == len(self.dims) + 2 else u[None]
        (spectra,) = enter("u", self.layout, None, (batch,), self.inner)
        when = t if isinstance(t, Tensor) else u.real.new_full((1,), t)
        value = leave(self.layout, self._products(spectra, when), self.outer, self.coupling, batch)
        return value if batch is u else value[0]

    def table(self, coefficients: Etdrk4) -> Table:
        """Of one step size, for `advance`."""
        return Table.pack(coefficients)

    def advance(self, table: Table, u: Tensor, t: float, rate: Tensor | None = None) -> Tensor:
        """One step from u, (fields, *modes); with tables side by side a batch, one state by each. rate: N(u, t)."""
        n_u = (self.nonlinear(u, t) if rate is None else rate)[None]
        start, values = u[None], table.values
        a_spectra, a = enter("a", self.layout, values, (start, n_u), self.inner, keep=True)
        n_a = self._stage(a_spectra, t + table.steps / 2, a)
        n_b = self._stage(*self._entered("b", values, (a, n_u, n_a), t + table.steps / 2))
        spectra, when, c = self._entered("c", values, (start, n_u, n_b), t + table.steps)
        products = self._products(spectra, when)
        result = leave(self.layout, products, self.outer, self.coupling, c, values, (start, n_u, n_a, n_b))
        return result if len(values) > 1 else result[0]

    def _entered(self, stage: str, values: Tensor, parts: tuple[Tensor, ...], when: Tensor) \
            -> tuple[Tensor, Tensor, Tensor | None]:  # fmt: skip
        """Spectra of a stage; its state too where the coupling needs it."""
        keep = self.coupling is not None
        spectra, *state = enter(stage, self.layout, values, parts, self.inner, keep=keep)
        return spectra, when, state[0] if keep else None

    def _stage(self, spectra: Tensor, when: Tensor, state: Tensor | None) -> Tensor:
        return leave(self.layout, self._products(spectra, when), self.outer, self.coupling, state)

    def _products(self, coefficients: Tensor, when: Tensor) -> Tensor:
        """Through the grid: (batch, atoms, *spectrum) -> (batch, products, *spectrum), unscaled."""
        atoms = torch.fft.irfftn(coefficients, s=self.layout.grid, dim=self.dims, norm="forward")
        spectra: Tensor = torch.fft.rfftn(pointwise.apply(self.program, atoms, self.points, when), dim=self.dims)
        return spectra


def _rows(terms: Sequence[tuple[int, int, Tensor | None]], like: Tensor) -> tuple[Terms, Tensor]:
    """Terms with the row of their symbol, -1 for the identity, and the rows: (rows, *modes), at least one."""
    told: list[tuple[int, int, int]] = []
    rows: list[Tensor] = []
    for to, source, symbol in terms:
        if symbol is None or bool((symbol == 1).all()):
            told.append((to, source, -1))
        else:
            told.append((to, source, len(rows)))
            rows.append(symbol)
    return tuple(told), torch.stack(rows or [torch.ones_like(like)])
