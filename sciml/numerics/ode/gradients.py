"""Solving with derivatives with respect to initial states and parameters.

discrete: autograd through the accepted steps; exact derivative of what was computed with its step sizes.
checkpointed: the same numbers, segments of steps being computed again when their derivative is due: memory of √steps.
adjoint: the continuous adjoint equation, solved backwards to the same tolerance along dense output; the derivative
of the exact solution, to the tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from ...errors import UsageError
from .adjoint import Adjoint
from .method import Tolerance
from .replay import Replay
from .solve import Path, method_named, solve_ode
from .state import Field

Gradients = Literal["discrete", "checkpointed", "adjoint"]


def solve_with_gradients(
    field: Field, y0: Tensor, times: Tensor, *, gradients: Gradients = "discrete", parameters: Sequence[Tensor] = (),
    method: str = "tsit5", relative: float = 1e-6, absolute: float = 1e-6, **options: Any,
) -> tuple[Tensor, Path]:  # fmt: skip
    """Values (samples, times, components) that can be differentiated, and the path that was solved (of its values
    only the first and the last count). parameters: of the field, which the adjoint has to know. Output times are
    constants."""
    options |= {"method": method, "relative": relative, "absolute": absolute}
    times = times.to(y0).expand(len(y0), -1) if times.dim() == 1 else times.to(y0)
    asked = times if gradients == "adjoint" else times[:, [0, -1]]  # the replay makes the other outputs
    path = solve_ode(field, y0.detach(), asked, **options, keep_steps=True)
    if gradients == "adjoint":
        if not method_named(method).explicit:
            raise UsageError(f"the adjoint is solved by an explicit method; with {method} take checkpointed gradients.")
        return Adjoint.apply(field, path, times, options, y0, *parameters), path  # type: ignore[no-untyped-call]
    if gradients not in ("discrete", "checkpointed"):
        raise UsageError(f"gradients must be discrete, checkpointed or adjoint, not {gradients!r}.")
    assert path.steps is not None
    replay = Replay(method_named(method), field, path.steps, times)
    segment = math.isqrt(len(path.steps.t)) + 1 if gradients == "checkpointed" else 0
    return replay(y0, segment), path


def solve_measured(
    field: Field, y0: Tensor, times: Tensor, *, method: str = "tsit5", relative: float = 1e-6, absolute: float = 1e-6,
    **options: Any,
) -> tuple[Tensor, Tensor, Tensor, Path]:  # fmt: skip
    """Values; and of every step (steps, samples) its error in units of the tolerance times its size, and its estimate
    of the stiffest eigenvalue over the method's limit, both 0 beyond a sample's last step. All differentiable."""
    times = times.to(y0).expand(len(y0), -1) if times.dim() == 1 else times.to(y0)
    path = solve_ode(
        field, y0.detach(), times[:, [0, -1]], method=method, relative=relative, absolute=absolute, **options,
        keep_steps=True,
    )  # fmt: skip
    assert path.steps is not None
    replay = Replay(method_named(method), field, path.steps, times, Tolerance(relative, absolute))
    values = replay(y0)
    if not replay.stiffness:
        raise UsageError(f"{method} gives no estimate of stiffness; use tsit5.")
    return values, torch.stack(replay.errors) * path.steps.h, torch.stack(replay.stiffness), path
