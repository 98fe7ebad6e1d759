"""The continuous adjoint of a solved initial value problem, its state read from dense output.

    da/dt = -(∂f/∂y)ᵀ a backwards, a jumping by ∂L/∂y(t_j) at output times;   dL/dθ = ∫ aᵀ ∂f/∂θ dt.

The integral is taken by Gauss–Legendre over the steps of a, all of them in one pass: the parameters' gradient is no
part of the state, so each sample keeps step sizes of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .solve import Path, method_named, solve_ode
from .state import Field, Whole
from .steps import Steps

NODES, WEIGHTS = np.polynomial.legendre.leggauss(3)
BACK = "tsit5"  # whatever went forwards
PLACES, SHARES = ((NODES + 1) / 2).tolist(), (WEIGHTS / 2).tolist()


class Adjoint(torch.autograd.Function):
    """Values of a path as a function of y0 and parameters."""

    @staticmethod
    def forward(ctx: Any, field: Field, path: Path, times: Tensor, options: dict[str, Any], *inputs: Tensor) -> Tensor:
        """inputs: y0, then the parameters."""
        ctx.field, ctx.path, ctx.times, ctx.options = field, path, times, options
        ctx.save_for_backward(*inputs)
        return path.values.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        parameters = ctx.saved_tensors[1:]
        start, found = backwards(ctx.field, ctx.path.steps, ctx.times, gradients[0], parameters, ctx.options)
        return None, None, None, None, start, *found


def backwards(
    field: Field, steps: Steps, times: Tensor, gradient: Tensor, parameters: Sequence[Tensor], options: dict[str, Any]
) -> tuple[Tensor, list[Tensor]]:
    """∂L/∂y0 (samples, components) and ∂L/∂θ from ∂L/∂values (samples, times, components)."""
    method = method_named(options["method"])
    size = gradient.abs().max().clamp(min=1e-300)  # the adjoint is linear: its tolerance is relative to this
    a = gradient[:, -1] / size
    found = [torch.zeros_like(p) for p in parameters]
    for j in range(times.shape[1] - 1, 0, -1):
        late, early = times[:, j], times[:, j - 1]
        if bool((late > early).any()):
            def rate(tau: Tensor, state: Tensor, late: Tensor = late) -> Tensor:
                y = steps.states(method, field, (late - tau)[:, None])[:, 0]
                return _pulled(field, late - tau, y, state)

            spans = torch.stack([torch.zeros_like(late), late - early], 1)
            path = solve_ode(Whole(rate), a, spans, **(options | {"method": BACK}), keep_steps=True)
            a = path.values[:, 1]
            assert path.steps is not None
            _integrate(field, steps, path.steps, late, parameters, found, options["method"])
        a = a + gradient[:, j - 1] / size
    return a * size, [p * size for p in found]


def _pulled(field: Field, t: Tensor, y: Tensor, a: Tensor) -> Tensor:
    """(∂f/∂y)ᵀ a."""
    with torch.enable_grad():
        y = y.detach().requires_grad_()
        value = field.joined(field(t, field.split(y)))
        (found,) = torch.autograd.grad(value, y, a, allow_unused=True)
    return torch.zeros_like(y) if found is None else found


def _integrate(
    field: Field, forward: Steps, back: Steps, late: Tensor, parameters: Sequence[Tensor], found: list[Tensor],
    name: str,
) -> None:  # fmt: skip
    """Add ∫ aᵀ ∂f/∂θ over the steps of a to `found`."""
    wanted = [i for i, p in enumerate(parameters) if p.requires_grad]
    if not wanted:
        return
    method, there = method_named(name), back.there()
    way = method_named(BACK)
    places = torch.cat([back.t + c * back.h for c in PLACES]).T.contiguous()
    shares = torch.cat([w * back.h * there for w in SHARES]).T
    places = torch.minimum(places, (back.t + back.h).max(0).values[:, None])
    costate = back.states(way, Whole(lambda t, y: y), places)  # whose dense output needs no field
    at = late[:, None] - places
    states = forward.states(method, field, at)
    rows = torch.arange(len(late), device=late.device)[:, None].expand_as(at).reshape(-1)
    with torch.enable_grad():
        part = field.rows(rows)
        value = part.joined(part(at.reshape(-1), part.split(states.flatten(0, 1))))
        weights = (shares[:, :, None] * costate).flatten(0, 1)
        gradients = torch.autograd.grad(value, [parameters[i] for i in wanted], weights, allow_unused=True)
    for i, g in zip(wanted, gradients, strict=True):
        if g is not None:
            found[i] += g
