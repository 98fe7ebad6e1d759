"""Explicit Runge–Kutta methods whose last stage is the next step's first."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from . import dop853, tsit5
from .method import Method, Step, Tolerance
from .state import Field, State, along, combined, moved, rms


class ExplicitRungeKutta(Method):
    """nodes c_i and rows a_ij of the stages; the last row holds the weights of the solution."""

    def __init__(self, nodes: Sequence[float], rows: Sequence[Sequence[float]]) -> None:
        self.nodes, self.rows = tuple(nodes), tuple(tuple(row) for row in rows)
        self.evaluations = len(self.rows) - 1

    def stages(self, field: Field, t: Tensor, h: Tensor, y: State, rate: State) -> tuple[list[State], list[State]]:
        """Stage values g_i and rates k_i; the last pair is the step's end."""
        values, rates = [y], [rate]
        for node, row in zip(self.nodes[1:], self.rows[1:], strict=True):
            values.append(moved(y, h, combined(row, rates)))
            rates.append(field(t + node * h, values[-1]))
        return values, rates

    def advance(
        self, field: Field, t: Tensor, h: Tensor, y: State, rate: State
    ) -> tuple[State, State, tuple[State, ...]]:
        values, rates = self.stages(field, t, h, y, rate)
        return values[-1], rates[-1], tuple(rates)


class Tsit5(ExplicitRungeKutta):
    """Order 5, six evaluations a step."""

    name, order, error_order, dense_order = "tsit5", 5, 5, 4

    def __init__(self) -> None:
        super().__init__(tsit5.NODES, tsit5.STAGES)

    def step(self, field: Field, t: Tensor, h: Tensor, y: State, rate: State, tolerance: Tolerance) -> Step:
        values, rates = self.stages(field, t, h, y, rate)
        scale = tolerance.scale(y, values[-1])
        error = h * rms(combined(tsit5.ERROR, rates), scale)
        return Step(values[-1], rates[-1], error, tuple(rates))

    def between(
        self, field: Field, t: Tensor, h: Tensor, y: State, end: State, kept: tuple[State, ...], theta: Tensor
    ) -> State:
        one, two, three, four = torch.tensor(tsit5.DENSE, dtype=h.dtype, device=h.device).T[:, :, None]
        weights = (h * theta) * (one + theta * (two + theta * (three + theta * four)))
        found = []
        for leaf, start in enumerate(y):
            total = start
            for weight, rate in zip(weights.unbind(0), kept, strict=True):
                total = total + along(weight, start) * rate[leaf]
            found.append(total)
        return tuple(found)

    def stiffness(self, y: State, h: Tensor, kept: tuple[State, ...]) -> Tensor:
        """‖k7 - k6‖/‖g7 - g6‖ estimates the stiffest eigenvalue: two stages at one time (Hairer & Wanner, Solving
        Ordinary Differential Equations II, section IV.2)."""
        a, b = tsit5.STIFF_STAGES
        one = tuple(torch.ones_like(leaf) for leaf in y)
        values = [moved(y, h, combined(self.rows[i], kept)) for i in (a, b)]
        rates = rms(_difference(kept[b], kept[a]), one)
        found: Tensor = h * rates / (rms(_difference(values[1], values[0]), one) + TINY) / tsit5.STIFF_LIMIT
        return found


class Dop853(ExplicitRungeKutta):
    """Order 8, twelve evaluations a step, three more for dense output."""

    name, order, error_order, dense_order, dense_evaluations = "dop853", 8, 8, 7, 3

    def __init__(self) -> None:
        super().__init__(dop853.NODES, [dense_row(row, i) for i, row in enumerate(dop853.STAGES)])
        self.errors = dense_row(dop853.ERROR_5, 12), dense_row(dop853.ERROR_3, 12)

    def step(self, field: Field, t: Tensor, h: Tensor, y: State, rate: State, tolerance: Tolerance) -> Step:
        values, rates = self.stages(field, t, h, y, rate)
        scale = tolerance.scale(y, values[-1])
        fifth, third = (rms(combined(weights, rates), scale) for weights in self.errors)
        error = h * fifth * fifth / (torch.sqrt(fifth * fifth + 0.01 * third * third) + TINY)
        return Step(values[-1], rates[-1], error, tuple(rates))

    def between(
        self, field: Field, t: Tensor, h: Tensor, y: State, end: State, kept: tuple[State, ...], theta: Tensor
    ) -> State:
        rates = list(kept)
        for node, row in zip(dop853.FURTHER_NODES, dop853.FURTHER, strict=True):
            rates.append(field(t + node * h, moved(y, h, combined(dense_row(row, len(rates)), rates))))
        found = []
        for leaf, start in enumerate(y):
            wide = along(h, start)
            x = along(theta, start)
            change = end[leaf] - start
            first, last = wide * kept[0][leaf], wide * kept[-1][leaf]
            terms = [change, first - change, 2 * change - (first + last)]
            for weights in dop853.DENSE:
                terms.append(wide * combined(dense_row(weights, 16), [(k[leaf],) for k in rates])[0])
            total = torch.zeros_like(start)
            for power, term in enumerate(reversed(terms)):
                total = (total + term) * (1 - x if power % 2 else x)
            found.append(start + total)
        return tuple(found)


TINY = 1e-300


def dense_row(row: dop853.Row, length: int) -> list[float]:
    return [row.get(i, 0.0) for i in range(length)]


def _difference(a: State, b: State) -> State:
    return tuple(x - y for x, y in zip(a, b, strict=True))
