"""What makes a field cheap to solve, added to the loss.

Local (Pal, Edelman & Rackauckas 2023): the path is solved as usual; at one time t1 its state, taken as a constant,
begins one step of Tsit5 of the size the solver would begin with, and its error (or stiffness) is differentiated:

    error: h · rms(h Σ b~_i k_i / (tol + tol·max|u|)),   stiffness: ‖k7 - k6‖ / ‖g7 - g6‖ / 3.5068.

t1 is uniform over the window (unbiased), or uniform over the times at which steps began (biased). Global (Pal, Ma, Shah
& Rackauckas 2021): the same, summed over all accepted steps, h being the step's.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sciml.numerics.ode import Field, Tolerance
from sciml.numerics.ode.control import first_step
from sciml.numerics.ode.explicit import Tsit5
from sciml.numerics.ode.solve import Path, method_named


def begins(path: Path, field: Field, times: Tensor, method: str, at: str, place: Tensor) -> tuple[Tensor, Tensor]:
    """t1 (samples,) and the state there, constants. place: (samples,) uniform in [0, 1). times: (samples, times)."""
    steps = path.steps
    assert steps is not None
    if at == "accepted":
        chosen = (place * steps.count).long()
        rows = torch.arange(len(place))
        return steps.t[chosen, rows], field.joined(tuple(leaf[chosen, rows] for leaf in steps.y))
    with torch.no_grad():
        t = times[:, 0] + place * (times[:, -1] - times[:, 0])
        return t, steps.states(method_named(method), field, t[:, None])[:, 0]


def of_one_step(field: Field, t: Tensor, y: Tensor, until: Tensor, tolerance: float, what: str) -> Tensor:
    """Scalar: the mean over samples of a step's error or stiffness. t, until: (samples,); y: (samples, components)."""
    method, limits = Tsit5(), Tolerance(tolerance, tolerance)
    state = field.split(y)
    rate = field(t, state)
    with torch.no_grad():
        h = first_step(field, t, state, tuple(r.detach() for r in rate), method, limits, until - t)
    there = h > 1e-12 * until.abs().clamp(min=1e-300)
    h = torch.where(there, h, 1.0)
    step = method.step(field, t, h, state, rate, limits)
    found = h * step.error if what == "error" else method.stiffness(state, h, step.kept) / h
    return torch.where(there, found, 0.0).mean()
