"""One attempted step of a batch, each sample with its own time, step size and verdict."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .control import LEAST_ERROR, ULPS, factor
from .method import Method, Tolerance
from .state import Field, State, chosen

STRETCH = 1.01  # what is left is taken in one step if it is hardly longer


class Marching(NamedTuple):
    """All (samples,) but the states. rate: the field at (t, y). previous: the last accepted error. attempts, accepted:
    counts. stuck: the step size has become too small to move t."""

    t: Tensor
    h: Tensor
    y: State
    rate: State
    previous: Tensor
    attempts: Tensor
    accepted: Tensor
    stuck: Tensor


class Record(NamedTuple):
    """What happened in one attempt: from y at t over h to end, if accepted."""

    t: Tensor
    h: Tensor
    y: State
    end: State
    kept: tuple[State, ...]
    accepted: Tensor


def attempt(
    method: Method, field: Field, tolerance: Tolerance, now: Marching, until: Tensor
) -> tuple[Marching, Record]:
    """A step of every sample that has not reached its end `until` (samples,); the others stay where they are."""
    t = now.t
    active = (t < until) & ~now.stuck
    last = t + STRETCH * now.h >= until
    h = torch.where(last & active, until - t, now.h)  # at rest: any step that is not 0
    step = method.step(field, t, h, now.y, now.rate, tolerance)
    accepted = active & (step.error <= 1.0)  # an error that is not a number is no
    change = factor(step.error, now.previous, method)
    change = torch.where(accepted, change, change.clamp(max=1.0))
    following = torch.where(active, h * change, now.h)
    stuck = now.stuck | (active & ~accepted & (following <= ULPS * torch.maximum(t.abs(), until.abs())))
    later = Marching(
        torch.where(accepted, torch.where(last, until, t + h), t), following,
        chosen(accepted, step.end, now.y), chosen(accepted, step.rate, now.rate),
        torch.where(accepted, step.error.clamp(min=LEAST_ERROR), now.previous),
        now.attempts + active, now.accepted + accepted, stuck,
    )  # fmt: skip
    return later, Record(t, h, now.y, step.end, step.kept, accepted)
