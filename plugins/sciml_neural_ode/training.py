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
from sciml.errors import RunFailed, UsageError
from sciml.learning.solver import Task
from sciml.numerics.ode import solve_ode
from sciml.numerics.ode.gradients import solve_measured, solve_with_gradients
from sciml.run import Run

from .network import Dynamics, NetworkField
from .rates import classical_step, jumps_of, on_the_way, rates_of, rates_with_jumps, smoothed
from .regularising import begins, of_one_step
from .setting import setting_of, together

if TYPE_CHECKING:
    from .solver import NeuralOde

LOOSER = [10 ** (i / 4) for i in range(1, 25)]  # tolerances for prediction, over that of training
CLOSE = 0.01  # of scaling=asinh: errors of the scaled state beyond it count by their logarithm
LOOSEST, LOSS = 0.03, 1.01
STEPS = 6  # of the classical Runge–Kutta method over an interval with a jump
MOST = 3000  # steps of a training window: beyond, the field has become too stiff to be worth solving


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
        self.jumps = jumps_of(self.values).nonzero() if solver.scaling == "asinh" else torch.zeros(0, 2)
        if len(self.jumps):
            member, index = self.jumps.T
            begins = torch.zeros(len(member), dtype=torch.float64)
            self.rates[member, index] = self._on_the_way(member, index, begins)[1]
        self.told = self.setting.told(train.problems)
        self.checked, self.valid_times, self.valid_told = self._pieces(valid)
        self.last: Dynamics | None = None
        self.network = Dynamics(self.setting, solver.width, solver.layers, solver.latent)

    def _seen(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Values, and rates estimated from them, (members, times, fields)."""
        if self.solver.smooth:
            return smoothed(values, self.times, self.solver.smooth)
        jumping = self.solver.scaling == "asinh"
        return values, (rates_with_jumps if jumping else rates_of)(values, self.times)

    def _pieces(self, valid: Dataset) -> tuple[Tensor, Tensor, Tensor]:
        """Validation members, or pieces of them: values (pieces, times, fields), times (pieces, times), parameters. The
        piece begins where smoothing says that the noisy series is."""
        values, told = self.setting.scaled(together(valid)), self.setting.told(valid.problems)
        times = torch.from_numpy(valid.times)
        length = self.solver.piece or len(times)
        if length > len(times):
            raise UsageError(f"neural-ode: validation series of {len(times)} outputs hold no piece of {length}.")
        starts = smoothed(values, times, self.solver.smooth)[0] if self.solver.smooth else values
        each = len(times) // length
        cut = values[:, : each * length].reshape(-1, length, values.shape[2]).clone()
        cut[:, 0] = starts[:, : each * length : length].reshape(-1, values.shape[2])
        return cut, times[: each * length].reshape(each, length).repeat(len(values), 1), told.repeat_interleave(each, 0)

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Tensor]:
        members, times = self.values.shape[:2]
        found = {
            "member": torch.from_numpy(rng.integers(members, size=size)),
            "first": torch.from_numpy(rng.integers(times - self.solver.horizon, size=size)),
            "place": torch.from_numpy(rng.random(size)),
            "shift": torch.from_numpy(rng.uniform(-1, 1, size)),
        }
        if len(self.jumps):
            chosen = self.jumps[torch.from_numpy(rng.integers(len(self.jumps), size=size))]
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
            return self._matched(batch) + (torch.asinh(missed / CLOSE) ** 2).mean() + self._weight() * extra
        found: Tensor = (missed**2).mean() + self._weight() * extra
        return found

    def _matched(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Of single outputs: what the field, as the decoder turns it back, misses of the estimated rates. With a chart
        also what the decoder misses of the state, and the field of the moving encoded state, relative to its own size:
        otherwise a small chart would have small errors."""
        index = batch["first"][:, None] + torch.arange(self.solver.horizon + 1)
        member = batch["member"][:, None].expand_as(index).flatten().clone()
        y, rate = (part[member, index.reshape(-1)] for part in (self.values, self.rates))
        if "jump" in batch:
            last = slice(self.solver.horizon, None, self.solver.horizon + 1)
            member[last], index[:, -1] = batch["jump"].T
            y[last], rate[last] = self._on_the_way(member[last], index[:, -1], batch["share"])
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
        if "jump" in batch and self.progress > self.solver.warm / 2:  # a rough field first: this is the dear part
            missed = missed + self._across(batch["jump"])
        kind, _, what = self.solver.regularisation.partition("-")
        if kind != "local":
            return missed
        some = slice(None, None, self.solver.horizon + 1)  # as many steps as there are windows
        field = self.network.moving(self.told[member[some]])
        until = t[some] + self.solver.horizon * (self.times[1] - self.times[0])
        extra = of_one_step(field, t[some], z[some].detach(), until, self.solver.tolerance, what)
        return missed + self._weight() * extra

    def _on_the_way(self, member: Tensor, index: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """States and rates (samples, fields) between outputs before jumps and the next ones."""
        here, there = self.values[member, index], self.values[member, index + 1]
        gap = float(self.times[1] - self.times[0])
        return on_the_way(here, there, self.rates[member, index + 1], gap, share)

    def _across(self, jumps: Tensor) -> Tensor:
        """What a jump misses of the next output, over an interval of few steps of fixed size: where they are too few
        for the field, it is a field that is too dear."""
        member, index = jumps.T
        field, h = self.network.moving(self.told[member]), float(self.times[1] - self.times[0]) / STEPS
        t, y = self.times[index], self.values[member, index]
        for _ in range(STEPS):
            t, y = t + h, classical_step(field.rate, t, y, h)
        found: Tensor = (torch.asinh((y - self.values[member, index + 1]) / CLOSE) ** 2).mean()
        return found

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
        return self._checked(network, self.solver.tolerance)

    def _checked(self, network: Dynamics, tolerance: float) -> dict[str, float]:
        field, start = network.moving(self.valid_told), network.start(self.checked[:, 0])
        try:
            path = solve_ode(
                field, start, self.valid_times, method=self.solver.method, relative=tolerance, absolute=tolerance,
                most=MOST,
            )  # fmt: skip
        except RunFailed:  # a field that is not trained yet may leave every bound
            return {"error of members": np.inf, "evaluations": np.inf}
        found, truth = self.setting.unscaled(network.read(path.values)), self.setting.unscaled(self.checked)
        missed, size = (np.linalg.norm(a.reshape(len(a), -1), axis=1) for a in (found - truth, truth))
        evaluations = float(path.evaluations.double().mean())
        return {"error of members": float((missed / size).mean()), "evaluations": evaluations}

    @torch.no_grad()
    def extra(self) -> dict[str, Any]:
        """With the tolerance for prediction: solving more exactly than the field is known is lost work."""
        network, chosen = self.last or self.network, self.solver.tolerance
        base = self._checked(network, chosen)["error of members"]
        for factor in LOOSER:
            tolerance = factor * self.solver.tolerance
            if tolerance > LOOSEST or not self._checked(network, tolerance)["error of members"] < LOSS * base:
                break
            chosen = tolerance
        return replace(self.setting, tolerance=chosen).describe()

