"""Step sizes: the first one, and what an error says about the next one."""

from __future__ import annotations

import torch
from torch import Tensor

from .method import Method, Tolerance
from .state import Field, State, moved, rms

SAFETY, SMALLEST, LARGEST = 0.9, 0.2, 10.0
PROPORTIONAL, INTEGRAL = 0.7, 0.4  # exponents 0.7/k of this error and 0.4/k of the last one
LEAST_ERROR = 1e-4  # a luckily small error says little about the next step
GRAIN = 1024.0
ULPS = 16 * 2.220446049250313e-16


def factor(error: Tensor, previous: Tensor, method: Method) -> Tensor:
    """Of a PI controller (Hairer & Wanner II, section IV.2): what the step size is multiplied by.

    Rounded to 1/1024: the last bits of exp and log differ with the place of a sample in its batch, step sizes then
    do not, and a batch's members move as each of them alone.
    """
    k = method.error_order
    error = torch.where(torch.isfinite(error), error, 1e10).clamp(min=1e-10)
    raw = SAFETY * torch.exp(torch.log(error) * (-PROPORTIONAL / k) + torch.log(previous) * (INTEGRAL / k))
    return torch.round(raw.clamp(SMALLEST, LARGEST) * GRAIN) / GRAIN


def first_step(
    field: Field, t: Tensor, y: State, rate: State, method: Method, tolerance: Tolerance, span: Tensor
) -> Tensor:
    """(samples,): Hairer, Nørsett & Wanner I, section II.4; one evaluation."""
    scale = tolerance.scale(y, y)
    size, speed = rms(y, scale), rms(rate, scale)
    h = torch.where((size < 1e-5) | (speed < 1e-5), 1e-6, 0.01 * size / speed)
    h = torch.minimum(h, span)
    later = field(t + h, moved(y, h, rate))
    bend = rms(tuple(a - b for a, b in zip(later, rate, strict=True)), scale) / h.clamp(min=1e-300)
    largest = torch.maximum(speed, bend)
    power = (0.01 / largest) ** (1 / (method.order + 1))
    better = torch.where(largest <= 1e-15, torch.clamp(1e-3 * h, min=1e-6), power)
    return rounded(torch.minimum(torch.minimum(100 * h, better), span))


def rounded(h: Tensor) -> Tensor:
    """To ten bits: see `factor`."""
    mantissa, exponent = torch.frexp(h)
    return torch.ldexp(torch.round(mantissa * GRAIN) / GRAIN, exponent)
