"""Series whose state jumps between two outputs (scaling=asinh): where, and what the field is asked to do there.

No output tells what happens in a jump. Rates are asked to be those of a relaxation to the next output along the chord,
than which nothing that gets there is less stiff; and the field, solved over the interval, to meet the next output.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .network import Dynamics
from .rates import rates_of

SUDDEN = 3.0  # times as far as in the intervals beside it
RELAXATION = 5.0  # over an interval: e^-5 of a jump is left at its end
STEPS = 12  # of the classical Runge–Kutta method over an interval with a jump
CLOSE = 0.01  # errors of the scaled state beyond it count by their logarithm


class Jumps:
    """where: (jumps, 2), member and output before each. values, rates: (members, times, fields), scaled; rates at
    outputs before jumps become the relaxation's. told: (members, parameters)."""

    def __init__(self, values: Tensor, rates: Tensor, times: Tensor, told: Tensor) -> None:
        self.values, self.rates, self.times, self.told = values, rates, times, told
        self.gap = float(times[1] - times[0])
        self.where = jumps_of(values).nonzero()
        if len(self.where):
            member, index = self.where.T
            rates[member, index] = self.on_the_way(member, index, torch.zeros(len(member), dtype=torch.float64))[1]

    def on_the_way(self, member: Tensor, index: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """States and rates (samples, fields) at a share (samples,) of the chord from an output to the next."""
        here, there = self.values[member, index], self.values[member, index + 1]
        state = here + share[:, None] * (there - here)
        return state, RELAXATION * (there - state) / self.gap + self.rates[member, index + 1]

    def across(self, network: Dynamics, chosen: Tensor) -> Tensor:
        """What jumps (samples, 2) miss of the next output, over an interval of few steps of fixed size: where they are
        too few for the field, it is a field that is too dear."""
        member, index = chosen.T
        field, h = network.moving(self.told[member]), self.gap / STEPS
        t, y = self.times[index], self.values[member, index]
        for _ in range(STEPS):
            t, y = t + h, classical_step(field.rate, t, y, h)
        return compressed(y - self.values[member, index + 1])


def compressed(missed: Tensor) -> Tensor:
    found: Tensor = (torch.asinh(missed / CLOSE) ** 2).mean()
    return found


def jumps_of(values: Tensor) -> Tensor:
    """(members, intervals): where the state moves three times as far as in the interval before and in the one after."""
    moves = values.diff(dim=1).norm(dim=2)
    far = moves.new_zeros((len(moves), 1))
    before, after = torch.cat([far, moves[:, :-1]], 1), torch.cat([moves[:, 1:], far], 1)
    found: Tensor = moves > SUDDEN * torch.maximum(before, after)
    return found


def rates_with_jumps(values: Tensor, times: Tensor) -> Tensor:
    """dz/dt: the fourth order where it agrees with the second to a fifth, the second where differences to both sides
    agree to a half; else the difference to the next output, since that is where the state goes. Agreement is of whole
    vectors."""
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


def classical_step(rate: Callable[[Tensor, Tensor], Tensor], t: Tensor, y: Tensor, h: float) -> Tensor:
    """Of the Runge–Kutta method of order 4."""
    one = rate(t, y)
    two = rate(t + h / 2, y + h / 2 * one)
    three = rate(t + h / 2, y + h / 2 * two)
    return y + h / 6 * (one + 2 * (two + three) + rate(t + h, y + h * three))
