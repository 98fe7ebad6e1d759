"""A learned solver small enough for tests: one convolution that steps u_t = d u_xx; and a family for it.

Run as a program it trains: `python tiny_learner.py FOLDER ITERATIONS`, alone, killed, or under torchrun.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field

from sciml import Problem, Run, Solution, Solves, registry
from sciml.dataset import Dataset, make
from sciml.family import Family
from sciml.learning import Batch, LearnedSolver, Model, Task
from sciml.learning.trainer import train


def family(seed: int = 1, **changes: Any) -> Family:
    """Heat on circles of random length, 16 points."""
    split = {"count": 4, "end": 0.5, "times": 6}
    return Family.parse({
        "name": "heat-family", "equation": ["u_t = d*u_xx"], "fields": ["u"], "parameters": {"d": 0.1},
        "axes": [{"name": "x", "lower": 0.0, "upper": "L", "size": 16}],
        "random": {
            "L": {"law": "uniform", "lower": 1.0, "upper": 2.0},
            "A": {"law": "normal", "count": 3}, "phi": {"law": "uniform", "lower": 0.0, "upper": 6.0, "count": 3},
            "m": {"law": "choice", "values": [1, 2], "count": 3},
        },
        "initial": {"u": "sum(A[i]*sin(2*pi*m[i]*x/L + phi[i]))"},
        "splits": {
            "train": {"seed": seed, **split}, "valid": {"seed": seed + 1, **split}, "test": {"seed": seed + 2, **split}
        },
        "maker": {"solver": "etdrk4", "options": {"step": 0.05}, "check": {"step": 0.1}},
    } | changes)  # fmt: skip


class StepTask(Task):
    def __init__(self, data: Dataset, valid: Dataset, fails_at: int) -> None:
        self.u = torch.as_tensor(data.values["u"], dtype=torch.float32)
        self.valid = torch.as_tensor(valid.values["u"], dtype=torch.float32)
        self.network = torch.nn.Sequential(
            torch.nn.Conv1d(1, 4, 3, padding=1, padding_mode="circular"), torch.nn.GELU(),
            torch.nn.Conv1d(4, 1, 3, padding=1, padding_mode="circular"),
        )  # fmt: skip
        self.fails_at, self.steps = fails_at, 0

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        member, time = rng.integers(len(self.u), size=size), rng.integers(self.u.shape[1] - 1, size=size)
        noise = torch.as_tensor(rng.normal(size=(size, 1, self.u.shape[2])), dtype=torch.float32)
        return {"now": self.u[member, time][:, None] + 1e-3 * noise, "next": self.u[member, time + 1][:, None]}

    def loss(self, batch: Batch) -> torch.Tensor:
        self.steps += 1
        value = ((batch["now"] + self.network(batch["now"]) - batch["next"]) ** 2).mean()
        return value * torch.nan if self.steps == self.fails_at else value

    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        now, after = self.valid[:, :-1].flatten(0, 1)[:, None], self.valid[:, 1:].flatten(0, 1)[:, None]
        return {"mse": float(((now + network(now) - after) ** 2).mean())}


class Tiny(LearnedSolver):
    """See the module."""

    name: ClassVar[str] = "tiny"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"1"}, boundary={"periodic"})
    iterations: int = Field(40, ge=0, description="training steps")
    batch_size: int = Field(8, ge=1, description="samples of a training step")
    learning_rate: float = Field(3e-3, gt=0, description="largest step of Adam")
    samples: int = Field(1, ge=1, description="of nothing", json_schema_extra={"inference": True})

    fails_at: ClassVar[int] = 0

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        return StepTask(train, valid, type(self).fails_at)

    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        network = torch.nn.Sequential(
            torch.nn.Conv1d(1, 4, 3, padding=1, padding_mode="circular"), torch.nn.GELU(),
            torch.nn.Conv1d(4, 1, 3, padding=1, padding_mode="circular"),
        )  # fmt: skip
        model.fill(network)
        found = []
        for problem in problems:
            u = torch.as_tensor(problem.initial(), dtype=torch.float32)[None]
            rows = [u]
            with torch.no_grad():
                for _ in problem.grid.times[1:]:
                    rows.append(rows[-1] + network(rows[-1]))
            found.append(Solution({"u": torch.cat(rows)[:, 0].double().numpy()}))
        return found


def register() -> None:
    """Make the registry know the solver, as an installed plugin's would be."""
    real = registry.plugins
    mine = registry.Plugin("tiny-plugin", "tests", "0", "tiny_learner", [Tiny])
    registry.plugins = lambda: (*real(), mine)  # type: ignore[assignment]


def slowly() -> None:
    """`sciml train` as a function, on a disk so slow that the others are long done when the model is written."""
    import time

    from sciml.learning import Model
    from sciml.solving.training import train_model

    write = Model.write
    Model.write = lambda self, path: (time.sleep(2), write(self, path))[1]  # type: ignore[method-assign]
    path = train_model(family(), Tiny(iterations=iterations), store=place / "store", data=place / "data")
    Model.read(path)


if __name__ == "__main__":
    import os

    place, iterations = Path(sys.argv[1]), int(sys.argv[2])
    register()
    if sys.argv[3:] == ["slowly"]:
        sys.exit(slowly())
    rank = int(os.environ.get("RANK", "0"))
    data = [make(family(), split, place / "data") for split in ("train", "valid")]
    run = Run(folder=place / "partial", checkpoint_every=0.0)
    run.writes = rank == 0
    model = train(Tiny(iterations=iterations), data[0], data[1], run)
    if rank == 0:
        np.save(place / "losses.npy", np.array(run.logged["loss"]))
        model.write(place / "model.safetensors")
