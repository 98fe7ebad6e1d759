"""Itô equations with diagonal noise, dy = f dt + g dW, of a batch: each sample with its own path and step sizes.

    path = solve_sde(drift, diffusion, y0, times, seed=1)
    path.values     # (samples, times, components)

Between two output times a sample's path is one `brownian.Segment`; steps begin and end at its ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import RunFailed, UsageError
from .brownian import TICKS, Segment
from .control import GRAIN, LARGEST, SAFETY, SMALLEST
from .march import Record
from .method import Tolerance
from .sri import SCHEMES, Function, Scheme, size, step
from .steps import Collected, Steps

ORDER = 1.5  # of the estimated error of a step
STAGES = 4


@dataclass(frozen=True)
class SdePath:
    """values: (samples, times, components). evaluations: of drift and of diffusion each, (samples,). steps: the
    accepted ones between two output times, their ΔW and ΔZ in `kept`; empty unless asked for."""

    values: Tensor
    evaluations: Tensor
    accepted: Tensor
    rejected: Tensor
    steps: list[Steps]


def scheme_named(name: str) -> Scheme:
    if name not in SCHEMES:
        raise UsageError(f"there is no method {name!r}; there are {', '.join(SCHEMES)}.")
    return SCHEMES[name]


@torch.no_grad()
def solve_sde(
    drift: Function, diffusion: Function, y0: Tensor, times: Tensor, *, seed: int = 0, labels: Tensor | None = None,
    method: str = "sosri", relative: float = 1e-2, absolute: float = 1e-2, first: float = 0.05, most: int = 100_000,
    keep_steps: bool = False, progress: Callable[[float], None] | None = None,
) -> SdePath:  # fmt: skip
    """y0: (samples, components) at times[0]; times: (times,), ascending. labels: of the samples' paths, (samples,)
    int64 (0, 1, … if not given): one label and one seed, one path. first: the first step, in output intervals.

    Raises RunFailed where steps underflow or `most` of them are not enough.
    """
    scheme, tolerance = scheme_named(method), Tolerance(relative, absolute)
    times = times.to(y0)
    if y0.dim() != 2 or times.dim() != 1 or len(times) < 2 or not bool((times.diff() > 0).all()):
        raise UsageError("the initial states must be (samples, components), and times at least two that ascend.")
    if not bool(torch.isfinite(y0).all() & torch.isfinite(times).all()):
        raise UsageError("times and initial states must be finite.")
    count, components = y0.shape
    labels = torch.arange(count, device=y0.device) if labels is None else labels
    attempts = torch.zeros(count, dtype=torch.int64, device=y0.device)
    accepted, y, rows, steps = attempts.clone(), y0, [y0], []
    ticks = torch.full_like(attempts, max(1, int(first * TICKS)))
    for number, (t, gap) in enumerate(zip(times[:-1].tolist(), times.diff().tolist(), strict=True)):
        segment = Segment(seed, labels, components, number, y0.new_full((count,), gap))
        kept = Collected() if keep_steps else None
        place = torch.zeros_like(attempts)
        w, integral = torch.zeros_like(y), torch.zeros_like(y)
        tries = 0
        while bool((active := place < TICKS).any()):
            if tries == most:
                raise RunFailed(f"{most} steps were not enough between t={t:.6g} and t={t + gap:.6g}; allow more.")
            tries += 1
            whole = torch.where(active, torch.minimum(ticks, TICKS - place), 1)
            h, at = gap * whole / TICKS, t + gap * place / TICKS
            reached = torch.where(active, place + whole, place)
            w_end, integral_end = segment.at(reached)
            dw, dz = w_end - w, integral_end - integral - w * h[:, None]
            end, error = step(scheme, drift, diffusion, at, h, y, dw, dz)
            found = size(error, y, end, tolerance)
            good = active & (found <= 1.0)
            if bool((active & ~good & (whole <= 1)).any()):
                raise RunFailed(f"step size underflow at t={float(at[active & ~good][0]):.6g}: try a larger tolerance.")
            if kept is not None:
                kept.add(Record(at, h, (y,), (end,), ((dw,), (dz,)), good))
            wide = good[:, None]
            y, w, integral = (
                torch.where(wide, a, b) for a, b in ((end, y), (w_end, w), (integral_end, integral))
            )  # fmt: skip
            place = torch.where(good, reached, place)
            attempts, accepted = attempts + active, accepted + good
            longer = good & (whole < ticks)  # the end cut it short, which says nothing about the next
            ticks = torch.where(active & ~longer, _following(whole, found), ticks)
        rows.append(y)
        if kept is not None:
            steps.append(kept.sorted())
        if progress is not None:
            progress((number + 1) / (len(times) - 1))
    return SdePath(torch.stack(rows, 1), attempts * STAGES, accepted, attempts - accepted, steps)


def _following(ticks: Tensor, error: Tensor) -> Tensor:
    """The next step, in ticks."""
    error = torch.where(torch.isfinite(error), error, 1e10).clamp(min=1e-10)
    factor = (SAFETY * torch.exp(torch.log(error) / -ORDER)).clamp(SMALLEST, LARGEST)
    factor = torch.round(factor * GRAIN) / GRAIN
    return (ticks * factor).long().clamp(1, TICKS)


def solve_sde_with_gradients(
    drift: Function, diffusion: Function, y0: Tensor, times: Tensor, *, method: str = "sosri", **options: object
) -> tuple[Tensor, SdePath]:
    """Values that can be differentiated through the accepted steps, their noise and sizes held fixed."""
    path = solve_sde(drift, diffusion, y0.detach(), times, method=method, keep_steps=True, **options)  # type: ignore[arg-type]
    scheme, y, rows = scheme_named(method), y0, [y0]
    for steps in path.steps:
        there = steps.there()
        for s in range(len(steps.t)):
            (dw,), (dz,) = (tuple(leaf[s] for leaf in stage) for stage in steps.kept)
            end, _ = step(scheme, drift, diffusion, steps.t[s], steps.h[s], y, dw, dz)
            y = torch.where(there[s, :, None], end, y)
        rows.append(y)
    return torch.stack(rows, 1), path
