"""Runge–Kutta methods for the coefficients of a chart: collocation (Gauss–Legendre, Radau) and the classical rule.

Gauss–Legendre with s stages has order 2s; s = 1 is the implicit midpoint rule of the INSR paper; Radau IIA with three
has order 5 and damps stiff noise. Newton's matrix is frozen at the start of the step, and the eigenvectors of A take
the stages apart (Hairer & Wanner, Solving ODEs II, section IV.8): one LU for each complex pair of eigenvalues.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from sciml.problem import Array

from .exponential import ExponentialRosenbrock
from .system import Step, System

NEWTON = 15
CONTRACTS, NEARLY = 0.9, 1e3  # slower than this Newton is at rounding, if it is within so many times the goal


def lagrange_integrals(nodes: Array) -> list[np.polynomial.Polynomial]:
    """∫_0^c of every Lagrange polynomial of the nodes, as polynomials in c."""
    integrals = []
    for j, node in enumerate(nodes):
        product = np.polynomial.Polynomial([1.0])
        for other in np.delete(nodes, j):
            product *= np.polynomial.Polynomial([-other, 1.0]) / (node - other)
        integrals.append(product.integ())
    return integrals


def gauss_nodes(stages: int) -> Array:
    """Zeros of the shifted Legendre polynomial: order 2·stages."""
    nodes: Array = (np.polynomial.legendre.leggauss(stages)[0] + 1) / 2
    return nodes


def radau_nodes(stages: int) -> Array:
    """Right Radau points, zeros of P_s - P_{s-1}: order 2·stages - 1, L-stable."""
    coefficients = np.zeros(stages + 1)
    coefficients[-1], coefficients[-2] = 1, -1
    nodes: Array = (np.sort(np.polynomial.legendre.legroots(coefficients)) + 1) / 2
    nodes[-1] = 1.0
    return nodes


class Collocation:
    """`factor` once per chart and step length, `advance` from anywhere near y = 0."""

    def __init__(self, nodes: Array, order: int) -> None:
        self.order, self.nodes = order, nodes
        integrals = lagrange_integrals(nodes)
        self.a = np.stack([integral(nodes) for integral in integrals], axis=1)
        weights = np.array([integral(1.0) for integral in integrals])
        self.last = torch.as_tensor(weights @ np.linalg.inv(self.a))  # y_1 = y_0 + Σ last_i z_i: no evaluation more
        eigenvalues, vectors = np.linalg.eig(self.a)
        order_of = np.lexsort((-eigenvalues.imag, eigenvalues.real.round(12)))  # pairs stand together, +i first
        self.eigenvalues, vectors = eigenvalues[order_of].astype(complex), vectors[:, order_of].astype(complex)
        self.vectors, self.inverse = torch.as_tensor(vectors), torch.as_tensor(np.linalg.inv(vectors))

    def factor(self, system: System, t: float, dt: float) -> list[tuple[Tensor, Tensor] | None]:
        """LU of 1 - Δt λ F' for every eigenvalue λ of A; None where the one before is its conjugate."""
        slope = system.jacobian(None, t)
        unit = torch.eye(len(slope), dtype=torch.float64)
        factors: list[tuple[Tensor, Tensor] | None] = []
        for value in self.eigenvalues:
            if value.imag < -1e-12:
                factors.append(None)
                continue
            scale = dt * (complex(value) if value.imag > 1e-12 else float(value.real))
            lu, pivots = torch.linalg.lu_factor(unit - scale * slope)
            factors.append((lu, pivots))
        return factors

    def advance(
        self, system: System, factors: list[tuple[Tensor, Tensor] | None], y: Tensor, t: float, dt: float, goal: float
    ) -> Step:
        """One step. `goal`: norm of the last Newton correction."""
        a, times = torch.as_tensor(self.a), t + dt * self.nodes
        z = y.new_zeros(len(times), len(y))
        before, evaluations = math.inf, 0
        for _ in range(NEWTON):
            rates = torch.stack([system.rate(y + z_i, time) for z_i, time in zip(z, times, strict=True)])
            evaluations += len(times)
            turned = self.inverse @ (dt * a @ rates - z).to(torch.complex128)
            solved: list[Tensor] = []
            for right, factor in zip(turned, factors, strict=True):
                if factor is None:
                    solved.append(solved[-1].conj())
                    continue
                right = right if factor[0].is_complex() else right.real
                solved.append(torch.linalg.lu_solve(*factor, right[:, None])[:, 0].to(torch.complex128))
            change = (self.vectors @ torch.stack(solved)).real
            z = z + change
            moved = float(change.norm())
            if not math.isfinite(moved) or moved > 2 * before:
                break
            if moved <= goal or CONTRACTS * before < moved <= NEARLY * goal:
                return Step(y + self.last @ z, True, evaluations)
            before = moved
        return Step(y + self.last @ z, False, evaluations)


class Rk4:
    """The classical rule, explicit."""

    order = 4

    def factor(self, system: System, t: float, dt: float) -> None:
        return None

    def advance(self, system: System, factors: None, y: Tensor, t: float, dt: float, goal: float) -> Step:
        a = system.rate(y, t)
        b = system.rate(y + 0.5 * dt * a, t + 0.5 * dt)
        c = system.rate(y + 0.5 * dt * b, t + 0.5 * dt)
        d = system.rate(y + dt * c, t + dt)
        y = y + dt / 6 * (a + 2 * b + 2 * c + d)
        return Step(y, bool(torch.isfinite(y).all()), 4)


Integrator = Collocation | Rk4 | ExponentialRosenbrock


def integrator(name: str) -> Integrator:
    """By the option's name."""
    stages = {"midpoint": 1, "gl4": 2, "gl6": 3}
    if name == "rk4":
        return Rk4()
    if name == "exprb43":
        return ExponentialRosenbrock()
    if name == "radau5":
        return Collocation(radau_nodes(3), 5)
    return Collocation(gauss_nodes(stages[name]), 2 * stages[name])
