"""Training data of one step, the loss, and the one-step error on validation data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciml.dataset import Dataset
from sciml.errors import UsageError
from sciml.learning.solver import Task
from sciml.run import Run

from .calibrating import calibrated
from .networks import build
from .reflection import parity
from .resolution import Resolution
from .setting import Setting, varying
from .solver import ADAPTIVE
from .stepping import Base, refinement, shown
from .validation import Validation, stride_of, values_of

if TYPE_CHECKING:
    from .solver import PdeRefiner

LARGEST = 2**34  # bytes of prepared data
LONG, LONGER = 2000, 20_000  # iterations from which compiling pays: of a single level (10 s), of several (minutes)


class Refining(Task):
    """Pairs (state, state a step later) of all trajectories, prepared once."""

    def __init__(self, solver: PdeRefiner, train: Dataset, valid: Dataset, run: Run) -> None:
        self.solver, self.device, self.valid, self.run = solver, run.device, valid, run
        step = solver.step or float(valid.times[1] - valid.times[0])
        self.fields = list(train.problems[0].equation.fields)
        self.stride = stride_of(step, train, "training")
        self.dim = len(train.problems[0].grid.shape)
        values = values_of(train)
        self.resolution = Resolution(train.problems[0], solver.points)
        beside, target = self._prepare(train, values, step, self.stride)
        values = self.resolution.reduced(values)
        names, centre, scale = varying(train.problems)
        axes = (0, 1, *range(3, 3 + self.dim))
        self.setting = Setting(
            step, self.fields, values.mean(axes).tolist(), values.std(axes).tolist(),
            target.square().mean(axes).sqrt().tolist(),
            [] if beside is None else beside.square().mean(axes).sqrt().tolist(), names, centre, scale,
        )  # fmt: skip
        units = _Units(self.setting, self.dim)
        self.inputs = shown(values[:, : target.shape[1]], beside, units).flatten(0, 1)
        self.target = (target / units.unit).float().flatten(0, 1)
        self.told = self.setting.told(train.problems).repeat_interleave(target.shape[1], 0)
        self.sign = parity(train.problems[0]) if solver.reflect and self.dim == 1 else None
        del beside, target, values
        self.refinement = refinement(solver, self.setting, run.device)
        channels = self.inputs.shape[1] + (len(self.fields) if solver.refinements() else 0)
        self.network = build(solver, train.problems[0], channels, len(self.fields), self.setting).to(run.device)
        self.forward: Any = self.network
        single = solver.network == "unet" and "," not in solver.multipliers and self.dim == 1
        enough = solver.iterations >= (LONG if single else LONGER)
        if solver.compiled == "yes" or (solver.compiled == "auto" and enough):
            self.forward = compiled(self.network)
        self.validation = Validation(solver, valid, self.setting, run.device)

    def _prepare(
        self, data: Dataset, values: Tensor, step: float, stride: int
    ) -> tuple[Tensor | None, Tensor]:
        """Of every start: what the base shows the network, and what is left to it, on the network's grid."""
        ends = values[:, stride:]
        if not len(ends[0]):
            raise UsageError(f"pde-refiner: the training data are shorter than the step {step:g}.")
        starts = values[:, : ends.shape[1]]
        if self.solver.method != "hybrid":
            return None, self.resolution.reduced(ends) - self.resolution.reduced(starts)
        if starts.numel() * 4 * 8 > LARGEST:
            raise UsageError("pde-refiner: the data with their base steps exceed 16 GiB; train on fewer members.")
        base = Base(self.solver, data.problems, step, "cpu")
        later, beside = [], []
        for index in range(starts.shape[1]):
            now = starts[:, index]
            state = base.batch.completed(now, step) if index else base.batch.coefficients(now)
            end, more = base(state)
            later.append(base.seen(end))
            beside.append(more)
        return torch.stack(beside, 1), self.resolution.reduced(ends) - torch.stack(later, 1)

    # -- one step ---------------------------------------------------------------------------------
    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Tensor]:
        shape = (size, *self.target.shape[1:])
        return {
            "pair": torch.from_numpy(rng.integers(len(self.target), size=size)),
            "level": self.refinement.draw(rng, size),
            "noise": torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)),
            "mirrored": torch.from_numpy(rng.random(size) < 0.5),
        }

    def loss(self, batch: Mapping[str, Tensor]) -> Tensor:
        x, y, told = (part[batch["pair"]] for part in (self.inputs, self.target, self.told))
        if self.sign is not None:
            mirrored = batch["mirrored"].reshape(-1, 1, 1)
            x = torch.where(mirrored, self._mirror(x), x)
            y = torch.where(mirrored, self._mirror(y), y)
        x, y, told, level, noise = (
            part.to(self.device) for part in (x, y, told, batch["level"], batch["noise"])
        )  # fmt: skip
        candidate, aim = self.refinement.noised(y, level, noise)
        entering = torch.cat([x, candidate], 1) if self.solver.refinements() else x
        answer: Tensor = self.forward(entering, self.refinement.numbers(level), told)
        weight = self.refinement.weight(level)
        if weight is None:
            return ((answer - aim) ** 2).mean()
        return (weight * ((answer - aim) ** 2).flatten(1).mean(1)).mean()

    def _mirror(self, x: Tensor) -> Tensor:
        """x -> sign · x(-x) on a periodic grid whose first point is its own image."""
        assert self.sign is not None
        return self.sign * x.flip(-1).roll(1, -1)

    # -- validation -------------------------------------------------------------------------------
    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        if self.solver.variances == ADAPTIVE:
            self.setting = replace(self.setting, levels=self.validation.levels(network, self.setting, whole=False))
        return self.validation.metrics(network, self.setting)

    def finish(self, network: torch.nn.Module) -> dict[str, float]:
        """The noise levels by all validation pairs, and the calibration of the spread."""
        found: dict[str, float] = {}
        if self.solver.variances == ADAPTIVE:
            self.setting = replace(self.setting, levels=self.validation.levels(network, self.setting, whole=True))
            found = self.validation.metrics(network, self.setting)
        spread = calibrated(self.solver, network, self.setting, self.valid, self.run)
        if spread is not None:
            self.setting = replace(self.setting, calibration=spread.describe())
            found |= spread.metrics()
        return found

    def extra(self) -> dict[str, Any]:
        return self.setting.describe()


class _Units:
    def __init__(self, setting: Setting, dim: int) -> None:
        self.dim = dim
        self.mean, self.spread, self.unit, self.sizes = (
            setting.column(name, dim) for name in ("mean", "spread", "unit", "sizes")
        )  # fmt: skip


def compiled(network: torch.nn.Module) -> Any:
    """The network's forward pass through torch.compile; one on a periodic line in its formulation by rows."""
    from sciml.networks.rows import rows_of

    return torch.compile(rows_of(network))
