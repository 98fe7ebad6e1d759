"""The manifest of `gtf`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from sciml.family import Family
from sciml.learning.solver import LearnedSolver
from sciml.problem import Problem
from sciml.solver import Solves

if TYPE_CHECKING:
    from sciml.dataset import Dataset
    from sciml.learning.model import Model
    from sciml.learning.solver import Task
    from sciml.run import Run
    from sciml.solution import Solution


class Gtf(LearnedSolver):
    """A piecewise-linear recurrent network steps the state; trained on series, forced towards them only as much as
    keeps gradients from exploding."""

    name: ClassVar[str] = "gtf"
    summary: ClassVar[str] = "piecewise-linear recurrent network, generalised teacher forcing (learned dynamics)"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"0"}, fields={"system"}, term={"non-polynomial"})
    citation: ClassVar[str] = (
        "@inproceedings{HessMonfaredBrennerDurstewitz2023, author={Hess, F. and Monfared, Z. and Brenner, M. and"
        " Durstewitz, D.}, title={Generalized Teacher Forcing for Learning Chaotic Dynamics}, booktitle={ICML},"
        " year={2023}}"
    )
    units: int = Field(50, ge=1, le=10_000, description="L, hinges; 2 M L + L + 2 M parameters for M variables")
    clipped: bool = Field(False, description="subtract the hinges at h2 = 0, so that orbits stay bounded while |A| < 1")
    length: int = Field(200, ge=2, le=100_000, description="T, steps of a training sequence")
    forcing: Literal["fixed", "adaptive"] = Field(
        "fixed", description="fixed: alpha; adaptive: annealed from 1 to what products of Jacobians ask for"
    )
    alpha: float = Field(0.1, ge=0, le=1, description="of forcing=fixed: share of the data in each state")
    iterations: int = Field(20_000, ge=0, description="training steps; 0: as many as the budget allows")
    batch_size: int = Field(16, ge=1, description="sequences of a training step")
    learning_rate: float = Field(3e-3, gt=0, description="largest step of Adam")
    final_rate: float = Field(1e-3, gt=0, le=1, description="last learning rate, as a share of the largest")
    keep: Literal["last", "best"] = Field(
        "best", description="weights of the last step, or of the validation whose first number was smallest"
    )
    clip: float = Field(10.0, ge=0, description="largest norm of the gradient; 0: any")

    def refuses_family(self, family: Family) -> list[str]:
        reasons = super().refuses_family(family)
        if not reasons:
            own, other = (float(family.times(split)[1]) for split in ("train", "valid"))
            if abs(own - other) > 1e-9 * own:
                reasons.append("its training and validation series have different time steps")
            points = {split: len(family.times(split)) for split in ("train", "valid")}
            reasons += [
                f"its {split} series have {n} points, sequences of {self.length} steps need {self.length + 1}: take a"
                " smaller length"
                for split, n in points.items() if n <= self.length
            ]  # fmt: skip
        return reasons

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        from .training import SeriesTask

        return SeriesTask(self, train, valid, run)

    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        from .forecasting import predict

        return predict(problems, model, run)
