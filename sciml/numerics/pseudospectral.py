"""The Fourier reading of an equation: dû/dt = L û + N(û, t), its linearisation and adjoint.

Products are formed on a grid fine enough that a polynomial right-hand side is the exact Galerkin
projection on the stored modes (no aliasing).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..equation import Equation, Monomial, Operator, tree
from .fourier import FourierBasis

CHUNK = 2**17  # numbers of all atoms on the product grid that are worked on at once


def torch_function(name: str, value: Tensor | float) -> Tensor:
    """The elementary functions of the grammar on tensors."""
    if not isinstance(value, Tensor):
        value = torch.as_tensor(value, dtype=torch.float64)
    result: Tensor = getattr(torch, name)(value)
    return result


class PseudoSpectral:
    """Right-hand side of an evolution equation on a Fourier basis.

    State: û of shape (…, fields, *basis.shape). `linear` holds the symbols L, (fields, fields, *shape):
    row = equation, column = field.
    """

    def __init__(self, equation: Equation, basis: FourierBasis) -> None:
        self.equation, self.basis = equation, basis
        self.form = form = equation.semilinear
        fields = form.fields
        self.linear = torch.stack([basis.functional(form.linear[f], fields) for f in fields])
        self.shape = basis.product_grid(form.degree)
        self.coordinates = basis.points(self.shape)
        self.atoms = [basis.functional(atom, fields) for atom in form.atoms]
        self.sources = [_single_source(symbols) for symbols in self.atoms]
        self.outer = {
            field: [(_operator_symbol(basis, operator), j) for operator, j in form.outer[field]]
            for field in fields
        }
        self.partials = [
            {
                i: d for i in range(len(form.atoms))
                if (d := tree.partial(product, tree.Atom(i))) != tree.ZERO
            }
            for product in form.products
        ]  # fmt: skip

    @property
    def fields(self) -> tuple[str, ...]:
        return self.form.fields

    @cached_property
    def diagonal(self) -> Tensor:
        """L_ff, (fields, *shape): what exponential integrators treat exactly."""
        return torch.stack([self.linear[i, i] for i in range(len(self.fields))])

    @cached_property
    def coupling(self) -> Tensor:
        """L without its diagonal."""
        rest = self.linear.clone()
        for i in range(len(rest)):
            rest[i, i] = 0.0
        return rest

    @cached_property
    def uncoupled(self) -> bool:
        return not bool((self.coupling != 0).any())

    def apply_linear(self, state: Tensor) -> Tensor:
        """L û."""
        if self.uncoupled:
            return self.diagonal * state
        return torch.einsum("gf...,bf...->bg...", self.linear, state.reshape(-1, *self._one())).reshape(
            state.shape
        )

    def adjoint_linear(self, state: Tensor) -> Tensor:
        """L* w."""
        if self.uncoupled:
            return self.diagonal.conj() * state
        flat = state.reshape(-1, *self._one())
        return torch.einsum("gf...,bg...->bf...", self.linear.conj(), flat).reshape(state.shape)

    def _one(self) -> tuple[int, ...]:
        return (len(self.fields), *self.basis.shape)

    def atom_values(self, state: Tensor) -> Tensor:
        """Every linear functional of the state on the product grid: (atoms, …, *grid)."""
        if not self.atoms:
            return state.new_zeros((0,), dtype=self.basis.dtype)
        axis = -self.basis.dim - 1
        spectra = []
        for symbols, (source, symbol) in zip(self.atoms, self.sources, strict=True):
            if source is None:
                spectra.append((symbols * state).sum(axis))
            elif symbol is None:
                spectra.append(state.select(axis, source))
            else:
                spectra.append(symbol * state.select(axis, source))
        together = torch.stack(spectra) if len(spectra) > 1 else spectra[0].unsqueeze(0)
        return self.basis.to_grid(together, self.shape)

    def _evaluate(self, expression: tree.Expr, atoms: Tensor, t: Tensor | float) -> Tensor | float:
        def leaf(node: tree.Expr) -> Tensor | float:
            if isinstance(node, tree.Atom):
                return atoms[node.index]
            assert isinstance(node, tree.Coordinate)
            return t if node.name == "t" else self.coordinates[node.name]

        value: Tensor | float = tree.evaluate(expression, leaf, torch_function)
        return value

    def _time(self, t: Tensor | float) -> Tensor | float:
        """A batch of times (B,) broadcast against the grid: (B, 1, …)."""
        return t.reshape(*t.shape, *([1] * self.basis.dim)) if isinstance(t, Tensor) else t

    def _collect(self, spectra: list[Tensor], like: Tensor) -> Tensor:
        axis, rows = -self.basis.dim - 1, []
        for field in self.fields:
            parts = [spectra[j] if symbol is None else symbol * spectra[j] for symbol, j in self.outer[field]]
            if not parts:
                parts = [torch.zeros_like(like.select(axis, 0))]
            rows.append(sum(parts[1:], start=parts[0]))
        return torch.stack(rows, dim=axis) if len(rows) > 1 else rows[0].unsqueeze(axis)

    def chunks(self, state: Tensor) -> list[slice]:
        """A batch in pieces whose grids stay in the cache: on a CPU a large batch at once is bound by memory."""
        if state.dim() != self.basis.dim + 2 or self.basis.device != "cpu":
            return [slice(None)]
        size = max(1, CHUNK // (math.prod(self.shape) * max(1, len(self.atoms))))
        return [slice(i, i + size) for i in range(0, len(state), size)]

    def nonlinear(self, state: Tensor, t: Tensor | float) -> Tensor:
        """N(û, t): everything but L û. `t` is a number or, for a batch of states, (batch,)."""
        pieces = self.chunks(state)
        if len(pieces) == 1:
            return self._nonlinear(state, t)
        return torch.cat([self._nonlinear(state[s], t[s] if isinstance(t, Tensor) else t) for s in pieces])

    def _nonlinear(self, state: Tensor, t: Tensor | float) -> Tensor:
        atoms, when = self.atom_values(state), self._time(t)
        batch = state.shape[: -self.basis.dim - 1]
        spectra = []
        full = (*batch, *self.shape)
        for product in self.form.products:
            value = self._evaluate(product, atoms, when)
            if not isinstance(value, Tensor) or value.shape != full:
                value = torch.as_tensor(value, dtype=self.basis.dtype).expand(full)
            spectra.append(self.basis.from_grid(value))
        return self._collect(spectra, state)

    def rate(self, state: Tensor, t: Tensor | float) -> Tensor:
        """dû/dt."""
        return self.apply_linear(state) + self.nonlinear(state, t)

    def linearise(self, state: Tensor, t: Tensor | float) -> Linearised:
        """The derivative of N at a state (or a batch of states at their times)."""
        atoms, when = self.atom_values(state), self._time(t)
        coefficients = [
            {
                i: torch.as_tensor(self._evaluate(d, atoms, when), dtype=self.basis.dtype)
                for i, d in partials.items()
            }
            for partials in self.partials
        ]
        return Linearised(self, coefficients)


@dataclass
class Linearised:
    """v -> N'(û) v and its adjoint in the inner product Σ weights Re(conj(a) b)."""

    system: PseudoSpectral
    coefficients: list[dict[int, Tensor]]  # ∂g_j/∂atom_i on the grid

    def _piece(self, part: slice) -> Linearised:
        dims = self.system.basis.dim + 1
        cut = [{i: c[part] if c.dim() == dims else c for i, c in partials.items()} for partials in self.coefficients]
        return Linearised(self.system, cut)

    def apply(self, v: Tensor) -> Tensor:
        """(batch, fields, *modes) to itself."""
        pieces = self.system.chunks(v)
        if len(pieces) == 1:
            return self._apply(v)
        return torch.cat([self._piece(part)._apply(v[part]) for part in pieces])

    def adjoint(self, w: Tensor) -> Tensor:
        """Each factor of `apply` transposed, in reverse order."""
        pieces = self.system.chunks(w)
        if len(pieces) == 1:
            return self._adjoint(w)
        return torch.cat([self._piece(part)._adjoint(w[part]) for part in pieces])

    def _apply(self, v: Tensor) -> Tensor:
        system, basis = self.system, self.system.basis
        atoms = system.atom_values(v)
        spectra = []
        for partials in self.coefficients:
            total = sum((c * atoms[i] for i, c in partials.items()), start=torch.zeros((), dtype=basis.dtype))
            grid = total.expand(*v.shape[: -basis.dim - 1], *system.shape)
            spectra.append(basis.from_grid(grid))
        return system._collect(spectra, v)

    def _adjoint(self, w: Tensor) -> Tensor:
        system, basis = self.system, self.system.basis
        axis = -basis.dim - 1
        result = torch.zeros_like(w)
        for j, partials in enumerate(self.coefficients):
            spectrum = torch.zeros_like(w.select(axis, 0))
            for row, field in enumerate(system.fields):
                for symbol, index in system.outer[field]:
                    if index == j:
                        part = w.select(axis, row)
                        spectrum = spectrum + (part if symbol is None else symbol.conj() * part)
            grid = basis.to_grid(spectrum, system.shape)
            for i, c in partials.items():
                back = basis.from_grid((c * grid).expand(grid.shape))
                result = result + system.atoms[i].conj() * back.unsqueeze(axis)
        return result


def _single_source(symbols: Tensor) -> tuple[int | None, Tensor | None]:
    """The only field a functional reads, if there is just one, and its symbol (None: the field itself)."""
    used = [i for i in range(len(symbols)) if bool((symbols[i] != 0).any())]
    if len(used) != 1:
        return None, None
    symbol = symbols[used[0]]
    return used[0], None if bool((symbol == 1).all()) else symbol


def _operator_symbol(basis: FourierBasis, operator: Operator) -> Tensor | None:
    """Symbol of an outer operator; None for the identity."""
    return None if operator == (Monomial(1.0),) else basis.symbol(operator)
