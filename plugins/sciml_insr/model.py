"""What does not change during a march: network, points, right-hand side, conditions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sciml.problem import Problem

from .network import Network, Wanted
from .rates import Pointwise
from .samples import Samples
from .series import Index

SHARE = 0.1  # of the largest value given: the root mean square may well be that small
TINY = 1e-12


class Model:
    """`wanted`: the derivatives of the network to compute, the fields themselves first; `further` ones may be asked
    for, which the equation does not need."""

    def __init__(self, problem: Problem, network: Network, samples: Samples, further: Wanted = ()) -> None:
        form = problem.equation.localised
        axes, names = problem.equation.axes, problem.equation.fields
        self.problem, self.network, self.samples = problem, network, samples
        self.fields = len(names)
        self.rates = Pointwise(form, axes, form.rates)
        self.sources = Pointwise(form, axes, form.sources)
        zero: Index = (0,) * len(axes)
        own = [(names.index(name), index) for name, index in self.rates.atoms if name in names]
        self.wanted = list(dict.fromkeys([*((i, zero) for i in range(self.fields)), *own, *further]))
        # where atom i of the equation is found: among the network's derivatives, or the auxiliary fields'
        self.own = [self.wanted.index((names.index(n), k)) if n in names else -1 for n, k in self.rates.atoms]
        auxiliary = list(form.sources)
        self.scale = self._scale()
        self.nonlocal_atoms = [
            (i, auxiliary.index(name), index) for i, (name, index) in enumerate(self.rates.atoms) if name not in names
        ]

    def atoms(self, derivatives: list[Tensor] | Tensor) -> list[Tensor]:
        """One entry for every atom of the equation, from the network's derivatives; auxiliary atoms, which come from
        elsewhere, hold the first one's place."""
        return [derivatives[max(i, 0)] for i in self.own]

    def conditions(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted values (n,) and slopes (n, P) of everything conditions ask for."""
        values, slopes = [], []
        for face in self.samples.faces:
            weight = face.sign * self.samples.face_weight(face)
            value, slope = self.network.jacobian(theta, face.points, [(face.output, face.index)])
            values.append(weight * value[0])
            slopes.append(weight * slope[0])
        if not values:
            return torch.zeros(0, dtype=torch.float64), torch.zeros(0, self.network.count, dtype=torch.float64)
        return torch.cat(values), torch.cat(slopes)

    def condition_values(self, theta: Tensor) -> Tensor:
        """As `conditions`, without slopes; differentiable."""
        values = [
            face.sign * self.samples.face_weight(face)
            * self.network.values(theta, face.points, [(face.output, face.index)])[0]
            for face in self.samples.faces
        ]  # fmt: skip
        return torch.cat(values) if values else theta.new_zeros(0)

    def face_data(self, t: float) -> Tensor:
        """Weighted data. (n,)"""
        values = [self.samples.face_weight(f) * f.data(self.problem, t) for f in self.samples.faces]
        return torch.cat(values) if values else torch.zeros(0, dtype=torch.float64)

    def size(self, values: Tensor) -> float:
        """Norm to which errors on the collocation points are relative."""
        return max(float(values.norm()), self.scale * math.sqrt(values.numel()))

    def _scale(self) -> float:
        """What is known of the solution's magnitude before it is: of the data, and of what F(0) makes in an output
        interval. Without it, a solution that grows from nothing would be asked for to digits it does not have yet."""
        points, times = self.samples.points, self.problem.grid.times
        nothing = points.new_zeros(len(self.rates.atoms), points.shape[1])
        forced = self.rates(nothing, points, float(times[0])).nan_to_num(0.0, 0.0, 0.0)
        driven = float(forced.square().mean().sqrt()) * float(times[1] - times[0])
        return max(SHARE * self.problem.given_size(), SHARE * driven, TINY)
