"""A chart of the network's functions about its present weights: u = f_θ + Σ y_k b_k, with b_k tangent functions.

The tangent space spanned by ∂f/∂θ is what a small change of the weights can do. Its functions are nearly
dependent: 900 weights make some 250 that double precision can tell apart. Here they are made orthonormal on the
collocation points, and the equation is asked for in Galerkin's sense, y' = ⟨b, F(u)⟩: an ordinary differential
equation for a few hundred coefficients, which any classical integrator takes. The weights follow afterwards by a fit
in function space, as in TENG (Chen et al., arXiv 2404.10771), not by a pseudo-inverse in the weights.

Galerkin's, not least squares of the residual: the latter weighs what fourth derivatives make of rounding like the
solution itself, and then needs far shorter steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .model import Model
from .pressure import Auxiliary

RANK = 1e-13  # of JᵀJ's eigenvalues: directions below move the function by less than rounding does
CONDITIONS = 1e-7  # of the conditions' singular values: those below no tangent function can answer

CHUNK = 4096  # points at which outputs are evaluated at once


@dataclass
class Chart:
    """`basis[w]`, (N, r): derivative w (see `Model.wanted`) of every b_k; they obey the conditions with zero data.
    `lifts[w]`, (N, conditions): functions that meet one condition each. `values` (m·N, r): orthonormal columns."""

    model: Model
    theta: Tensor
    weights: Tensor  # (P, r): b_k as a change of weights
    lift_weights: Tensor  # (P, conditions)
    atoms: Tensor  # (W, N), of f_θ
    basis: list[Tensor]
    values: Tensor
    lifts: list[Tensor]
    at_faces: Tensor
    pressure: Auxiliary | None

    @classmethod
    def at(cls, model: Model, theta: Tensor, pressure: Auxiliary | None) -> Chart:
        atoms, slopes = model.network.jacobian(theta, model.samples.points, model.wanted)
        fields = slopes[: model.fields].reshape(-1, slopes.shape[2])
        eigenvalues, vectors = torch.linalg.eigh(fields.T @ fields)
        kept = eigenvalues > RANK * eigenvalues[-1]
        weights = vectors[:, kept] * eigenvalues[kept].rsqrt()
        at_faces, face_slopes = model.conditions(theta)
        inverse = weights.new_zeros(weights.shape[1], 0)
        if len(at_faces):
            left, singular, right = torch.linalg.svd(face_slopes @ weights, full_matrices=True)
            count = int((singular > CONDITIONS * singular[0]).sum())
            inverse = right[:count].T @ (left[:, :count] / singular[:count]).T
            free = right[count:].T
            lifts, weights = weights @ inverse, weights @ free
        else:
            lifts = weights @ inverse
        basis = [slope @ weights for slope in slopes]
        return cls(
            model, theta, weights, lifts, atoms, basis, torch.cat(basis[: model.fields]),
            [slope @ lifts for slope in slopes], at_faces, pressure,
        )  # fmt: skip

    @property
    def rank(self) -> int:
        return self.values.shape[1]

    def _missing(self, t: float) -> Tensor:
        """Weighted data of the conditions less what f_θ has there. (conditions,)"""
        return self.model.face_data(t) - self.at_faces

    def derivatives(self, y: Tensor, t: float) -> Tensor:
        """Derivatives of the fields on the points, as in `Model.wanted`. (W, N)"""
        missing = self._missing(t)
        moved = [b @ y + lift @ missing for b, lift in zip(self.basis, self.lifts, strict=True)]
        return self.atoms + torch.stack(moved)

    def _atoms(self, y: Tensor, t: float) -> Tensor:
        """Every atom of the equation on the points. (A, N)"""
        atoms = torch.stack(self.model.atoms(self.derivatives(y, t)))
        return atoms if self.pressure is None else self.pressure.complete(atoms, t)

    def function(self, y: Tensor, t: float) -> Tensor:
        """The fields' values. (m·N,)"""
        return self.derivatives(y, t)[: self.model.fields].reshape(-1)

    def at_points(self, points: Tensor, states: list[tuple[Tensor, float]]) -> Tensor:
        """The fields at other points (dim, n), for every pair (y, t). (states, m, n)"""
        fields, parts = self.model.wanted[: self.model.fields], []
        moves = torch.stack([self.weights @ y + self.lift_weights @ self._missing(t) for y, t in states], 1)
        for part in torch.split(points, CHUNK, 1):
            values, slopes = self.model.network.jacobian(self.theta, part, fields)
            parts.append(values[..., None] + slopes @ moves)
        return torch.cat(parts, 1).permute(2, 0, 1)

    def rate(self, y: Tensor, t: float) -> Tensor:
        """y' = ⟨b, F(u, t)⟩. (r,)"""
        model = self.model
        return self.values.T @ model.rates(self._atoms(y, t), model.samples.points, t).reshape(-1)

    def jacobian(self, y: Tensor | None, t: float) -> Tensor:
        """∂y'/∂y, at y = 0 if it is None. (r, r)"""
        model = self.model
        y = self.atoms.new_zeros(self.rank) if y is None else y
        atoms, columns = self._atoms(y, t), model.atoms(self.basis)
        if self.pressure is not None:
            columns = self.pressure.columns(columns, atoms, t)
        rows = []
        for slopes in model.rates.slopes(atoms, model.samples.points, t):
            row = torch.zeros_like(self.basis[0])
            for i, slope in slopes.items():
                row += slope[:, None] * columns[i]
            rows.append(row)
        return self.values.T @ torch.cat(rows)
