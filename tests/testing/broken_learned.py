"""A sound solver that is trained, and for every check of its kit one that breaks just that promise."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from tiny_dynamics import Matrix, MatrixTask

from sciml import Problem, Run, Solution
from sciml.dataset import Dataset
from sciml.errors import Stopped
from sciml.family import Family
from sciml.learning import Batch, Model, Task


class Sound(Matrix):
    """A matrix from one output to the next; sound."""

    name: ClassVar[str] = "sound-matrix"
    summary: ClassVar[str] = "a matrix, for tests"

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        return MatrixTask(train, valid)

    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        run.step(0.0, None, "predicting")
        return super().predict(problems, model, run)


class NoSummary(Sound):
    summary: ClassVar[str] = ""


class AcceptsAnything(Sound):
    def refuses(self, problem: Problem) -> list[str]:
        return [] if "0" in problem.features["dim"] and len(problem.equation.fields) == 2 else super().refuses(problem)


class Silent(Sound):
    class Own(MatrixTask):
        def validate(self, network: torch.nn.Module) -> dict[str, float]:
            return {}

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        return self.Own(train, valid)


class Sums(Sound):
    """Its loss is a sum over the batch."""

    class Own(MatrixTask):
        def loss(self, batch: Batch) -> torch.Tensor:
            return super().loss(batch) * len(batch["now"])

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        return self.Own(train, valid)


class Counts(Sound):
    """Its loss knows how often it was asked, and a checkpoint does not."""

    class Own(MatrixTask):
        asked = 0

        def loss(self, batch: Batch) -> torch.Tensor:
            self.asked += 1
            return super().loss(batch) * (1 + 0.3 * (self.asked > 4)) + 0.1 * self.asked * self.network.weight.sum() ** 2

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        return self.Own(train, valid)


class OddCard(Sound):
    class Own(MatrixTask):
        def extra(self) -> dict[str, Any]:
            return {"sizes": {1: 2}}

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        return self.Own(train, valid)


class Float32(Sound):
    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        found = super().predict(problems, model, run)
        return [Solution({n: v.astype(np.float32) for n, v in s.values.items()}) for s in found]


class Crowded(Sound):
    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        found = super().predict(problems, model, run)
        return [Solution({n: v * (1 + 0.1 * len(problems)) for n, v in s.values.items()}) for s in found]


class Dice(Sound):
    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        found = super().predict(problems, model, run)
        return [Solution({n: v + 1e-6 * np.random.normal() for n, v in s.values.items()}) for s in found]


class Untidy(Sound):
    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        np.random.seed(int(time.time_ns()) % 2**31)
        return super().predict(problems, model, run)


class Sleeps(Sound):
    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        time.sleep(0.3)
        return super().predict(problems, model, Run())


class Swallows(Sound):
    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        with contextlib.suppress(Stopped):
            run.step(0.0)
        return super().predict(problems, model, Run())


class Mumbles(Sound):
    def refuses_family(self, family: Family) -> list[str]:
        return [""] if super().refuses_family(family) else []


BROKEN = {
    "manifest": NoSummary, "fails-closed": AcceptsAnything, "trains": Silent, "steps-are-functions": Sums,
    "answers": Float32, "one-by-one": Crowded, "round-trips": OddCard, "repeatable": Dice, "tidy": Untidy,
    "stops-for-its-budget": Sleeps, "predicting-stops-for-ctrl-c": Swallows, "resumes": Counts,
    "knows-its-training": Mumbles,
}  # fmt: skip
