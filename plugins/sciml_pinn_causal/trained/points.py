"""The residual of a network N with all its weights free, on a tensor grid of times and points, and its Jacobian.

u_f = û0_f(x) + τ N_f(τ, x): the initial condition is built in. Residual Tw (u_t - F), filtered per Fourier mode
(see `joint/points.py`, whose equation atoms are the same). The Jacobian takes one reverse sweep a field: the
derivative of the residual at a point by the outputs of every map with parameters there, pulled back to those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from sciml.equation import tree
from sciml.equation.forms import StrongForm
from sciml.numerics.fourier import FourierBasis

from .. import collocation
from . import jets
from .network import TrainedNetwork


@dataclass
class NetworkPoints:
    """Window times `tau` (T,) and `size` (X) equispaced points in space. `decay`: |λ_k|, (fields, X//2 + 1)."""

    network: TrainedNetwork
    form: StrongForm
    basis: FourierBasis
    modes: int
    tau: Tensor
    size: int
    decay: Tensor
    layout: jets.Layout = field(init=False)

    def __post_init__(self) -> None:
        axis = self.basis.axes[0]
        self.orders = [dict(orders).get(axis, 0) for _, orders in self.form.derivatives]
        self.sources = [self.form.fields.index(name) for name, _ in self.form.derivatives]
        self.layout = jets.Layout((max(self.orders, default=0),))
        x = self.basis.lengths[0] / self.size * torch.arange(self.size, dtype=torch.float64)
        omega = 2 * math.pi / self.basis.lengths[0]
        self.jet = jets.embedding(self.tau[:, None], [x], [omega], self.modes, self.layout)
        self.coordinates = self.basis.points((self.size,))
        kappa = self.basis.wavenumbers[axis]
        waves = torch.exp(1j * kappa[:, None] * x) * self.basis.weights[:, None]
        self.waves = {m: ((1j * kappa) ** m)[:, None] * waves for m in set(self.orders)}
        self.partials = [
            {i: d for i in range(len(self.orders)) if (d := tree.partial(rate, tree.Atom(i))) != tree.ZERO}
            for rate in (self.form.rates[name] for name in self.form.fields)
        ]

    def start_atoms(self, start: Tensor) -> Tensor:
        """The atoms of the initial condition, (atoms, X), from its coefficients (fields, K+1)."""
        rows = [(start[f] @ self.waves[m]).real for m, f in zip(self.orders, self.sources, strict=True)]
        return torch.stack(rows)

    def filters(self, length: float, power: float) -> Tensor:
        """(fields, X, X)."""
        return collocation.filters(self.decay, self.size, length, power)

    def _evaluate(self, expression: tree.Expr, atoms: Tensor, t: Tensor) -> Tensor:
        return collocation.evaluate(expression, atoms, t, self.coordinates)

    def _atoms(self, at_start: Tensor, out: Tensor) -> Tensor:
        """Every atom on the points, (atoms, T, X), from the jet of the network's outputs."""
        tau = self.tau[:, None]
        pairs = zip(at_start, self.orders, self.sources, strict=True)
        rows = [a + tau * math.factorial(m) * out[self.layout.row(0, m), ..., f] for a, m, f in pairs]
        return torch.stack(rows)

    def _defect(self, at_start: Tensor, out: Tensor, t0: float, length: float) -> tuple[Tensor, Tensor]:
        """Tw (u_t - F), (fields, T, X), and the atoms."""
        atoms, t = self._atoms(at_start, out), t0 + length * self.tau
        rate = torch.stack([self._evaluate(self.form.rates[name], atoms, t) for name in self.form.fields])
        slope = (out[0] + self.tau[:, None, None] * out[1]).movedim(-1, 0)
        return slope - length * rate, atoms

    def residual(self, theta: Tensor, at_start: Tensor, t0: float, length: float, filters: Tensor) -> Tensor:
        """Filtered, (fields, T, X); differentiable by θ."""
        out = self.network.forward(theta, self.jet, self.layout)[0]
        return self._defect(at_start, out, t0, length)[0] @ filters

    def jacobian(
        self, theta: Tensor, at_start: Tensor, t0: float, length: float, filters: Tensor, head: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Filtered residual (fields, T, X) and its derivative by θ, (fields T X, parameters); `head`: by the
        output layer alone."""
        out, maps = self.network.forward(theta.detach().requires_grad_(), self.jet, self.layout)
        maps = maps[-1:] if head else maps
        with torch.no_grad():
            residual, atoms = self._defect(at_start, out, t0, length)
            t, tau = t0 + length * self.tau, self.tau[:, None]
        rows = []
        for g, partials in enumerate(self.partials):
            seed = torch.zeros_like(out)
            seed[0, ..., g], seed[1, ..., g] = 1.0, tau
            for i, partial in partials.items():
                m = self.orders[i]
                rate = math.factorial(m) * tau * self._evaluate(partial, atoms, t)
                seed[self.layout.row(0, m), ..., self.sources[i]] -= length * rate
            last = g == len(self.partials) - 1
            outputs = [one.output for one in maps]
            cotangents = (seed,) if head else torch.autograd.grad(out, outputs, seed, retain_graph=not last)
            blocks = [one.pull(cotangent) for one, cotangent in zip(maps, cotangents, strict=True)]
            whole = torch.cat(blocks, 1).reshape(len(self.tau), self.size, -1)
            rows.append((filters[g] @ whole).flatten(0, 1))
        return residual @ filters, torch.cat(rows)

    def change(self, theta: Tensor, tau: Tensor) -> Tensor:
        """τ N at window times and the points in space, (times, fields, X)."""
        flat = jets.Layout((0,))
        x = self.basis.lengths[0] / self.size * torch.arange(self.size, dtype=torch.float64)
        jet = jets.embedding(tau[:, None], [x], [2 * math.pi / self.basis.lengths[0]], self.modes, flat)
        out = self.network.forward(theta, jet, flat)[0]
        return tau[:, None, None] * out[0].movedim(-1, 1)
