"""Fitting the spread's factors: rollouts of validation members, and what they lack of the truth."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from sciml.dataset import Dataset
from sciml.errors import UsageError
from sciml.learning.model import Model
from sciml.problem import Array
from sciml.run import Run

from .rollout import ensemble, load
from .setting import Setting
from .spread import Spread, fit
from .stepping import Stepper
from .validation import stride_of, values_of

if TYPE_CHECKING:
    from .solver import PdeRefiner

SAMPLES = 8  # rollouts of every member
MEMBERS = 32  # the most members


def recalibrated(solver: PdeRefiner, model: Model, valid: Dataset, run: Run) -> Model:
    """The same weights with a new calibration. Raises UsageError where there is no spread."""
    setting = Setting(**model.card.extra)
    network = load(solver, model, setting, valid.problems[0], run.device)
    spread = calibrated(solver, network, setting, valid, run)
    if spread is None:
        raise UsageError(f"{model.path}: its rollouts do not differ or are not finite; it has no spread to calibrate.")
    extra = replace(setting, calibration=spread.describe()).describe()
    card = replace(model.card, extra=extra, metrics=model.card.metrics | spread.metrics())
    return model.with_card(card)


def calibrated(
    solver: PdeRefiner, network: torch.nn.Module, setting: Setting, valid: Dataset, run: Run
) -> Spread | None:
    """None where samples do not differ, or a rollout left finite numbers in its first step.

    Lead times are those of the validation data, up to the last at which all rollouts are finite.
    """
    if valid.split == "test":
        raise UsageError("pde-refiner: a spread is calibrated on validation data, never on the test split.")
    members = valid.problems[:MEMBERS]
    stepper = Stepper(solver, network, setting, members, run.device)
    if not stepper.refinement.steps or len(members) < 2:
        return None
    stride, truth = stride_of(setting.step, valid, "validation"), values_of(valid)[: len(members)]
    truth = truth[:, ::stride]
    generators = [run.torch_generator(f"calibration {i}") for i in range(SAMPLES)]
    mean, std = ensemble(stepper, truth[:, 0].to(run.device), [1] * (truth.shape[1] - 1), generators)
    assert std is not None
    found, spread, exact = (_by_member(a) for a in (mean, std, truth.transpose(0, 1)))
    finite = np.asarray(np.isfinite(spread).all((0, 2)))  # where the mean is not, the deviation is not either
    kept = len(finite) if finite.all() else int(finite.argmin())
    if not kept:
        return None
    lead = setting.step * np.arange(1.0, kept + 1)
    return fit(lead, found[:, :kept], spread[:, :kept], exact[:, :kept], SAMPLES)


def _by_member(values: Tensor) -> Array:
    """(times, B, fields, *grid) to (B, times, points), without the start."""
    result: Array = values[1:].transpose(0, 1).flatten(2).numpy()
    return result
