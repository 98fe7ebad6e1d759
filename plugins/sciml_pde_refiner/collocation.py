"""Correcting a predicted step by the residual of an implicit discretisation, without training.

Over a step of size h, exponential Gauss collocation asks for Y_i = e^(c_i hL) u + h Σ_j a_ij(hL) N(Y_j) at the Gauss
nodes c_i, and for the end value by the same formula (Hochbruck & Ostermann, Acta Numerica 2010: the linear part is
inverted exactly, mode by mode). One sweep of the fixed-point iteration, whose increment is the residual, takes a
predicted step towards that solution: the idea of PhysicsCorrect (arXiv 2507.02227), with the Jacobian's stiff part as
the preconditioner. The prediction enters through the cubic that has its end states and their rates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from sciml.numerics.exponential import phi_functions

from .coarse import Batch

NODES = 3


class Collocation:
    """Weights of one step size; built when first used."""

    def __init__(self, batch: Batch, h: float) -> None:
        self.batch, self.h = batch, h
        self.places = [float(c) for c in (np.polynomial.legendre.leggauss(NODES)[0] + 1) / 2]
        self.weights: list[list[Tensor]] = []
        self.decay: list[Tensor] = []

    def build(self) -> None:
        """h ∫_0^c e^((c-s)hL) ℓ_j(s) ds for the nodes c and c = 1; ∫_0^c e^((c-s)z) s^p ds = c^(p+1) p! φ_(p+1)(cz)."""
        lagrange = np.linalg.inv(np.vander(self.places, increasing=True).T)  # ℓ_j(s) = Σ_p lagrange[j, p] s^p
        for c in (*self.places, 1.0):
            phi = phi_functions(self.batch.linear * (self.h * c), NODES)
            powers = [c ** (p + 1) * math.factorial(p) * phi[p + 1] for p in range(NODES)]
            rows = [
                self.h * sum((float(row[p]) * powers[p] for p in range(NODES)), start=torch.zeros_like(powers[0]))
                for row in lagrange
            ]
            self.weights.append(rows)
            self.decay.append(phi[0])

    def step(self, state: Tensor, guess: Tensor, sweeps: int) -> Tensor:
        """The end of a step from `state`, improved from a guess of it."""
        if not self.weights:
            self.build()
        before, after = self.h * self.batch.rate(state), self.h * self.batch.rate(guess)
        nodes = [
            (1 + 2 * c) * (1 - c) ** 2 * state + c * (1 - c) ** 2 * before
            + c * c * (3 - 2 * c) * guess + c * c * (c - 1) * after
            for c in self.places
        ]  # fmt: skip
        for _ in range(sweeps):
            rates = [self.batch.nonlinear(node) for node in nodes]
            *nodes, guess = [
                decay * state + sum((w * n for w, n in zip(row, rates, strict=True)), start=torch.zeros_like(state))
                for decay, row in zip(self.decay, self.weights, strict=True)
            ]
        return guess

    def corrected(self, states: Sequence[Tensor], sweeps: int) -> Tensor:
        """The last of several states, one step apart, of which the first is exact and the others are predicted."""
        state = states[0]
        for guess in states[1:]:
            state = self.step(state, guess, sweeps)
        return state
