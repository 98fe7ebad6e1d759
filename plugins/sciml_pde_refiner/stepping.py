"""One step of a batch of problems: what the network is shown, and what its answer means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from sciml.errors import UsageError
from sciml.problem import Problem

from .coarse import Batch
from .collocation import Collocation
from .continuum import Continuum
from .refining import Refinement
from .resolution import Resolution
from .schedule import Schedule
from .setting import Setting
from .solver import ADAPTIVE

if TYPE_CHECKING:
    from .solver import PdeRefiner


def refinement(solver: PdeRefiner, setting: Setting, device: str) -> Refinement | Continuum:
    """The noise levels of the options; of variances=adaptive with those the model's training chose."""
    if solver.variances == ADAPTIVE:
        return Continuum(solver.min_noise, setting.levels or [1.0], device)
    if solver.variances != "geometric":
        return Refinement(Schedule.parse(solver.variances), device)
    return Refinement(Schedule.geometric(solver.refinements(), solver.min_noise), device)


class Base:
    """The coarse step of method=hybrid for given problems."""

    def __init__(self, solver: PdeRefiner, problems: Sequence[Problem], step: float, device: str) -> None:
        self.resolution = Resolution(problems[0], solver.points, device)
        grid = self.resolution.network
        self.dim, modes = len(grid), [solver.base_modes or n - 1 for n in grid]
        least = max((n - 1) // 2 for n in grid)
        if min(modes) < least:
            raise UsageError(
                f"pde-refiner: the network's grid tells {least} modes apart; base_modes must be no fewer. Take more of"
                " them, or fewer points."
            )
        self.batch, self.step, self.indicator = Batch(problems, modes, device), step, solver.indicator
        self.steps = -int(-step // (solver.base_step * (1 + 1e-9)))
        if self.indicator == "doubling" and self.steps % 2:
            raise UsageError("pde-refiner: indicator=doubling needs an even number of base steps in a step.")
        self.sweeps = solver.sweeps

    def __call__(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """Coefficients a step later, and what the network is shown beside the state: (…, B, channels, *grid)."""
        batch, h = self.batch, self.step / self.steps
        later = batch.march(state, h, self.steps)
        shown = [later - state]
        if self.indicator == "doubling":
            shown.append(later - batch.march(state, 2 * h, self.steps // 2))
        elif self.indicator == "rates":
            shown += [batch.rate(state), batch.rate(later)]
        return later, torch.cat([self.seen(part) for part in shown], -self.dim - 1)

    def seen(self, state: Tensor) -> Tensor:
        """Coefficients on the network's grid, (…, B, fields, *network)."""
        return self.resolution.seen(state, self.batch.basis)

    def between(self, state: Tensor, correction: Tensor) -> list[Tensor]:
        """The states after each base step; the network's correction of the last is shared out evenly."""
        states, h = [state], self.step / self.steps
        for _ in range(self.steps):
            states.append(self.batch.march(states[-1], h, 1))
        return [s + correction * (i / self.steps) for i, s in enumerate(states)]


class Stepper:
    """States of a batch of problems through time. method=hybrid carries coefficients, the others values on the
    network's grid."""

    def __init__(
        self, solver: PdeRefiner, network: torch.nn.Module, setting: Setting, problems: Sequence[Problem], device: str
    ) -> None:
        self.network, self.setting, self.device = network, setting, device
        self.resolution = Resolution(problems[0], solver.points, device)
        self.dim = len(self.resolution.data)
        self.refinement = refinement(solver, setting, device)
        self.refines = solver.refinements() > 0
        self.told = setting.told(problems, device)
        self.base = Base(solver, problems, setting.step, device) if solver.method == "hybrid" else None
        self.collocation = Collocation(self.base.batch, setting.step / self.base.steps) if self.base else None
        self.mean, self.spread, self.unit = (setting.column(n, self.dim, device) for n in ("mean", "spread", "unit"))
        self.sizes = setting.column("sizes", self.dim, device)
        self.calls = 0

    def start(self, values: Tensor) -> Tensor:
        """The state of values on the data's grid, (B, fields, *data)."""
        return self.base.batch.coefficients(values) if self.base else self.resolution.reduced(values)

    def values(self, state: Tensor) -> Tensor:
        """On the data's grid."""
        return self.base.batch.values(state, self.resolution.data) if self.base else self.resolution.full(state)

    def seen(self, state: Tensor) -> Tensor:
        """On the network's grid."""
        return self.base.seen(state) if self.base else state

    @torch.no_grad()
    def advance(self, state: Tensor, generator: torch.Generator | None) -> Tensor:
        """One step of every problem."""
        values, later, beside = self.seen(state), state, None
        if self.base is not None:
            later, beside = self.base(state)
        change = self.unit * self.answer(shown(values, beside, self), generator).double()
        if self.base is None:
            return values + change
        correction = self.base.batch.coefficients(change)
        if not self.base.sweeps:
            return later + correction
        assert self.collocation is not None
        return self.collocation.corrected(self.base.between(state, correction), self.base.sweeps)

    def answer(self, inputs: Tensor, generator: torch.Generator | None) -> Tensor:
        """The network's target y, (B, fields, *network) float32, sampled by K + 1 calls."""
        fields = len(self.setting.fields)
        zero = inputs.new_zeros((len(inputs), fields, *self.resolution.network))

        def denoise(candidate: Tensor, k: int) -> Tensor:
            return self.called(inputs, candidate, self.refinement.times[k])

        return self.refinement.sample(denoise, zero, generator)

    def called(self, inputs: Tensor, candidate: Tensor, level: Tensor) -> Tensor:
        """v of a candidate at the number of one level."""
        self.calls += 1
        entering = torch.cat([inputs, candidate], 1) if self.refines else inputs
        answer: Tensor = self.network(entering, level.expand(len(inputs)), self.told)
        return answer

    def denoised(self, inputs: Tensor, candidate: Tensor, variance: float) -> Tensor:
        """Of variances=adaptive: the estimate of y from a candidate of any variance."""
        assert isinstance(self.refinement, Continuum)
        level = self.refinement.numbers(torch.tensor(variance, dtype=torch.float32, device=inputs.device))
        return math.sqrt(1 - variance) * candidate - math.sqrt(variance) * self.called(inputs, candidate, level)


def shown(values: Tensor, beside: Tensor | None, units: Any) -> Tensor:
    """The network's input channels in their units, float32; values: (…, fields, *grid)."""
    parts = [(values - units.mean) / units.spread]
    if beside is not None:
        parts.append(beside / units.sizes)
    return torch.cat(parts, -units.dim - 1).float()
