"""An exponential Rosenbrock method: what is linear about the present state is solved exactly."""

from __future__ import annotations

import torch
from torch import Tensor

from .system import Step, System

DIFFERENCE = 1e-4  # of the step, for the derivative of the rate in time


class ExponentialRosenbrock:
    """exprb43 of Hochbruck, Ostermann & Schweitzer (SIAM J. Numer. Anal. 47, 2009, section 5.1), order 4, with t as a
    further component of the state (their section 2.4). Four matrix exponentials a step."""

    order = 4

    def factor(self, system: System, t: float, dt: float) -> None:
        return None

    def advance(self, system: System, factors: None, y: Tensor, t: float, dt: float, goal: float) -> Step:
        small = DIFFERENCE * dt
        rate, slope = system.rate(y, t), system.jacobian(y, t)
        drift = (system.rate(y, t + small) - system.rate(y, t - small)) / (2 * small)
        matrix = torch.zeros(len(y) + 1, len(y) + 1, dtype=torch.float64)
        matrix[:-1, :-1], matrix[:-1, -1] = slope, drift
        first = torch.cat([rate, rate.new_ones(1)])  # the rate of (y, t)

        def remainder(move: Tensor) -> Tensor:
            """What the linearisation leaves of the rate at (y, t) + move."""
            left = system.rate(y + move[:-1], t + float(move[-1])) - rate - (matrix @ move)[:-1]
            return torch.cat([left, left.new_zeros(1)])

        second = remainder(phi_sum(matrix, 0.5 * dt, [first]))
        third = remainder(phi_sum(matrix, dt, [first + second]))
        move = phi_sum(
            matrix, dt,
            [first, torch.zeros_like(first), (16 * second - 2 * third) / dt**2, (12 * third - 48 * second) / dt**3],
        )  # fmt: skip
        return Step(y + move[:-1], bool(torch.isfinite(move).all()), 5)


def phi_sum(matrix: Tensor, h: float, vectors: list[Tensor]) -> Tensor:
    """Σ_k h^k φ_k(hA) v_k, k = 1, 2, …, from one exponential (Al-Mohy & Higham, SIAM J. Sci. Comput. 33, 2011,
    theorem 2.1)."""
    size, count = len(matrix), len(vectors)
    block = matrix.new_zeros(size + count, size + count)
    block[:size, :size] = matrix
    block[:size, size:] = torch.stack(vectors[::-1], 1)
    block[size:, size:] = torch.diag(matrix.new_ones(count - 1), 1)
    exponential: Tensor = torch.linalg.matrix_exp(h * block)
    return exponential[:size, -1]
