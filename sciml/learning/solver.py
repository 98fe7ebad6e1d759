"""The protocol of a solver that is trained on a family and answers its members.

    class MyOperator(LearnedSolver):
        name: ClassVar[str] = "my-operator"
        width: int = Field(32, ge=1, description="channels")

        def task(self, train, valid, run): ...       # a network, its batches and its loss: see Task
        def predict(self, problems, model, run): ...  # weights and problems in, solutions out
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, final

import numpy as np
from pydantic import Field

from ..errors import RunFailed, UsageError
from ..problem import Problem
from ..solution import Solution
from ..solver import Solver
from .randomness import borrowed

if TYPE_CHECKING:
    import torch

    from ..dataset import Dataset
    from ..family import Family
    from ..run import Run
    from .model import Model

Batch = Mapping[str, Any]  # tensors whose first dimension runs over the batch's samples


class Task(ABC):
    """What the trainer needs to know of a method. `network`'s parameters are trained, its buffers kept."""

    network: torch.nn.Module
    progress: float = 0.0  # share of the steps that have been taken, told by the trainer
    checks: int = 20  # validations in the course of a training

    @abstractmethod
    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """Samples and every random number of one step, drawn from `rng` alone: a step repeated is the same step,
        and a batch divided among processes is the same batch."""

    @abstractmethod
    def loss(self, batch: Batch) -> torch.Tensor:
        """Scalar: the mean over the batch's samples. Deterministic."""

    @abstractmethod
    def validate(self, network: torch.nn.Module) -> dict[str, float]:
        """Numbers on validation data, the first of which is to become small."""

    def finish(self, network: torch.nn.Module) -> dict[str, float]:
        """After the last step, with the weights that are kept: fit to validation data what is fitted to them beside the
        weights. Numbers to be kept with, or instead of, those of the last validation."""
        return {}

    def extra(self) -> dict[str, Any]:
        """What `predict` needs beside the weights, as JSON data (normalisation, sizes)."""
        return {}


class LearnedSolver(Solver, ABC):
    """Options that the trainer reads are declared here once; a plugin sets defaults of its own.

    An option that only matters when a model is used carries `json_schema_extra={"inference": True}`; all others
    are part of what was trained, and come from the model when a problem is solved.
    """

    needs_model: ClassVar[bool] = True
    iterations: int = Field(10_000, ge=0, description="training steps; 0: as many as the budget allows")
    batch_size: int = Field(32, ge=1, description="samples of a training step")
    learning_rate: float = Field(1e-3, gt=0, description="largest step of Adam")
    final_rate: float = Field(0.01, gt=0, le=1, description="last learning rate, as a share of the largest")
    schedule: Literal["cosine", "one-cycle", "constant"] = Field(
        "cosine", description="of the learning rate: falling, rising over a fifth and falling, or constant"
    )
    weight_decay: float = Field(0.0, ge=0, description="Adam's L2 penalty")
    clip: float = Field(1.0, ge=0, description="largest norm of the gradient; 0: any")
    ema: float = Field(
        0.995, ge=0, lt=1, description="decay of the moving average of the weights, which is what is used; 0: none"
    )
    keep: Literal["last", "best"] = Field(
        "last", description="weights of the last step, or of the validation whose first number was smallest"
    )

    @abstractmethod
    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        """The network to be trained on a data set, and its loss."""

    @abstractmethod
    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        """Answer problems of the family the model was trained on, all of them together."""

    def calibrate(self, model: Model, valid: Dataset, run: Run) -> Model:
        """The model with the calibration of its spread fitted anew to validation data, its weights as they are. Raises
        UsageError where there is nothing to calibrate."""
        raise UsageError(f"{self.name} states no spread that could be calibrated.")

    def refuses_family(self, family: Family) -> list[str]:
        """Every reason why this solver, with these options, cannot be trained on the family."""
        return self.refuses(family.draw("train", 0))

    @final
    def solve(self, problem: Problem, run: Run) -> Solution:
        return self.solve_all([problem], run)[0]

    @final
    def solve_all(self, problems: Sequence[Problem], run: Run) -> list[Solution]:
        """Predict with the run's model. Raises RunFailed for a problem that the model was trained on."""
        from ..dataset import digest
        from .model import Model

        assert isinstance(run.model, Model), "the core gives a learned solver its model"
        for problem in problems:
            if digest(problem) in run.model.seen:
                raise RunFailed(f"{problem.name} was in the model's training data; a score would mean nothing.")
        with borrowed():
            return self.predict(problems, run.model, run)

    @classmethod
    def inference_options(cls) -> frozenset[str]:
        """Options that do not belong to what was trained."""
        return frozenset(
            name for name, field in cls.model_fields.items()
            if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("inference")
        )  # fmt: skip

    def trained_options(self) -> dict[str, Any]:
        """Options that belong to what was trained, with their values."""
        return {name: value for name, value in self.options().items() if name not in self.inference_options()}
