"""Auxiliary fields of nonlocal equations, such as the pressure or the stream function, as networks of their own.

Each φ solves Δφ = source(u) with zero mean, φ periodic. Its network is fitted by least squares on the residual
Δφ_θ - source; inside a time step, where the source changes, φ moves in its tangent space, again by least squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .fit import Fitted, Goal, levenberg
from .model import Model
from .network import Network
from .series import Index

RANK = 1e-13


class Auxiliary(Protocol):
    """What a chart asks about the auxiliary fields."""

    def complete(self, atoms: Tensor, t: float) -> Tensor:
        """Fill in the auxiliary atoms that belong to the fields' ones. (A, N) -> (A, N)"""

    def columns(self, columns: list[Tensor], atoms: Tensor, t: float) -> list[Tensor]:
        """How auxiliary atoms answer to a change of the fields: `columns[i]` (N, r) for every atom."""


@dataclass
class _Tangent:
    """One auxiliary field: its Laplacian and its atoms, of f_θ and of the tangent basis, and the projector."""

    laplacian: Tensor  # (N,)
    mean: float
    atoms: dict[int, Tensor]  # by number of the equation's atom
    basis: dict[int, Tensor]  # (N, r)
    inverse: Tensor  # (r, N + 1): least squares for Δ and the mean


class Pressure:
    """All auxiliary fields of a model at given weights."""

    def __init__(self, model: Model, networks: list[Network], thetas: list[Tensor]) -> None:
        self.model, self.networks, self.thetas = model, networks, thetas
        self._tangents: list[_Tangent] | None = None

    @property
    def count(self) -> int:
        return sum(network.count for network in self.networks)

    @property
    def tangents(self) -> list[_Tangent]:
        if self._tangents is None:
            self._tangents = [self._tangent(number) for number in range(len(self.networks))]
        return self._tangents

    def _tangent(self, number: int) -> _Tangent:
        points, squares = self.model.samples.points, second_derivatives(len(self.model.samples.points))
        wanted = [(i, index) for i, which, index in self.model.nonlocal_atoms if which == number]
        zero: Index = (0,) * len(points)
        every = [(0, k) for k in (zero, *squares, *(index for _, index in wanted))]
        values, slopes = self.networks[number].jacobian(self.thetas[number], points, every)
        first, last = 1, 1 + len(squares)
        laplacian, steep = values[first:last].sum(0), slopes[first:last].sum(0)
        eigenvalues, vectors = torch.linalg.eigh(steep.T @ steep)
        kept = eigenvalues > RANK * eigenvalues[-1]
        weights = vectors[:, kept] * eigenvalues[kept].rsqrt()
        matrix = torch.cat([steep @ weights, (slopes[0] @ weights).mean(0, keepdim=True)])
        return _Tangent(
            laplacian, float(values[0].mean()), {i: values[last + n] for n, (i, _) in enumerate(wanted)},
            {i: slopes[last + n] @ weights for n, (i, _) in enumerate(wanted)}, torch.linalg.pinv(matrix),
        )  # fmt: skip

    def complete(self, atoms: Tensor, t: float) -> Tensor:
        atoms = atoms.clone()
        for number, tangent in enumerate(self.tangents):
            source = self.model.sources(atoms, self.model.samples.points, t)[number]
            asked = torch.cat([source - source.mean() - tangent.laplacian, source.new_tensor([-tangent.mean])])
            e = tangent.inverse @ asked
            for i, value in tangent.atoms.items():
                atoms[i] = value + tangent.basis[i] @ e
        return atoms

    def columns(self, columns: list[Tensor], atoms: Tensor, t: float) -> list[Tensor]:
        columns = list(columns)
        for number, tangent in enumerate(self.tangents):
            change = torch.zeros_like(columns[0])
            for i, slope in self.model.sources.slopes(atoms, self.model.samples.points, t)[number].items():
                change += slope[:, None] * columns[i]
            change = torch.cat([change - change.mean(0), change.new_zeros(1, change.shape[1])])
            e = tangent.inverse @ change
            for i in tangent.atoms:
                columns[i] = tangent.basis[i] @ e
        return columns

    def refitted(self, atoms: Tensor, t: float, goal: Goal) -> list[Fitted]:
        """Networks that solve Δφ = source for the given atoms of the fields; errors are relative to the source."""
        points, fits, atoms = self.model.samples.points, [], atoms.clone()
        for number, (network, theta) in enumerate(zip(self.networks, self.thetas, strict=True)):
            fitted = poisson(network, theta, points, self.model.sources(atoms, points, t)[number], goal)
            fits.append(fitted)
            for i, which, index in self.model.nonlocal_atoms:
                if which == number:
                    atoms[i] = network.values(fitted.theta, points, [(0, index)])[0]
        return fits


def poisson(network: Network, theta: Tensor, points: Tensor, source: Tensor, goal: Goal) -> Fitted:
    """Weights with Δφ_θ = source - its mean and φ of zero mean; errors relative to the source. points (dim, N)"""
    zero: Index = (0,) * len(points)
    every = [(0, k) for k in (zero, *second_derivatives(len(points)))]
    source = source - source.mean()
    unit = 1 / max(float(source.norm()), 1e-12 * math.sqrt(len(source)))

    def residual(th: Tensor) -> Tensor:
        values = network.values(th, points, every)
        return unit * torch.cat([values[1:].sum(0) - source, values[:1].mean(1)])

    def jacobian(th: Tensor) -> Tensor:
        slopes = network.jacobian(th, points, every)[1]
        return unit * torch.cat([slopes[1:].sum(0), slopes[0].mean(0, keepdim=True)])

    return levenberg(residual, jacobian, theta, goal)


def second_derivatives(dim: int) -> list[Index]:
    """Of which the Laplacian is the sum."""
    return [tuple(2 * int(a == b) for b in range(dim)) for a in range(dim)]
