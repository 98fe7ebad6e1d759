"""Evolutions: a network that steps from one output time to the next, from one frame or from ten.

protocol=one-frame: w(t) to w(t + 1). protocol=ten-to-ten, of Li et al. (2021): ten frames to the next; the frames that
start it, 1 to 10, are given there, and are computed here by the solver that makes the family's data.
The network answers with the increment, in units of the increments' standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciml.dataset import Dataset
from sciml.dataset.making import makers
from sciml.errors import UsageError
from sciml.learning import Batch, Model, Task
from sciml.networks.places import places
from sciml.problem import Array, Grid, Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .losses import relative, square_of
from .operator_network import Operator, network_of
from .steady import TOGETHER

if TYPE_CHECKING:
    from .solver import Mgno

START = {"one-frame": (0, 1), "ten-to-ten": (1, 10)}  # first input frame, number of input frames


def frames_of(values: dict[str, Array], fields: Sequence[str]) -> Tensor:
    """(members, times, fields, *grid), float32."""
    return torch.as_tensor(np.stack([values[n] for n in fields], axis=2), dtype=torch.float32)


def operator_of(solver: Mgno, fields: int, frames: int, problem: Problem) -> Operator:
    """From a window of frames, and where its points are, to the increment."""
    inputs, where = fields * frames, places(problem)
    bare = network_of(solver, inputs + len(where), fields, problem.grid)
    return Operator(bare, inputs, fields, problem.grid, where)


def step(network: torch.nn.Module, window: Tensor) -> Tensor:
    """The frame after a window (batch, frames, fields, *grid): (batch, fields, *grid)."""
    increment: Tensor = network(window.flatten(1, 2))
    return window[:, -1] + increment


def rollout(network: torch.nn.Module, window: Tensor, steps: int) -> Tensor:
    """(batch, steps, fields, *grid), each frame from the ones before it."""
    found = []
    for _ in range(steps):
        new = step(network, window)
        found.append(new)
        window = torch.cat([window[:, 1:], new[:, None]], dim=1)
    return torch.stack(found, dim=1)


class EvolutionTask(Task):
    """Windows of training trajectories; `unroll` steps from each, the mean of their relative errors."""

    def __init__(self, solver: Mgno, train: Dataset, valid: Dataset, run: Run) -> None:
        problem = train.problems[0]
        self.fields, self.device, self.unroll = list(problem.equation.fields), run.device, solver.unroll
        self.first, self.frames = START[solver.protocol]
        self.data = frames_of(train.values, self.fields).to(run.device)
        self.valid = frames_of(valid.values, self.fields).to(run.device)
        self.spans = self.data.shape[1] - self.first - self.frames - self.unroll + 1
        if self.spans < 1 or self.valid.shape[1] < self.first + self.frames + 1:
            raise UsageError(f"mgno: {self.data.shape[1]} times are too few for protocol={solver.protocol}.")
        self.step = float(train.times[1] - train.times[0])
        self.square = square_of(solver.loss, problem.grid.axes)
        count = len(self.fields)
        self.network = operator_of(solver, count, self.frames, problem)
        each = [self.data[:, :, c] for c in range(count)]
        mean = torch.stack([f.mean() for f in each])[:, None, None]
        std = torch.stack([f.std() for f in each])[:, None, None]
        change = torch.stack([f.diff(dim=1).std() for f in each])[:, None, None]
        self.network.normalise(
            mean_in=mean.repeat(self.frames, 1, 1), std_in=std.repeat(self.frames, 1, 1), std_out=change,
            mean_out=torch.zeros_like(mean),
        )  # fmt: skip
        self.network.to(run.device)

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        members, starts = rng.integers(len(self.data), size=size), self.first + rng.integers(self.spans, size=size)
        length = self.frames + self.unroll
        windows = [self.data[m, s : s + length] for m, s in zip(members, starts, strict=True)]
        return {"frames": torch.stack(windows)}

    def loss(self, batch: Batch) -> Tensor:
        frames = batch["frames"]
        found = rollout(self.network, frames[:, : self.frames], self.unroll)
        target = frames[:, self.frames :]
        return relative(self.square, found.flatten(0, 1), target.flatten(0, 1)).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Of rollouts over all frames that are left, and of their first step."""
        start = self.first + self.frames
        steps = self.valid.shape[1] - start
        windows = torch.split(self.valid[:, self.first : start], TOGETHER)
        found = torch.cat([rollout(network, window, steps) for window in windows])
        apart, truth = (found - self.valid[:, start:]).flatten(2), self.valid[:, start:].flatten(2)
        whole = apart.flatten(1).norm(dim=1) / truth.flatten(1).norm(dim=1)
        first = apart[:, 0].norm(dim=1) / truth[:, 0].norm(dim=1)
        return {"relative L2": float(whole.mean()), "first step": float(first.mean())}

    def extra(self) -> dict[str, Any]:
        return {"fields": self.fields, "step": self.step}


def predict(solver: Mgno, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
    """Rollouts, several members at a time."""
    fields, length = list(model.card.extra["fields"]), float(model.card.extra["step"])
    first, frames = START[solver.protocol]
    grid = problems[0].grid
    if not np.allclose(np.diff(grid.times), length, rtol=1e-9, atol=0):
        raise UsageError(f"the model steps over {length:g}; the output times must be that far apart.")
    count = len(fields)
    network = operator_of(solver, count, frames, problems[0])
    model.fill(network)
    network.to(run.device).eval()
    given = first + frames
    steps = len(grid.times) - given
    if steps < 1:
        raise UsageError(f"protocol={solver.protocol} starts from {given} output times; there are {len(grid.times)}.")
    answers: list[Solution] = []
    for begin in range(0, len(problems), TOGETHER):
        part = problems[begin : begin + TOGETHER]
        run.step(begin / len(problems), None, f"problem {begin + 1} of {len(problems)}")
        known = np.stack([_beginning(p, given, model) for p in part])
        window = torch.as_tensor(known[:, first:], dtype=torch.float32, device=run.device)
        with torch.no_grad():
            found = rollout(network, window, steps).double().cpu().numpy()
        for row in np.concatenate([known, found], axis=1):
            answers.append(_solution(row, fields, grid, steps, given))
    return answers


def _beginning(problem: Problem, frames: int, model: Model) -> Array:
    """The frames a rollout starts from, (frames, fields, *grid)."""
    if frames == 1:
        return problem.initial()[None]
    early = replace(problem, grid=Grid(problem.grid.axes, problem.grid.times[:frames]))
    values = makers(model.family, "test")[0].solve(early, Run()).values
    return np.stack([values[name] for name in problem.equation.fields], axis=1)


def _solution(row: Array, fields: Sequence[str], grid: Grid, steps: int, given: int) -> Solution:
    """row: (times, fields, *grid)."""
    values = {name: np.ascontiguousarray(row[:, index]) for index, name in enumerate(fields)}
    cost = {"network_calls": float(steps)}
    start = float(grid.times[given]) if given > 1 else 0.0
    finite = np.isfinite(row).all(axis=tuple(range(1, row.ndim)))
    if finite.all():
        return Solution(values, cost=cost, predicted_from=start)
    reached = float(grid.times[np.argmin(finite) - 1])
    message = "the rollout grew beyond numbers"
    return Solution(values, Status.PARTIAL, reached, cost=cost, message=message, predicted_from=start)
