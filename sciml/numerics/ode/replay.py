"""The accepted steps once more, with autograd watching: the derivative of what was computed, step sizes held fixed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .method import Method, Tolerance
from .state import Field, State, chosen
from .steps import Steps


class Replay:
    """Steps of `steps` again, from y0 (samples, components); output at times (samples, m).

    With a tolerance, `errors` and `stiffness` (steps, samples) are what the method says of each step, 0 beyond the
    last: differentiable too.
    """

    def __init__(
        self, method: Method, field: Field, steps: Steps, times: Tensor, tolerance: Tolerance | None = None
    ) -> None:
        self.method, self.field, self.steps, self.times, self.tolerance = method, field, steps, times, tolerance
        self.there = steps.there()
        self.all_there = self.there.all(1).tolist()
        inside = (times > times[:, :1]).nonzero()
        where = steps.containing(times)[inside[:, 0], inside[:, 1]]
        self.places = [inside[where == s] for s in range(len(steps.t))]
        self.errors: list[Tensor] = []
        self.stiffness: list[Tensor] = []

    def __call__(self, y0: Tensor, segment: int = 0) -> Tensor:
        """(samples, m, components). segment: steps whose inner workings are computed again for their derivative; 0:
        everything is kept."""
        t = self.times[:, 0]
        y = self.field.split(y0)
        rate = self.field(t, y)
        found: list[Tensor] = []
        total = len(self.steps.t)
        for first in range(0, total, segment or max(total, 1)):
            last = min(first + (segment or total), total)
            if segment:
                y, rate, outputs = checkpoint(self._several, first, last, y, rate, use_reentrant=False)
            else:
                y, rate, outputs = self._several(first, last, y, rate)
            found += outputs
        begun = self.times <= t[:, None]
        start = torch.where(begun[:, :, None], y0[:, None, :], 0.0)
        places = torch.cat(self.places) if self.places else begun.new_zeros((0, 2), dtype=torch.int64)
        return start.index_put((places[:, 0], places[:, 1]), torch.cat([*found, y0[:0]]))

    def _several(self, first: int, last: int, y: State, rate: State) -> tuple[State, State, list[Tensor]]:
        outputs = []
        for s in range(first, last):
            end, following, kept = self._one(s, y, rate)
            if len(self.places[s]):
                outputs.append(self._output(s, y, end, kept))
            if self.all_there[s]:
                y, rate = end, following
            else:
                y, rate = chosen(self.there[s], end, y), chosen(self.there[s], following, rate)
        return y, rate, outputs

    def _one(self, s: int, y: State, rate: State) -> tuple[State, State, tuple[State, ...]]:
        t, h = self.steps.t[s], self.steps.h[s]
        if self.tolerance is None:
            return self.method.advance(self.field, t, h, y, rate)
        step = self.method.step(self.field, t, h, y, rate, self.tolerance)
        stiffness: Any = self.method.stiffness(y, h, step.kept)
        self.errors.append(torch.where(self.there[s], step.error, 0.0))
        if stiffness is not None:
            self.stiffness.append(torch.where(self.there[s], stiffness / h, 0.0))
        return step.end, step.rate, step.kept

    def _output(self, s: int, y: State, end: State, kept: tuple[State, ...]) -> Tensor:
        rows, columns = self.places[s].unbind(1)

        def some(state: State) -> State:
            return tuple(leaf[rows] for leaf in state)

        t, h = self.steps.t[s][rows], self.steps.h[s][rows]
        theta = (self.times[rows, columns] - t) / h
        stages = tuple(some(k) for k in kept)
        field = self.field.rows(rows)
        inner = self.method.between(field, t, h, some(y), some(end), stages, theta.clamp(0.0, 1.0))
        return torch.where((theta >= 1 - 1e-14)[:, None], field.joined(some(end)), field.joined(inner))
