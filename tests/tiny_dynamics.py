"""Families without axes, and a learned solver for them that is one matrix, small enough for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from sciml import Problem, Run, Solution, Solves
from sciml.dataset import Dataset
from sciml.family import Family
from sciml.learning import Batch, LearnedSolver, Model, Task

SPLIT = {"count": 3, "end": 2.0, "times": 21}


def family(seed: int = 1, **changes: Any) -> Family:
    """A damped oscillator from random places."""
    return Family.parse({
        "name": "oscillator", "equation": ["p_t = -q - d*p", "q_t = p"], "fields": ["p", "q"], "parameters": {"d": 0.1},
        "random": {"a": {"law": "uniform", "lower": 1.0, "upper": 2.0}, "b": {"law": "normal"}},
        "initial": {"p": "a", "q": "b"},
        "splits": {name: {"seed": seed + i, **SPLIT} for i, name in enumerate(("train", "valid", "test"))},
        "maker": {"solver": "taylor", "check": {"series_order": 12}},
    } | changes)  # fmt: skip


def stochastic(**changes: Any) -> Family:
    """Geometric Brownian motion, whose moments are known."""
    return family(**{
        "name": "geometric", "equation": ["u_t = r*u"], "fields": ["u"], "parameters": {"r": 0.5, "s": 0.4},
        "initial": {"u": "a"}, "diffusion": {"u": "s*u"},
        "maker": {"solver": "milstein", "options": {"step": 0.02, "paths": 4000}, "check": {"step": 0.04}},
    } | changes)  # fmt: skip


class MatrixTask(Task):
    def __init__(self, data: Dataset, valid: Dataset) -> None:
        self.now, self.valid = (
            torch.as_tensor(np.stack([d.values[n] for n in d.family.description.fields], -1)) for d in (data, valid)
        )
        self.network = torch.nn.Linear(2, 2, bias=False, dtype=torch.float64)

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        member, time = rng.integers(len(self.now), size=size), rng.integers(self.now.shape[1] - 1, size=size)
        return {"now": self.now[member, time], "next": self.now[member, time + 1]}

    def loss(self, batch: Batch) -> torch.Tensor:
        return ((self.network(batch["now"]) - batch["next"]) ** 2).mean()

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        return {"mse": float(((network(self.valid[:, :-1]) - self.valid[:, 1:]) ** 2).mean())}


class Matrix(LearnedSolver):
    """A matrix from one output to the next."""

    name: ClassVar[str] = "matrix"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"0"}, fields={"system"})
    iterations: int = Field(400, ge=0, description="training steps")
    learning_rate: float = Field(3e-2, gt=0, description="largest step of Adam")

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        return MatrixTask(train, valid)

    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        matrix, found = model.weights["weight"], []
        for problem in problems:
            rows = [problem.initial()]
            for _ in problem.grid.times[1:]:
                rows.append(matrix @ rows[-1])
            found.append(Solution({n: np.array(rows)[:, i].copy() for i, n in enumerate(problem.equation.fields)}))
        return found
