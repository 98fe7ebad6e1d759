"""The networks, and the field that they are."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from sciml.numerics.ode import State

from .setting import Setting


class Perceptron(nn.Sequential):
    """(samples, inputs) -> (samples, outputs), tanh in between, float64."""

    def __init__(self, inputs: int, outputs: int, width: int, layers: int) -> None:
        sizes = [inputs, *[width] * layers]
        parts: list[nn.Module] = []
        for a, b in pairwise(sizes):
            parts += [nn.Linear(a, b, dtype=torch.float64), nn.Tanh()]
        super().__init__(*parts, nn.Linear(sizes[-1], outputs, dtype=torch.float64))


def inputs_of(setting: Setting) -> int:
    return len(setting.fields) + setting.timed + len(setting.parameters)


class Chart(nn.Module):
    """A matrix and a perceptron of one hidden layer; at first as much of the identity as fits."""

    def __init__(self, inputs: int, outputs: int, width: int) -> None:
        super().__init__()
        self.linear = nn.Parameter(torch.eye(outputs, inputs, dtype=torch.float64))
        self.curved = Perceptron(inputs, outputs, width, 1)
        for parameter in self.curved[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x @ self.linear.T + self.curved(x)
        return found


class Dynamics(nn.Module):
    """field: the vector field of z, which is the scaled state itself, or what an encoder makes of it and a decoder
    turns back."""

    def __init__(self, setting: Setting, width: int, layers: int, latent: int) -> None:
        super().__init__()
        self.setting, self.latent = setting, latent
        count, more = len(setting.fields), inputs_of(setting) - len(setting.fields)
        moved = latent or count
        self.field = Perceptron(moved + more, moved, width, layers)
        if latent:
            self.encoder, self.decoder = Chart(count, latent, width), Chart(latent, count, width)

    def start(self, y: Tensor) -> Tensor:
        """(samples, fields) -> (samples, moved)."""
        found: Tensor = self.encoder(y) if self.latent else y
        return found

    def read(self, z: Tensor) -> Tensor:
        """(…, moved) -> (…, fields)."""
        found: Tensor = self.decoder(z) if self.latent else z
        return found

    def moving(self, told: Tensor) -> NetworkField:
        return NetworkField(self.field, self.setting, told)


class NetworkField:
    """dz/dt of the scaled state (samples, fields); told: (samples, parameters)."""

    def __init__(self, network: nn.Module, setting: Setting, told: Tensor) -> None:
        self.network, self.setting, self.told = network, setting, told
        self.speeds, self.ceilings = (torch.tensor(n, dtype=torch.float64) for n in (setting.speeds, setting.ceilings))

    def __call__(self, t: Tensor, y: State) -> State:
        return (self.rate(t, y[0]),)

    def rate(self, t: Tensor, z: Tensor) -> Tensor:
        parts = [z]
        if self.setting.timed:
            parts.append((t / self.setting.span)[:, None])
        if self.setting.parameters:
            parts.append(self.told)
        found: Tensor = self.network(torch.cat(parts, 1) if len(parts) > 1 else z)
        if len(self.speeds):
            return self.speeds * torch.sinh(self.ceilings * torch.tanh(found / self.ceilings))
        return self.setting.rate * found

    def split(self, y: Tensor) -> State:
        return (y,)

    def joined(self, y: State) -> Tensor:
        return y[0]

    def rows(self, rows: Tensor) -> NetworkField:
        return NetworkField(self.network, self.setting, self.told[rows])
