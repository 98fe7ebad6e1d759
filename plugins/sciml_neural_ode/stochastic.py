"""Stochastic families: drift and diffusion by two networks, dz = f dt + g dW (Ito, each field with its own dW).

Trained on single paths: from an output of a path, K simulated ones give mean m and variance s² at the next ones; the
loss is the Gaussian quasi-likelihood of what the data did there, ½(z - m)²/s² + ½ log s². The first part of a training
(`warm`) takes m and s² from one step instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from sciml.dataset import Dataset
from sciml.learning.model import Model
from sciml.learning.solver import Task
from sciml.numerics.ode.method import Tolerance
from sciml.numerics.ode.sde import SdePath, scheme_named, solve_sde, solve_sde_with_gradients
from sciml.numerics.ode.sri import size, step
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .network import NetworkField, Perceptron, inputs_of
from .prediction import checked
from .setting import Setting, setting_of, together

if TYPE_CHECKING:
    from .solver import NeuralOde

METHOD = "sosri"
LEAST = 1e-3  # variance, in units of what the data do in a window


class Pair(nn.Module):
    """drift and diffusion, the latter positive at the start by its bias."""

    def __init__(self, setting: Setting, width: int, layers: int) -> None:
        super().__init__()
        self.setting = setting
        count = len(setting.fields)
        self.drift = Perceptron(inputs_of(setting), count, width, layers)
        self.diffusion = Perceptron(inputs_of(setting), count, width, layers)

    def functions(self, told: Tensor) -> tuple[Any, Any]:
        """f and g of the scaled state; g in units of √rate."""
        f, g = (NetworkField(part, self.setting, told) for part in (self.drift, self.diffusion))
        return f.rate, lambda t, z: g.rate(t, z) / self.setting.rate**0.5


def drift_setting(data: Dataset, horizon: int) -> Setting:
    """As of an ordinary equation, but `rate` from whole members: over one interval noise is faster than drift."""
    from dataclasses import replace

    setting = setting_of(data, horizon)
    values = together(data)
    change = (values[:, -1] - values[:, 0]) / np.array(setting.spread)
    return replace(setting, rate=float(np.sqrt((change**2).mean()) / setting.span))


class Paths(Task):
    """From `horizon` + 1 outputs in a row of any path."""

    network: Pair

    def __init__(self, solver: NeuralOde, train: Dataset, valid: Dataset, run: Run) -> None:
        self.solver, self.setting = solver, drift_setting(train, solver.horizon)
        self.values, self.checked = self.setting.scaled(together(train)), self.setting.scaled(together(valid))
        self.times = torch.from_numpy(train.times)
        self.told, self.valid_told = self.setting.told(train.problems), self.setting.told(valid.problems)
        self.network = Pair(self.setting, solver.width, solver.layers)
        h = solver.horizon
        self.variance = float(((self.values[:, h:] - self.values[:, :-h]) ** 2).mean())

    def batch(self, rng: np.random.Generator, size: int) -> Mapping[str, Tensor]:
        members, times = self.values.shape[:2]
        first = int(rng.integers(times - self.solver.horizon))  # one for all: paths share their output times
        return {
            "member": torch.from_numpy(rng.integers(members, size=size)), "first": torch.full((size,), first),
            "path": torch.from_numpy(rng.integers(2**62, size=size)), "place": torch.from_numpy(rng.random(size)),
        }  # fmt: skip

    def loss(self, batch: Mapping[str, Tensor]) -> Tensor:
        index = batch["first"][:, None] + torch.arange(self.solver.horizon + 1)
        data = self.values[batch["member"][:, None], index]
        told, place = self.told[batch["member"]], batch["place"]
        if self.progress < self.solver.warm:
            return self._matched(data, self.times[index], told)
        return self._loss(self.network, data, self.times[index[0]], told, batch["path"], place)

    def _matched(self, data: Tensor, times: Tensor, told: Tensor) -> Tensor:
        """The quasi-likelihood of every interval by one step without simulation: Heun's for the drift, Euler's for the
        noise."""
        each = told.repeat_interleave(self.solver.horizon, 0)
        now, after, t = data[:, :-1].flatten(0, 1), data[:, 1:].flatten(0, 1), times[:, :-1].flatten()
        h = times.diff(dim=1).flatten()[:, None]
        drift, diffusion = self.network.functions(each)
        first = drift(t, now)
        mean = now + h / 2 * (first + drift(t + h[:, 0], now + h * first))
        variance = h * diffusion(t, now) ** 2 + LEAST * self.variance / self.solver.horizon
        loss: Tensor = 0.5 * ((after - mean) ** 2 / variance + torch.log(variance)).mean()
        return loss

    def _loss(
        self, network: Any, data: Tensor, times: Tensor, told: Tensor, keys: Tensor, place: Tensor | None
    ) -> Tensor:
        """data: (samples, horizon + 1, fields)."""
        solver, many = self.solver, self.solver.training_paths
        each = told.repeat_interleave(many, 0)
        drift, diffusion = network.functions(each)
        labels = (keys[:, None] + torch.arange(many)).reshape(-1)
        values, path = solve_sde_with_gradients(
            drift, diffusion, data[:, 0].repeat_interleave(many, 0), times, labels=labels,
            relative=solver.sde_tolerance, absolute=solver.sde_tolerance,
        )  # fmt: skip
        found = values[:, 1:].reshape(len(data), many, *data[:, 1:].shape[1:])
        mean, variance = found.mean(1), found.var(1) + LEAST * self.variance
        loss: Tensor = 0.5 * ((data[:, 1:] - mean) ** 2 / variance + torch.log(variance)).mean()
        if place is not None and solver.regularisation == "local-error":
            weight = solver.weight + (solver.final_weight - solver.weight) * self.progress
            loss = loss + weight * self._one_step(drift, diffusion, path, place.repeat_interleave(many))
        return loss

    def _one_step(self, drift: Any, diffusion: Any, path: SdePath, place: Tensor) -> Tensor:
        """h times the error of one step that begins where an accepted one did, uniformly over output intervals and
        then over the interval's steps; its increments are the path's, its start a constant."""
        total = place.new_zeros(())
        rows = torch.arange(len(place))
        for steps in path.steps:
            s = (place * steps.count).long()
            t, h, y = steps.t[s, rows], steps.h[s, rows], steps.y[0][s, rows]
            (dw,), (dz,) = (tuple(leaf[s, rows] for leaf in stage) for stage in steps.kept)
            end, error = step(scheme_named(METHOD), drift, diffusion, t, h, y, dw, dz)
            limits = Tolerance(self.solver.sde_tolerance, self.solver.sde_tolerance)
            total = total + (h * size(error, y, end, limits)).mean() / len(path.steps)
        return total

    @torch.no_grad()
    def validate(self, network: nn.Module) -> dict[str, float]:
        """The quasi-likelihood of validation paths, at fixed starts and noise."""
        horizon = self.solver.horizon
        data = self.checked[:, : horizon + 1]
        keys = torch.arange(len(data)) * self.solver.training_paths
        return {"likelihood": float(self._loss(network, data, self.times[: horizon + 1], self.valid_told, keys, None))}

    def extra(self) -> dict[str, Any]:
        return self.setting.describe()


def predict(solver: NeuralOde, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
    """Mean and standard deviation over paths."""
    setting = checked(problems, model)
    network = Pair(setting, solver.width, solver.layers)
    model.fill(network)
    found = []
    for index, problem in enumerate(problems):
        told = setting.told([problem]).expand(solver.paths, -1)
        start = setting.scaled(problem.initial()).expand(solver.paths, -1).contiguous()
        drift, diffusion = network.functions(told)
        path = solve_sde(
            drift, diffusion, start, torch.from_numpy(problem.grid.times), seed=run.seed, relative=solver.sde_tolerance,
            absolute=solver.sde_tolerance, progress=lambda share, i=index: run.step((i + share) / len(problems)),  # type: ignore[misc]
        )  # fmt: skip
        values = setting.unscaled(path.values)
        mean, std = values.mean(0), values.std(0, ddof=1)
        found.append(Solution(
            {name: mean[:, j].copy() for j, name in enumerate(setting.fields)},
            std={name: std[:, j].copy() for j, name in enumerate(setting.fields)},
            cost={"rhs_evaluations": float(path.evaluations.double().mean()), "paths": float(solver.paths)},
        ))  # fmt: skip
    return found
