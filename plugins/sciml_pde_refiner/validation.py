"""Errors of a step on validation data, and what is chosen by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sciml.dataset import Dataset
from sciml.errors import UsageError

from .choosing import choose
from .resolution import Resolution
from .schedule import hiding
from .setting import Setting
from .stepping import Stepper, shown

if TYPE_CHECKING:
    from .solver import PdeRefiner

CHECKED = 12  # starting times of every validation member
GLIMPSE = 3  # of them, those that the noise levels are chosen by in the course of training
ROUGH = 5  # halvings of the search there


class Validation:
    """Pairs (state, state a step later) of validation members at a few times."""

    def __init__(self, solver: PdeRefiner, data: Dataset, setting: Setting, device: str) -> None:
        self.solver, self.device, self.members = solver, device, data.problems
        self.dim = len(data.problems[0].grid.shape)
        stride, values = stride_of(setting.step, data, "validation"), values_of(data)
        self.resolution = Resolution(data.problems[0], solver.points, device)
        last = values.shape[1] - 1 - stride
        picked = torch.linspace(min(stride, last), last, min(CHECKED, last + 1)).long()
        self.starts, self.ends = values[:, picked], values[:, picked + stride]

    def metrics(self, network: torch.nn.Module, setting: Setting) -> dict[str, float]:
        """Mean relative L2 error of one step, the same of the base (method=hybrid) or of doing nothing, and the least
        variance of noise that hides what the answer misses (see `schedule.hiding`): a value for `min_noise`."""
        stepper = Stepper(self.solver, network, setting, self.members, self.device)
        generator = torch.Generator().manual_seed(0)
        found, plain, missed = [], [], []
        unit = setting.column("unit", self.dim, self.device)
        for index in range(self.starts.shape[1]):
            _, end, state, _, bare = self._start(stepper, index)
            answer = stepper.seen(stepper.advance(state, generator))
            found.append(_relative(answer, end))
            missed.append(float((((answer - end) / unit) ** 2).mean()))
            plain.append(_relative(bare, end))
        name = "error of the base" if stepper.base is not None else "error of doing nothing"
        least = hiding(float(np.mean(missed)))
        return {"error of a step": float(np.mean(found)), name: float(np.mean(plain)), "variance that hides it": least}

    def levels(self, network: torch.nn.Module, setting: Setting, whole: bool) -> list[float]:
        """Of variances=adaptive: the noise levels chosen (see `choosing`), by all pairs or by a few."""
        stepper = Stepper(self.solver, network, replace(setting, levels=[1.0]), self.members, self.device)
        count = self.starts.shape[1]
        picked = range(count) if whole else sorted({round(i) for i in np.linspace(0, count - 1, GLIMPSE)})
        inputs, truth = [], []
        with torch.no_grad():
            for index in picked:
                now, end, _, beside, bare = self._start(stepper, index)
                inputs.append(shown(now, beside, stepper))
                truth.append(((end - bare) / stepper.unit).float())

            def clean(candidate: Tensor, variance: float) -> Tensor:
                parts = zip(inputs, torch.split(candidate, len(self.members)), strict=True)
                return torch.cat([stepper.denoised(x, c, variance) for x, c in parts])

            generator = torch.Generator().manual_seed(1)
            most, halvings = self.solver.refinements(), 8 if whole else ROUGH
            least, bias = self.solver.min_noise, self.solver.bias
            return choose(torch.cat(truth), clean, least, most, generator, halvings, bias)

    def _start(self, stepper: Stepper, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor | None, Tensor]:
        """On the network's grid: values now and a step later; the state; what the base shows the network, and where
        it leads."""
        start, end = self.starts[:, index].to(self.device), self.ends[:, index].to(self.device)
        now, end = self.resolution.reduced(start), self.resolution.reduced(end)
        if stepper.base is None:
            return now, end, now, None, now
        state = stepper.base.batch.completed(start, stepper.setting.step)
        later, beside = stepper.base(state)
        return now, end, state, beside, stepper.seen(later)


def values_of(data: Dataset) -> Tensor:
    """(members, times, fields, *grid), float64."""
    fields: Sequence[str] = data.problems[0].equation.fields
    return torch.from_numpy(np.stack([data.values[name] for name in fields], 2))


def stride_of(step: float, data: Dataset, which: str) -> int:
    """Outputs of the data from one state of the network to the next."""
    interval = float(data.times[1] - data.times[0])
    stride = round(step / interval)
    if stride < 1 or abs(stride * interval - step) > 1e-6 * step:
        raise UsageError(f"pde-refiner: the step {step:g} is no multiple of the {which} data's interval {interval:g}.")
    return stride


def _relative(value: Tensor, truth: Tensor) -> float:
    """Mean over the batch of ‖value - truth‖ / ‖truth‖ over fields and space."""
    return float(((value - truth).flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)).mean())
