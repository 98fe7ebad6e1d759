"""Taylor-mode derivatives through layers: the value, ∂_τ, and the pure derivatives along every spatial axis.

A jet is a tensor (rows, …, units). Row 0 is the value, row 1 the derivative in time, then for each axis d the
Taylor coefficients ∂_d^n / n!, n = 1..orders[d]. Affine maps act on rows; tanh and exp mix them by the recurrences
of y' = (1 - y²) z' and y' = y z' (Griewank & Walther, Evaluating Derivatives, 2nd ed., table 13.2): a derivative of
order n costs O(n²) products instead of the 2^n of nested automatic differentiation. Everything is differentiable by
torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Which rows a jet has: `orders` holds the highest derivative along each axis."""

    orders: tuple[int, ...]

    @property
    def rows(self) -> int:
        return 2 + sum(self.orders)

    def row(self, axis: int, order: int) -> int:
        """Where ∂_axis^order / order! is; order 0 is the value."""
        return 1 + sum(self.orders[:axis]) + order if order else 0

    def along(self, axis: int, jet: Tensor) -> list[Tensor]:
        """The Taylor coefficients along one axis, from order 0."""
        first = self.row(axis, 1)
        return [jet[0], *jet[first : first + self.orders[axis]]]


def affine(jet: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """W z + b: (rows, …, in) -> (rows, …, out) for weight (out, in). Only the value feels the bias."""
    result = jet @ weight.T
    return torch.cat([result[:1] + bias, result[1:]])


def tanh(z: Tensor, layout: Layout) -> Tensor:
    """The jet of tanh z: along an axis n y_n = Σ_j (n - j) z_{n-j} q_j with q = 1 - y²."""
    value = torch.tanh(z[0])
    slope = 1 - value * value
    rows = [value, slope * z[1]]
    for axis, order in enumerate(layout.orders):
        c, y, q = layout.along(axis, z), [value], [slope]
        for n in range(1, order + 1):
            y.append(_sum([((n - j) / n) * c[n - j] * q[j] for j in range(n)]))
            if n < order:
                q.append(-_sum([y[j] * y[n - j] for j in range(n + 1)]))
        rows += y[1:]
    return torch.stack(rows)


def exp(z: Tensor, layout: Layout) -> Tensor:
    """The jet of exp z: along an axis n y_n = Σ_j (n - j) z_{n-j} y_j."""
    value = torch.exp(z[0])
    rows = [value, value * z[1]]
    for axis, order in enumerate(layout.orders):
        c, y = layout.along(axis, z), [value]
        for n in range(1, order + 1):
            y.append(_sum([((n - j) / n) * c[n - j] * y[j] for j in range(n)]))
        rows += y[1:]
    return torch.stack(rows)


def product(a: Tensor, b: Tensor, layout: Layout) -> Tensor:
    """The jet of a b: Leibniz in time, Cauchy's product of the Taylor coefficients along each axis."""
    rows = [a[0] * b[0], a[0] * b[1] + a[1] * b[0]]
    for axis, order in enumerate(layout.orders):
        p, q = layout.along(axis, a), layout.along(axis, b)
        rows += [_sum([p[j] * q[n - j] for j in range(n + 1)]) for n in range(1, order + 1)]
    return torch.stack(rows)


def embedding(tau: Tensor, points: Sequence[Tensor], omegas: Sequence[float], modes: int, layout: Layout) -> Tensor:
    """The jet of [2τ - 1, cos(m ω_d x_d)/m, sin(m ω_d x_d)/m], m = 1..modes, of every axis d.

    `tau` and each of `points` are broadcast together. Exactly periodic (Dong & Ni, https://arxiv.org/abs/2007.07442);
    the 1/m lets one width of random weights make ramps that no high mode dominates.
    """
    shape = torch.broadcast_tensors(tau, *points)[0].shape  # type: ignore[no-untyped-call]
    jet = tau.new_zeros(layout.rows, *shape, 1 + 2 * modes * len(points))
    jet[0, ..., 0], jet[1, ..., 0] = 2 * tau - 1, 2.0
    for axis, (x, omega) in enumerate(zip(points, omegas, strict=True)):
        kappa = omega * torch.arange(1, modes + 1, dtype=tau.dtype)
        scale = 1 / torch.arange(1, modes + 1, dtype=tau.dtype)
        angle, first = x[..., None] * kappa, 1 + 2 * modes * axis
        for order in range(layout.orders[axis] + 1):
            turned = angle + 0.5 * math.pi * order  # each derivative is a quarter turn
            waves = torch.cat([scale * turned.cos(), scale * turned.sin()], -1)
            jet[layout.row(axis, order), ..., first : first + 2 * modes] = waves
            scale = scale * kappa / (order + 1)
    return jet


def _sum(terms: list[Tensor]) -> Tensor:
    return sum(terms[1:], start=terms[0])
