"""Windows of trajectories, and the loss: what the network's path misses of them, and its regularisation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.func import jvp

from sciml.dataset import Dataset
from sciml.learning.solver import Task
from sciml.numerics.ode.gradients import solve_measured, solve_with_gradients
from sciml.run import Run

from .jumps import Jumps, compressed, rates_with_jumps
from .network import Dynamics, NetworkField
from .rates import rates_of, smoothed
from .regularising import begins, of_one_step
from .setting import setting_of, together
from .validation import MOST, Pieces

if TYPE_CHECKING:
    from .solver import NeuralOde


class Windows(Task):
    """From `horizon` + 1 outputs in a row of any member."""

    network: Dynamics

    def __init__(self, solver: NeuralOde, train: Dataset, valid: Dataset, run: Run) -> None:
        self.solver = solver
        stride = solver.stride
        self.setting = setting_of(train, solver.horizon * stride, solver.scaling)
        setting_of(valid, solver.horizon)
        self.times = torch.from_numpy(train.times)[::stride]
        self.values, self.rates = self._seen(self.setting.scaled(together(train))[:, ::stride])
        self.told = self.setting.told(train.problems)
        self.jumps = Jumps(self.values, self.rates, self.times, self.told) if solver.scaling == "asinh" else None
        self.pieces = Pieces(solver, self.setting, valid)
        self.last: Dynamics | None = None
        self.network = Dynamics(self.setting, solver.width, solver.layers, solver.latent)

    def _seen(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Values, and rates estimated from them, (members, times, fields)."""
        if self.solver.smooth:
            return smoothed(values, self.times, self.solver.smooth)
        jumping = self.solver.scaling == "asinh"
        return values, (rates_with_jumps if jumping else rates_of)(values, self.times)

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Tensor]:
        members, times = self.values.shape[:2]
        found = {
            "member": torch.from_numpy(rng.integers(members, size=size)),
            "first": torch.from_numpy(rng.integers(times - self.solver.horizon, size=size)),
            "place": torch.from_numpy(rng.random(size)),
            "shift": torch.from_numpy(rng.uniform(-1, 1, size)),
        }
        if self.jumps is not None and len(self.jumps.where):
            chosen = self.jumps.where[torch.from_numpy(rng.integers(len(self.jumps.where), size=size))]
            before = torch.from_numpy(rng.integers(self.solver.horizon, size=size))
            replaced = torch.from_numpy(rng.random(size)) < self.solver.sudden
            first = (chosen[:, 1] - before).clamp(0, times - self.solver.horizon - 1)
            found["member"] = torch.where(replaced, chosen[:, 0], found["member"])
            found["first"] = torch.where(replaced, first, found["first"])
            found |= {"jump": chosen, "share": torch.from_numpy(rng.random(size))}
        return found

    def loss(self, batch: Mapping[str, Tensor]) -> Tensor:
        if self.progress < self.solver.warm:
            return self._matched(batch)
        member, first = batch["member"], batch["first"]
        index = first[:, None] + torch.arange(self.solver.horizon + 1)
        data, times = self.values[member[:, None], index], self.times[index]
        field = self.network.moving(self.told[member])
        values, extra = self._solved(field, self.network.start(data[:, 0]), times, batch)
        missed = self.network.read(values) - data
        if self.solver.scaling == "asinh":
            found: Tensor = self._matched(batch) + compressed(missed) + self._weight() * extra
        else:
            found = (missed**2).mean() + self._weight() * extra
        return found

    def _matched(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Of single outputs: what the field, as the decoder turns it back, misses of the estimated rates. With a chart
        also what the decoder misses of the state, and the field of the moving encoded state, relative to its own size:
        otherwise a small chart would have small errors."""
        index = batch["first"][:, None] + torch.arange(self.solver.horizon + 1)
        member = batch["member"][:, None].expand_as(index).flatten().clone()
        y, rate = (part[member, index.reshape(-1)] for part in (self.values, self.rates))
        if self.jumps is not None and "jump" in batch:
            last = slice(self.solver.horizon, None, self.solver.horizon + 1)
            member[last], index[:, -1] = batch["jump"].T
            y[last], rate[last] = self.jumps.on_the_way(member[last], index[:, -1], batch["share"])
        t, field = self.times[index.reshape(-1)], self.network.moving(self.told[member])
        z, extra = y, y.new_zeros(())
        if self.network.latent:
            z, moving = jvp(self.network.start, (y,), (rate,))[:2]
            found = field.rate(t, z)
            back, turned = jvp(self.network.read, (z,), (found,))[:2]
            extra = ((found - moving) ** 2).mean() / (moving**2).mean() + ((back - y) ** 2).mean()
        else:
            turned = field.rate(t, z)
        missed: Tensor = ((self._sized(turned) - self._sized(rate)) ** 2).mean() + extra
        if self.jumps is not None and "jump" in batch:
            missed = missed + self.jumps.across(self.network, batch["jump"])
        kind, _, what = self.solver.regularisation.partition("-")
        if kind != "local":
            return missed
        jumping = "jump" in batch and self.solver.at == "accepted"  # where most steps begin, and no output lies
        some = slice(self.solver.horizon if jumping else 0, None, self.solver.horizon + 1)  # a step for each window
        field = self.network.moving(self.told[member[some]])
        until = t[some] + self.solver.horizon * (self.times[1] - self.times[0])
        extra = of_one_step(field, t[some], z[some].detach(), until, self.solver.tolerance, what)
        return missed + self._weight() * extra

    def _sized(self, rate: Tensor) -> Tensor:
        """In units in which rates are compared."""
        if self.setting.speeds:
            return torch.asinh(rate / torch.tensor(self.setting.speeds, dtype=torch.float64))
        return rate / self.setting.rate

    def _solved(
        self, field: NetworkField, y0: Tensor, times: Tensor, batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Any]:
        """Values (samples, times, fields) and the regularisation."""
        solver = self.solver
        kind, _, what = solver.regularisation.partition("-")
        options: dict[str, Any] = {
            "method": solver.method, "relative": solver.tolerance, "absolute": solver.tolerance, "most": MOST
        }  # fmt: skip
        if kind == "global":
            values, errors, stiffness, _ = solve_measured(field, y0, times, **options)
            return values, (errors if what == "error" else stiffness).sum(0).mean()
        if kind == "steer":
            gap = times[:, -1] - times[:, -2]
            times = torch.cat([times[:, :-1], (times[:, -1] + solver.steer_width * gap * batch["shift"])[:, None]], 1)
        values, path = solve_with_gradients(
            field, y0, times, gradients=solver.gradients, parameters=list(self.network.field.parameters()), **options
        )
        if kind != "local":
            return values, 0.0
        t, state = begins(path, field, times, solver.method, solver.at, batch["place"])
        return values, of_one_step(field, t, state, times[:, -1], solver.tolerance, what)

    def _weight(self) -> float:
        """Exponential from `weight` to `final_weight`; linear where one is 0."""
        start, end = self.solver.weight, self.solver.final_weight
        if not start or not end:
            return start + (end - start) * self.progress
        return float(start * (end / start) ** self.progress)

    @torch.no_grad()
    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Relative L2 error of members (or pieces) from their first outputs, and evaluations of the field."""
        assert isinstance(network, Dynamics)
        self.last = network
        return self.pieces.missed(network, self.solver.tolerance)

    @torch.no_grad()
    def extra(self) -> dict[str, Any]:
        return replace(self.setting, tolerance=self.pieces.tolerance(self.last or self.network)).describe()
