"""Initial value problems of a batch: each sample with its own step sizes, its own errors and its own output times.

    path = solve_ode(of_equation(equation), y0, times, method="dop853", relative=1e-9, absolute=1e-9)
    path.values            # (samples, times, components)
    path.accepted          # (samples,)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import RunFailed, UsageError
from .chunks import Compiled, Stepping
from .control import first_step, rounded
from .explicit import Dop853, Tsit5
from .march import Marching
from .method import Method, Tolerance
from .output import Output
from .rosenbrock import Rodas4
from .state import Field
from .steps import Collected, Steps

METHODS: dict[str, type[Method]] = {"tsit5": Tsit5, "dop853": Dop853, "rodas4": Rodas4}


@dataclass(frozen=True)
class Path:
    """values: (samples, times, components). Of each sample (samples,): evaluations of the field and of its Jacobian,
    accepted and rejected steps. steps: the accepted ones, if they were asked for. path, notice: what computed (plain,
    compiled, native: see `chunks`), and why not compiled."""

    values: Tensor
    evaluations: Tensor
    jacobians: Tensor
    accepted: Tensor
    rejected: Tensor
    steps: Steps | None
    path: str
    notice: str


def method_named(name: str) -> Method:
    if name not in METHODS:
        raise UsageError(f"there is no method {name!r}; there are {', '.join(METHODS)}.")
    return METHODS[name]()


@torch.no_grad()
def solve_ode(
    field: Field, y0: Tensor, times: Tensor, *, method: str = "tsit5", relative: float = 1e-6, absolute: float = 1e-6,
    first: float | None = None, most: int = 100_000, compiled: Compiled = "no", keep_steps: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Path:  # fmt: skip
    """y0: (samples, components) at the first of `times`, (times,) or (samples, times), ascending.

    first: the first step size, else it is found. most: attempts of a sample. progress: told the share of the time that
    the slowest sample has passed. No gradients: see `gradients`. Raises RunFailed where a step size underflows, or
    `most` attempts are not enough.
    """
    chosen = method_named(method)
    times = _checked(y0, times)
    tolerance = Tolerance(relative, absolute)
    now, until, extra = _begin(chosen, field, tolerance, y0, times, first)
    inner = bool(((times > times[:, :1]) & (times < until[:, None])).any())
    output = Output(chosen, field, times, y0, inner)
    stepping = Stepping(chosen, field, tolerance, compiled, now, output if inner else None, keep_steps)
    steps = Collected() if keep_steps else None
    tries, start, span = 0, times[:, 0], (until - times[:, 0]).clamp(min=1e-300)
    while bool(((now.t < until) & ~now.stuck).any()):
        if tries >= most:
            raise RunFailed(_too_many(chosen, now, until, most, field, tolerance))
        now, records, tried = stepping(now, until, most - tries)
        tries += tried
        if records and inner and output.due(now.t):
            for record in records:
                output.take(record)
        if steps is not None:
            for record in records:
                steps.add(record)
        if progress is not None:
            progress(float(((now.t - start) / span).min()))
    if bool(now.stuck.any()):
        raise RunFailed(_underflow(chosen, now))
    values = output.finished(field.joined(now.y), until)
    return Path(
        values, now.attempts * chosen.evaluations + extra + output.evaluations, now.attempts * chosen.jacobians,
        now.accepted, now.attempts - now.accepted, None if steps is None else steps.sorted(),
        stepping.path, stepping.notice,
    )  # fmt: skip


def _checked(y0: Tensor, times: Tensor) -> Tensor:
    """times as (samples, times)."""
    if y0.dim() != 2:
        raise UsageError(f"the initial states must be (samples, components), not {tuple(y0.shape)}.")
    times = times.to(y0)
    if times.dim() == 1:
        times = times.expand(len(y0), -1)
    if times.dim() != 2 or len(times) != len(y0) or times.shape[1] < 2:
        raise UsageError("times must be (times,) or (samples, times), at least two of them.")
    if not bool(torch.isfinite(times).all()) or not bool(torch.isfinite(y0).all()):
        raise UsageError("times and initial states must be finite.")
    if bool((times.diff(dim=1) < 0).any()):
        raise UsageError("times must ascend.")
    return times.contiguous()


def _begin(
    method: Method, field: Field, tolerance: Tolerance, y0: Tensor, times: Tensor, first: float | None
) -> tuple[Marching, Tensor, int]:
    """The state before the first step, the end times, and the evaluations that took."""
    y, t, until = field.split(y0), times[:, 0].clone(), times[:, -1].clone()
    rate = field(t, y)
    extra = 1
    if first is None:
        h = first_step(field, t, y, rate, method, tolerance, until - t)
        extra += 1
    else:
        h = rounded(torch.full_like(t, first))
    count = torch.zeros(len(y0), dtype=torch.int64, device=y0.device)
    stuck = torch.zeros(len(y0), dtype=torch.bool, device=y0.device)
    return Marching(t, h, y, rate, torch.ones_like(t), count, count.clone(), stuck), until, extra


def _too_many(method: Method, now: Marching, until: Tensor, most: int, field: Field, tolerance: Tolerance) -> str:
    behind = int(torch.argmin(torch.where(now.stuck, torch.inf, now.t - until)))
    where = f"{most} steps of {method.name} reached t={float(now.t[behind]):.6g} only"
    step = method.step(field, now.t, now.h, now.y, now.rate, tolerance)
    stiffness = method.stiffness(now.y, now.h, step.kept)
    if method.explicit and stiffness is not None and float(stiffness[behind]) > 0.5:
        return f"{where}: the field is stiff there; try method=rodas4."
    advice = "allow more, or a larger tolerance" + ("; if the field is stiff, try method=rodas4" * method.explicit)
    return f"{where}; {advice}."


def _underflow(method: Method, now: Marching) -> str:
    where = float(now.t[now.stuck][0])
    more = "; if the field is stiff there, try method=rodas4" if method.explicit else ""
    return f"step size underflow at t={where:.6g}: the solution may blow up there{more}, or try a larger tolerance."
