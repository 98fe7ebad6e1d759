"""The residual of the joint network on a set of points, and its exact Jacobian in the output layer.

u_f = û0_f(x) + τ Σ_j c_fj φ_j(τ, x): the initial condition is built in. With atoms ∂_x^m u of
`equation.strong`, the residual Tw (u_t - F) has the Jacobian φ + τ φ_τ - Tw Σ_m diag(∂F/∂atom_m) τ ∂_x^m φ:
matrices that depend on the hidden layer alone, drawn once, and diagonals that change with u.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from sciml.equation import tree
from sciml.equation.forms import StrongForm
from sciml.numerics.fourier import FourierBasis

from .. import collocation
from .features import Features


@dataclass
class Points:
    """A tensor grid of window times `tau` (T,) and `size` (X) equispaced points in space.

    `slopes`, `values[m]`: φ + τ φ_τ and τ ∂_x^m φ, (T X, features). `decay`: |λ_k|, (fields, X//2 + 1).
    """

    features: Features
    form: StrongForm
    basis: FourierBasis
    tau: Tensor
    size: int
    decay: Tensor
    slopes: Tensor = field(init=False)
    values: dict[int, Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self.orders = [dict(orders).get(self.basis.axes[0], 0) for _, orders in self.form.derivatives]
        x = self.basis.lengths[0] / self.size * torch.arange(self.size, dtype=torch.float64)
        rate, jet = self.features.jet(self.tau, x, max(self.orders, default=0))
        tau = self.tau[:, None, None]
        self.slopes = (jet[0] + tau * rate).flatten(0, 1)
        self.values = {m: (tau * jet[m]).flatten(0, 1) for m in sorted(set(self.orders))}
        self.coordinates = self.basis.points((self.size,))
        self.sources = [self.form.fields.index(name) for name, _ in self.form.derivatives]
        self.partials = {
            g: {i: d for i in range(len(self.orders)) if (d := tree.partial(rate, tree.Atom(i))) != tree.ZERO}
            for g, rate in self.form.rates.items()
        }

    def start_atoms(self, start: Tensor) -> Tensor:
        """The atoms of the initial condition, (atoms, X), from its coefficients (fields, K+1)."""
        kappa = 1j * self.basis.wavenumbers[self.basis.axes[0]]
        spectra = [kappa**m * start[f] for m, f in zip(self.orders, self.sources, strict=True)]
        return self.basis.to_grid(torch.stack(spectra), (self.size,))

    def atoms(self, start_atoms: Tensor, c: Tensor) -> Tensor:
        """Every atom on the points, (atoms, T, X), for an output layer c (fields, features)."""
        change = [self.values[m] @ c[f] for m, f in zip(self.orders, self.sources, strict=True)]
        return start_atoms[:, None, :] + torch.stack(change).reshape(len(change), len(self.tau), self.size)

    def _evaluate(self, expression: tree.Expr, atoms: Tensor, t: Tensor) -> Tensor:
        return collocation.evaluate(expression, atoms, t, self.coordinates)

    def residual(self, atoms: Tensor, c: Tensor, t0: float, length: float) -> Tensor:
        """Tw (u_t - F), (fields, T, X)."""
        t = t0 + length * self.tau
        rate = length * torch.stack([self._evaluate(self.form.rates[g], atoms, t) for g in self.form.fields])
        return torch.stack([self.slopes @ row for row in c]).reshape(rate.shape) - rate

    def filters(self, length: float, power: float) -> Tensor:
        """(fields, X, X)."""
        return collocation.filters(self.decay, self.size, length, power)

    def jacobian(
        self, atoms: Tensor, filters: Tensor, t0: float, length: float, linear: bool = False
    ) -> Tensor:
        """Filtered, (fields T X, fields features). `linear`: only the constant diagonal part of F is seen."""
        t, count = t0 + length * self.tau, self.slopes.shape[1]
        fields, rows = range(len(self.form.fields)), []
        for g, name in enumerate(self.form.fields):
            blocks = [self.slopes if f == g else torch.zeros((), dtype=torch.float64) for f in fields]
            for i, partial in self.partials[name].items():
                if linear and (self.sources[i] != g or not isinstance(partial, tree.Number)):
                    continue
                diagonal = length * self._evaluate(partial, atoms, t).reshape(-1, 1)
                blocks[self.sources[i]] = blocks[self.sources[i]] - diagonal * self.values[self.orders[i]]
            row = torch.cat([block.expand(len(t) * self.size, count) for block in blocks], 1)
            rows.append((filters[g] @ row.reshape(len(t), self.size, -1)).flatten(0, 1))
        return torch.cat(rows)
