"""The flux through a face from the states on both sides: local Lax–Friedrichs (Rusanov), upwind where linear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sciml.equation import tree as t

from .law import Law
from .pointwise import Pointwise

SQUARINGS = 4


class AxisFlux:
    """Fluxes along one axis. `moves[g][f]` collects what is carried: velocities, by balance and field."""

    def __init__(self, law: Law, axis: int) -> None:
        self.law, self.axis = law, axis
        self.fluxes, self.jacobian = law.fluxes[axis], law.jacobian(axis)
        m = len(law.fields)
        coupled = {(g, f) for g in range(m) for f in range(m) if self.jacobian[g][f] != t.ZERO}
        coupled |= {(c.balance, c.field) for c in law.carried if c.axis == axis}
        coupled |= {(s.balance, s.field) for s in law.streamed}
        self.coupled = sorted(coupled)
        self.fluxes_at = Pointwise(self.fluxes)
        self.slopes_at = Pointwise([self.jacobian[g][f] for g, f in self.coupled])
        self.diagonal = all(g == f for g, f in coupled)

    def _named(self, u: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.law.fields, u, strict=True))

    def physical(self, u: Tensor, at: Mapping[str, Any], moves: Mapping[tuple[int, int], Tensor]) -> Tensor:
        """f(u) + Σ velocity · field, (fields, …)."""
        named = self._named(u)
        rows = self.fluxes_at(named, at, u[0])
        for (g, f), velocity in moves.items():
            rows[g] = rows[g] + velocity * u[f]
        return torch.stack(rows)

    def speed(self, u: Tensor, at: Mapping[str, Any], moves: Mapping[tuple[int, int], Tensor]) -> Tensor:
        """A bound on the speeds of waves, (fields, …) where no field's flux depends on another one, else (1, …)."""
        named, m = self._named(u), len(u)
        entries = dict(zip(self.coupled, self.slopes_at(named, at, u[0]), strict=True))
        for key, velocity in moves.items():
            entries[key] = entries[key] + velocity
        if self.diagonal:
            still = torch.zeros_like(u[0])
            return torch.stack([entries[g, g].abs() if (g, g) in entries else still for g in range(m)])
        still = torch.zeros_like(u[0])
        return spectral_radius([[entries.get((g, f), still) for f in range(m)] for g in range(m)])[None]

    def numerical(
        self, below: Tensor, above: Tensor, at: Mapping[str, Any], moves: Mapping[tuple[int, int], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """(flux, largest speed on either side)."""
        both = torch.stack([below, above], 1)
        speed, flux = self.speed(both, at, moves).amax(1), self.physical(both, at, moves).sum(1)
        return flux.sub_(speed * (above - below)).mul_(0.5), speed


def spectral_radius(a: list[list[Tensor]]) -> Tensor:
    """Largest |eigenvalue| of a matrix whose entries are tensors.

    Two by two and, where all eigenvalues are real, three by three it is exact (by cosines, as O. K. Smith, Comm.
    ACM 4, 1961); otherwise the bound ‖A^16‖^(1/16), too large by the sixteenth root of a condition number at most.
    """
    if len(a) == 2:
        half, off = (a[0][0] + a[1][1]) / 2, ((a[0][0] - a[1][1]) / 2) ** 2 + a[0][1] * a[1][0]
        return torch.where(off >= 0, half.abs() + off.clamp_min(0).sqrt(), (half**2 - off).clamp_min(0).sqrt())
    if len(a) != 3:
        return _power_bound(a)
    mean = (a[0][0] + a[1][1] + a[2][2]) / 3
    x, y, z = (a[k][k] - mean for k in range(3))
    crossed = a[0][1] * a[1][0], a[0][2] * a[2][0], a[1][2] * a[2][1]
    size = (x**2 + y**2 + z**2 + 2 * (crossed[0] + crossed[1] + crossed[2])) / 6
    determinant = x * (y * z - crossed[2]) - y * crossed[1] - z * crossed[0]
    determinant = determinant + a[0][1] * a[1][2] * a[2][0] + a[0][2] * a[1][0] * a[2][1]
    p = size.clamp_min(0).sqrt()
    cosine = determinant / (2 * p**3).clamp_min(1e-300)
    angle = cosine.clamp(-1, 1).acos() / 3
    top, bottom = mean + 2 * p * angle.cos(), mean + 2 * p * (angle + 2 * math.pi / 3).cos()
    exact, pairs = torch.maximum(top.abs(), bottom.abs()), cosine.abs() > 1 + 1e-6  # complex ones, or p is rounding
    return torch.where(pairs, _power_bound(a), exact) if bool(pairs.any()) else exact


def _power_bound(a: list[list[Tensor]]) -> Tensor:
    matrix = torch.stack([torch.stack(row) for row in a])
    size = matrix.abs().amax((0, 1)).clamp_min(1e-300)
    matrix, scale = matrix / size, size.log()
    for k in range(SQUARINGS):
        matrix = (matrix[:, :, None] * matrix[None]).sum(1)
        norm = matrix.square().sum((0, 1)).sqrt().clamp_min(1e-300)
        matrix, scale = matrix / norm, scale + norm.log() / 2 ** (k + 1)
    return scale.exp()
