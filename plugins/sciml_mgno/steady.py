"""Steady families: from given coefficients on the grid to the solution, in one evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from sciml.dataset import Dataset
from sciml.learning import Batch, Model, Task
from sciml.metrics.sobolev import relative_h1, relative_l2
from sciml.networks.places import places
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution

from .losses import relative, square_of
from .operator_network import Operator, network_of
from .symmetry import symmetries, turned

if TYPE_CHECKING:
    from .solver import Mgno

TOGETHER = 16  # samples of one evaluation


def stacked(values: Mapping[str, Array], names: Sequence[str]) -> Tensor:
    """Fields as channels, float32: (members, fields, *grid) from (members, *grid) each."""
    return torch.as_tensor(np.stack([values[n] for n in names], axis=1), dtype=torch.float32)


def answered(network: torch.nn.Module, a: Tensor) -> Tensor:
    """The network's answers, a few samples at a time."""
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(a, TOGETHER)])


def operator_of(solver: Mgno, problem: Problem, inputs: Sequence[str], outputs: Sequence[str]) -> Operator:
    """Of a problem's grid, not trained."""
    seen = places(problem)
    bare = network_of(solver, len(inputs) + len(seen), len(outputs), problem.grid)
    return Operator(bare, len(inputs), len(outputs), problem.grid, seen)


class SteadyTask(Task):
    """Pairs (a, u); a relative norm of the error; samples turned where the equation allows it."""

    def __init__(self, solver: Mgno, train: Dataset, valid: Dataset, run: Run) -> None:
        problem = train.problems[0]
        self.axes, self.device = problem.grid.axes, run.device
        self.inputs, self.outputs = sorted(train.given), list(problem.equation.fields)
        self.a, self.u = self._pairs(train)
        self.valid_a, self.valid_u = self._pairs(valid)
        self.turns = symmetries(problem) if solver.augment == "auto" else (0,)
        self.square = square_of(solver.loss, self.axes)
        self.network = operator_of(solver, problem, self.inputs, self.outputs)
        mean, std = _moments([turned(self.u, i) for i in self.turns])
        self.network.normalise(
            mean_in=self.a.mean((0, 2, 3))[:, None, None], std_in=_not_zero(self.a.std((0, 2, 3)))[:, None, None],
            mean_out=mean, std_out=std,
        )  # fmt: skip
        self.network.to(run.device)

    def _pairs(self, data: Dataset) -> tuple[Tensor, Tensor]:
        final = {name: values[:, -1] for name, values in data.values.items()}
        return stacked(data.given, self.inputs).to(self.device), stacked(final, self.outputs).to(self.device)

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        chosen = torch.as_tensor(rng.integers(len(self.a), size=size), device=self.device)
        a, u = self.a[chosen], self.u[chosen]
        if len(self.turns) > 1:
            turns = np.array(self.turns)[rng.integers(len(self.turns), size=size)]
            a, u = (torch.stack([turned(f, int(k)) for f, k in zip(fields, turns, strict=True)]) for fields in (a, u))
        return {"a": a, "u": u}

    def loss(self, batch: Batch) -> Tensor:
        return relative(self.square, self.network(batch["a"]), batch["u"]).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        value = answered(network, self.valid_a).double().cpu().numpy()
        truth = self.valid_u.double().cpu().numpy()
        lengths, periodic = [a.length for a in self.axes], [a.periodic for a in self.axes]
        errors = {"relative L2": relative_l2, "relative H1": relative_h1}
        return {name: float(error(value, truth, lengths, periodic).mean()) for name, error in errors.items()}

    def extra(self) -> dict[str, Any]:
        return {"inputs": self.inputs, "outputs": self.outputs, "turns": len(self.turns)}


def predict(solver: Mgno, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
    """All problems, a few at a time."""
    inputs, outputs = list(model.card.extra["inputs"]), list(model.card.extra["outputs"])
    network = operator_of(solver, problems[0], inputs, outputs)
    model.fill(network)
    network.to(run.device).eval()
    answers = []
    for first in range(0, len(problems), TOGETHER):
        run.step(first / len(problems), None, f"problem {first + 1} of {len(problems)}")
        part = problems[first : first + TOGETHER]
        given = {name: np.stack([p.given[name] for p in part]) for name in inputs}
        found = answered(network, stacked(given, inputs).to(run.device)).double().cpu().numpy()
        for row in found:
            values = {name: field[None] for name, field in zip(outputs, row, strict=True)}
            answers.append(Solution(values, cost={"network_calls": 1.0}))
    return answers


def _moments(turns: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation at every point, (fields, *grid), of samples (members, fields, *grid) turned in
    several ways. As in the loss, a large sample counts by its own size: near a resonance one is hundreds of times as
    large as the others, and the units would be its alone. None counts more than the middle one."""
    size = turns[0].double().square().mean((1, 2, 3), keepdim=True)
    weight = 1 / size.clamp_min(float(size.median()) or 1.0)
    weight = weight / weight.sum() / len(turns)
    mean = torch.stack([(weight * t).sum(0) for t in turns]).sum(0)
    square = torch.stack([(weight * (t - mean).square()).sum(0) for t in turns]).sum(0)
    return mean.float(), square.sqrt().float()


def _not_zero(std: Tensor) -> Tensor:
    """Deviations, 1 where there is none."""
    return torch.where(std > 0, std, torch.ones_like(std))
