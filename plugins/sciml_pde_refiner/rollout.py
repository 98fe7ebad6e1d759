"""Prediction: all problems stepped together, several times where refinement makes them differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sciml.errors import UsageError
from sciml.learning.model import Model
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import SPREAD_FACTOR, Solution, Status

from .networks import build
from .setting import Setting
from .spread import Spread
from .stepping import Stepper

if TYPE_CHECKING:
    from .solver import PdeRefiner


def rollout(solver: PdeRefiner, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
    setting = Setting(**model.card.extra)
    for problem in problems:
        reasons = model.covers(problem)
        if reasons:
            raise UsageError(f"{problem.name}: {'; '.join(reasons)}.")
    strides = _strides(problems, setting.step)
    network = load(solver, model, setting, problems[0], run.device)
    stepper = Stepper(solver, network, setting, problems, run.device)
    start = torch.from_numpy(np.stack([np.stack(list(p.initial())) for p in problems])).to(run.device)
    count = solver.samples if stepper.refinement.steps else 1
    generators = [run.torch_generator(f"refinement {sample}") for sample in range(count)]

    def shown(share: float, sample: int) -> None:
        run.step(share, None, f"rollout {sample + 1} of {count}")

    with run.phase("rollout"):
        mean, std = ensemble(stepper, start, strides, generators, shown)
    run.count(network_calls=stepper.calls)
    if stepper.base is not None:
        run.count(rhs_evaluations=stepper.base.batch.evaluations)
    factor = None
    if std is not None and setting.calibration:
        lead = problems[0].grid.times - problems[0].grid.times[0]
        factor = Spread(**setting.calibration).at(lead, count)
        std *= torch.from_numpy(factor).reshape(-1, *[1] * (std.dim() - 1))
    return [
        _solution(p, mean[:, i].numpy(), None if std is None else std[:, i].numpy(), factor, setting)
        for i, p in enumerate(problems)
    ]


@torch.no_grad()
def ensemble(
    stepper: Stepper, start: Tensor, strides: Sequence[int], generators: Sequence[torch.Generator],
    shown: Callable[[float, int], None] = lambda share, sample: None,
) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """Mean and, of several rollouts, standard deviation at the start and after every stride: (times, B, fields, *grid)
    on the CPU. start: (B, fields, *grid). One rollout a generator. `shown` hears what share of the work is done."""
    count = len(generators)
    total = torch.zeros((len(strides) + 1, *start.shape), dtype=torch.float64)
    square = torch.zeros_like(total)
    for sample, generator in enumerate(generators):
        state, path = stepper.start(start), [start.cpu()]
        for done, stride in enumerate(strides):
            for _ in range(stride):
                state = stepper.advance(state, generator)
            path.append(stepper.values(state).cpu())
            shown((sample + (done + 1) / len(strides)) / count, sample)
        states = torch.stack(path)
        shift = states - total  # Welford's running mean and sum of squares
        total += shift / (sample + 1)
        square += shift * (states - total)
    return total, (square / (count - 1)).sqrt() if count > 1 else None


def load(solver: PdeRefiner, model: Model, setting: Setting, problem: Problem, device: str) -> torch.nn.Module:
    """The trained network, ready to be called."""
    fields = len(setting.fields)
    channels = fields + len(setting.sizes) + (fields if solver.refinements() else 0)
    network = build(solver, problem, channels, fields, setting).to(device)
    model.fill(network, device)
    return network.eval()


def _strides(problems: Sequence[Problem], step: float) -> list[int]:
    """Steps of the network between output times, which all problems share."""
    times = problems[0].grid.times
    if any(len(p.grid.times) != len(times) or not np.allclose(p.grid.times, times) for p in problems):
        raise UsageError("pde-refiner: problems that are solved together need the same output times.")
    strides = [round(float(gap) / step) for gap in np.diff(times)]
    if any(s < 1 or abs(s * step - gap) > 1e-6 * step for s, gap in zip(strides, np.diff(times), strict=True)):
        raise UsageError(f"pde-refiner: the model steps by {step:g}; output times must be multiples of that apart.")
    return strides


def _solution(
    problem: Problem, values: Array, std: Array | None, factor: Array | None, setting: Setting
) -> Solution:
    """values, std: (times, fields, *grid); factor: (times,), by which a calibration has multiplied std. What is no
    longer finite is left out."""
    finite = np.asarray(np.isfinite(values.reshape(len(values), -1)).all(1))
    kept = len(finite) if finite.all() else int(finite.argmin())
    values = np.where(np.arange(len(values)).reshape(-1, *[1] * (values.ndim - 1)) < kept, values, math.nan)
    spread = {} if std is None else {name: std[:, i] for i, name in enumerate(setting.fields)}
    status, reached, message = Status.OK, math.inf, ""
    if std is not None and factor is None:
        message = "the model's spread is not calibrated; `sciml models calibrate` does that"
    if kept < len(finite):
        status, reached = Status.PARTIAL, float(problem.grid.times[kept - 1])
        message = f"the rollout left finite numbers after t = {reached:g}"
    return Solution(
        {name: values[:, i].copy() for i, name in enumerate(setting.fields)}, status, reached, std=spread,
        history={} if factor is None else {SPREAD_FACTOR: factor}, message=message,
    )  # fmt: skip
