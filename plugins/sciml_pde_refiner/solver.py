"""The manifest of `pde-refiner`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from sciml.learning.solver import LearnedSolver
from sciml.problem import Problem
from sciml.solver import Solves

if TYPE_CHECKING:
    from sciml.dataset import Dataset
    from sciml.learning.model import Model
    from sciml.learning.solver import Task
    from sciml.run import Run
    from sciml.solution import Solution


ADAPTIVE = "adaptive"  # of the option variances
MOST = 8  # refinement steps that it may choose, if no number is given


class PdeRefiner(LearnedSolver):
    """A network steps a field in time: by refining its own prediction, plainly, or by correcting a classical step."""

    name: ClassVar[str] = "pde-refiner"
    version: ClassVar[str] = "2"
    summary: ClassVar[str] = "neural time stepper: iterated denoising, plain, or a learned correction of ETDRK4"
    solves: ClassVar[Solves] = Solves(
        kind={"evolution"}, dim={"1", "2"}, boundary={"periodic"}, fields={"system"},
        term={"nonlocal", "space-dependent", "non-polynomial"},
    )  # fmt: skip
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    citation: ClassVar[str] = (
        "@inproceedings{LippeVeelingPerdikarisTurnerBrandstetter2023, author={Lippe, P. and Veeling, B. S. and"
        " Perdikaris, P. and Turner, R. E. and Brandstetter, J.}, title={{PDE-Refiner}: Achieving Accurate Long"
        " Rollouts with Neural {PDE} Solvers}, booktitle={NeurIPS}, year={2023}}"
    )
    method: Literal["hybrid", "refiner", "mse"] = Field(
        "hybrid",
        description="hybrid: ETDRK4 steps of size base_step, whose error is learned; refiner: as published; mse: one"
        " plain prediction, the published baseline",
    )
    step: float = Field(
        0.0, ge=0, description="time between two states of the network; 0: the output interval of the validation data"
    )
    points: int = Field(
        0, ge=0, le=8192,
        description="of the network's grid along every axis; 0: as many as the data have; fewer: it works on the waves"
        " that they tell apart",
    )  # fmt: skip
    network: Literal["unet", "fno"] = Field("unet", description="unet: the modern U-Net; fno: Fourier neural operator")
    width: int = Field(32, ge=8, le=512, multiple_of=8, description="channels of the finest level")
    multipliers: str = Field(
        "1", pattern=r"^[1-9]\d*(,[1-9]\d*)*$",
        description="of network=unet: factor of each level's channels; 1: a single level; as published 1,2,2,4",
    )  # fmt: skip
    blocks: int = Field(1, ge=1, le=8, description="of network=unet: residual blocks a level; as published 2")
    modes: int = Field(16, ge=1, le=512, description="of network=fno: wavenumbers kept on each axis")
    layers: int = Field(4, ge=1, le=32, description="of network=fno: layers")
    refinement_steps: int = Field(
        -1, ge=-1, le=100,
        description="K, denoising steps after the prediction (of variances=adaptive the most); -1: 3 of method=refiner,"
        " 8 of variances=adaptive, else 0",
    )
    min_noise: float = Field(
        4e-7, gt=0, lt=1, description="least variance of the noise, in units of the target's; published 4e-7"
    )
    variances: str = Field(
        "geometric",
        description="geometric: from min_noise to 1 in refinement_steps; adaptive: trained on all from min_noise to 1,"
        " chosen on validation data such that a step's error stays hidden; or all of them, ascending to 1",
    )
    bias: float = Field(
        1.05, gt=1,
        description="of variances=adaptive: a level is visited whose error, from the estimate before it, is at most"
        " this times that from the truth",
    )  # fmt: skip
    base_step: float = Field(0.2, gt=0, description="of method=hybrid: largest step of ETDRK4 inside a step")
    base_modes: int = Field(
        0, ge=0,
        description="of method=hybrid: modes an axis that ETDRK4 carries; 0: as many as the network's grid has points",
    )  # fmt: skip
    indicator: Literal["none", "doubling", "rates"] = Field(
        "none",
        description="of method=hybrid, shown to the network beside state and increment: none; doubling: the difference"
        " from steps twice as large; rates: du/dt at both ends",
    )
    sweeps: int = Field(
        0, ge=0, le=20, json_schema_extra={"inference": True},
        description="of method=hybrid: corrections of the step by the residual of exponential Gauss collocation",
    )  # fmt: skip
    reflect: bool = Field(True, description="train on mirror images too, where the equation has that symmetry (1-D)")
    samples: int = Field(
        1, ge=1, le=1000, json_schema_extra={"inference": True},
        description="rollouts whose mean and standard deviation are returned, where refinement makes them differ",
    )  # fmt: skip
    compiled: Literal["auto", "yes", "no"] = Field(
        "auto", json_schema_extra={"inference": True},
        description="train through torch.compile, which takes its time once; auto: in long trainings",
    )  # fmt: skip
    batch_size: int = Field(64, ge=1, description="samples of a training step")
    learning_rate: float = Field(2e-3, gt=0, description="largest step of Adam")

    def refinements(self) -> int:
        """K; of variances=adaptive the most there may be."""
        if self.variances == ADAPTIVE:
            return self.refinement_steps if self.refinement_steps >= 0 else MOST * (self.method != "mse")
        if self.variances != "geometric":
            return len(self.variances.replace(",", " ").split()) - 1
        return self.refinement_steps if self.refinement_steps >= 0 else 3 * (self.method == "refiner")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if self.method == "mse" and self.refinements():
            reasons.append("method=mse predicts once; refinement_steps and variances belong to refiner and hybrid")
        if self.method == "refiner" and not self.refinements():
            reasons.append("method=refiner without refinement steps is method=mse; ask for that")
        if self.method != "hybrid" and (self.sweeps or self.indicator != "none"):
            reasons.append("indicator and sweeps belong to method=hybrid")
        if self.samples > 1 and not self.refinements():
            reasons.append("samples differ by the noise of refinement steps only; there are none here")
        if 0 < self.points < 4 or any(n < self.points for n in problem.grid.shape):
            reasons.append(f"points={self.points} of the network must be 4 or more and no more than the data have")
        if self.network == "unet" and not reasons:
            coarsening = 2 ** self.multipliers.count(",")
            if any((self.points or n) % coarsening for n in problem.grid.shape):
                reasons.append(f"a U-Net of these levels needs a grid divisible by {coarsening} along every axis")
        return reasons

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        from .training import Refining

        return Refining(self, train, valid, run)

    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        from .rollout import rollout

        return rollout(self, problems, model, run)

    def calibrate(self, model: Model, valid: Dataset, run: Run) -> Model:
        from .calibrating import recalibrated

        return recalibrated(self, model, valid, run)
