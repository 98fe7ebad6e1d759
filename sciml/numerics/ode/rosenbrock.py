"""Rodas4: a stiffly accurate Rosenbrock method of order 4 with an error of order 3, for stiff fields.

Hairer & Wanner, Solving Ordinary Differential Equations II, 2nd edition, section VI.4 (RODAS): L-stable, six linear
systems with one matrix I/(hγ) - ∂f/∂y a step, no Newton iteration. Derivatives of the field by forward mode.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import jvp, vmap

from .method import Method, Step, Tolerance
from .state import Field, State, rms

GAMMA = 0.25
NODES = (0.0, 0.386, 0.21, 0.63, 1.0, 1.0)
SLOPES = (0.25, -0.1043, 0.1035, -0.0362)  # of ∂f/∂t in the first four stages
A = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0),
)
C = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)
DENSE = (
    (10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662),
    (-0.6762803392806898, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872),
)


class Rodas4(Method):
    """Order 4, six evaluations and one Jacobian a step."""

    name, order, error_order, dense_order = "rodas4", 4, 4, 3
    evaluations, jacobians, explicit = 6, 1, False

    def step(self, field: Field, t: Tensor, h: Tensor, y: State, rate: State, tolerance: Tolerance) -> Step:
        start, first, wide = field.joined(y), field.joined(rate), h[:, None]
        jacobian, slope = derivatives(field, t, start)
        eye = torch.eye(start.shape[1], dtype=start.dtype, device=start.device)
        factors, pivots, _ = torch.linalg.lu_factor_ex(eye / (GAMMA * h[:, None, None]) - jacobian)
        increments: list[Tensor] = []
        for stage, node in enumerate(NODES):
            value = first
            if stage:
                value = field.joined(field(t + node * h, field.split(_sum(start, A[stage], increments))))
            right = _sum(value, C[stage], [u / wide for u in increments])
            if stage < len(SLOPES):
                right = right + SLOPES[stage] * wide * slope
            increments.append(torch.linalg.lu_solve(factors, pivots, right[:, :, None])[:, :, 0])
        end = field.split(_sum(start, (*A[-1], 1.0), increments))
        error = rms(field.split(increments[-1]), tolerance.scale(y, end))
        kept = tuple(field.split(_sum(torch.zeros_like(start), row, increments)) for row in DENSE)
        return Step(end, field(t + h, end), error, kept)

    def between(
        self, field: Field, t: Tensor, h: Tensor, y: State, end: State, kept: tuple[State, ...], theta: Tensor
    ) -> State:
        x, (one, two) = theta[:, None], (field.joined(k) for k in kept)
        start, last = field.joined(y), field.joined(end)
        return field.split((1 - x) * start + x * (last + (1 - x) * (one + x * two)))


def derivatives(field: Field, t: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """∂f/∂y (samples, components, components) and ∂f/∂t (samples, components): one tangent a component for all samples
    together, since none depends on another."""

    def values(time: Tensor, state: Tensor) -> Tensor:
        return field.joined(field(time, field.split(state)))

    def along_direction(dt: Tensor, dy: Tensor) -> Tensor:
        found: Tensor = jvp(values, (t, y), (dt.expand_as(t), dy.expand_as(y)))[1]
        return found

    directions = torch.eye(y.shape[1] + 1, dtype=y.dtype, device=y.device)
    columns = vmap(along_direction)(directions[:, 0], directions[:, 1:])
    return columns[1:].permute(1, 2, 0), columns[0]


def _sum(start: Tensor, weights: Sequence[float], terms: Sequence[Tensor]) -> Tensor:
    for weight, term in zip(weights, terms, strict=False):
        start = torch.add(start, term, alpha=weight)
    return start
