"""What series of outputs say about rates: differences, and local polynomials where the data are noisy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.signal import savgol_filter
from torch import Tensor

DEGREE = 4  # of the local polynomials
SUDDEN = 3.0
RELAXATION = 5.0  # over an interval: e^-5 of a jump is left at its end


def rates_of(values: Tensor, times: Tensor) -> Tensor:
    """dz/dt (members, times, fields) by central differences of fourth order inside, of second at the ends of a series;
    output times are equally far apart."""
    gap = float(times[1] - times[0])
    (rates,) = torch.gradient(values, spacing=gap, dim=1, edge_order=2 if values.shape[1] > 2 else 1)
    if values.shape[1] >= 5:
        near, far = values[:, 3:-1] - values[:, 1:-3], values[:, 4:] - values[:, :-4]
        rates[:, 2:-2] = (8 * near - far) / (12 * gap)
    return rates


def rates_with_jumps(values: Tensor, times: Tensor) -> Tensor:
    """The same where outputs may lie before and after a jump: the fourth order where it agrees with the second to a
    fifth, the second where differences to both sides agree to a half; else the difference to the next output, since
    that is where the state goes. Agreement is of whole vectors."""
    fourth = rates_of(values, times)
    forward = values.diff(dim=1) / float(times[1] - times[0])
    found = torch.cat([forward, fourth[:, -1:]], 1)
    ahead, behind = forward[:, 1:], forward[:, :-1]
    second = 0.5 * (ahead + behind)
    smooth = (ahead - behind).norm(dim=2) < 0.5 * torch.maximum(ahead.norm(dim=2), behind.norm(dim=2))
    found[:, 1:-1] = torch.where(smooth[:, :, None], second, ahead)
    inner = fourth[:, 1:-1]
    agreed = smooth & ((inner - second).norm(dim=2) < 0.2 * second.norm(dim=2))
    agreed[:, [0, -1]] = False  # there `fourth` is of second order to one side
    found[:, 1:-1] = torch.where(agreed[:, :, None], inner, found[:, 1:-1])
    return found


def jumps_of(values: Tensor) -> Tensor:
    """(members, intervals): where the state moves three times as far as in the interval before and in the one after."""
    moves = values.diff(dim=1).norm(dim=2)
    far = moves.new_zeros((len(moves), 1))
    before, after = torch.cat([far, moves[:, :-1]], 1), torch.cat([moves[:, 1:], far], 1)
    return moves > SUDDEN * torch.maximum(before, after)


def on_the_way(here: Tensor, there: Tensor, arriving: Tensor, gap: float, share: Tensor) -> tuple[Tensor, Tensor]:
    """States (samples, fields) at a share (samples,) of the chord from one output to the next, and the rate there of a
    relaxation to the next one: what happens in a jump no output tells, and nothing that gets there is less stiff."""
    state = here + share[:, None] * (there - here)
    return state, RELAXATION * (there - state) / gap + arriving


def classical_step(rate: Callable[[Tensor, Tensor], Tensor], t: Tensor, y: Tensor, h: float) -> Tensor:
    """Of the Runge–Kutta method of order 4."""
    one = rate(t, y)
    two = rate(t + h / 2, y + h / 2 * one)
    three = rate(t + h / 2, y + h / 2 * two)
    return y + h / 6 * (one + 2 * (two + three) + rate(t + h, y + h * three))


def smoothed(values: Tensor, times: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Values and rates (members, times, fields) of the polynomial of degree 4 through each output and `side` to both
    sides of it, by least squares (Savitzky & Golay 1964)."""
    gap = float(times[1] - times[0])
    fitted = [
        savgol_filter(values.numpy(), 2 * side + 1, DEGREE, deriv=order, delta=gap, axis=1) for order in (0, 1)
    ]
    return torch.from_numpy(np.ascontiguousarray(fitted[0])), torch.from_numpy(np.ascontiguousarray(fitted[1]))
