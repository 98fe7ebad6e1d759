"""The manifest of `neural-ode`: abilities and options. No numerics, no torch."""

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


class NeuralOde(LearnedSolver):
    """A network is the vector field; of a stochastic family a second one is the diffusion."""

    name: ClassVar[str] = "neural-ode"
    summary: ClassVar[str] = "a network as the vector field (and diffusion), regularised to be cheap to solve"
    solves: ClassVar[Solves] = Solves(
        kind={"evolution"}, dim={"0"}, fields={"system"}, term={"time-dependent", "non-polynomial"}, paths={"random"}
    )
    citation: ClassVar[str] = (
        "@article{PalEdelmanRackauckas2023, author={Pal, A. and Edelman, A. and Rackauckas, C.}, title={Locally"
        " Regularized Neural Differential Equations: Some Black Boxes Were Meant to Remain Closed!}, journal={ICML},"
        " year={2023}} and @inproceedings{ChenRubanovaBettencourtDuvenaud2018, author={Chen, R. T. Q. and Rubanova, Y."
        " and Bettencourt, J. and Duvenaud, D.}, title={Neural Ordinary Differential Equations}, booktitle={NeurIPS},"
        " year={2018}}"
    )
    regularisation: Literal["none", "local-error", "local-stiffness", "global-error", "global-stiffness", "steer"] = (
        Field(
            "none",
            description="what is added to the loss: the estimated error or stiffness of one step (local) or of all"
            " accepted steps (global); steer: a random end time instead",
        )
    )
    at: Literal["random", "accepted"] = Field(
        "random",
        description="of local regularisation, where the step begins: at a random time (unbiased), or where a step of"
        " the solver began (biased; while rates are matched: on the ways of jumps, if there are any)",
    )
    weight: float = Field(1.0, ge=0, description="of the regularisation, at the start of training")
    final_weight: float = Field(1.0, ge=0, description="of the regularisation, at the end; exponential in between")
    steer_width: float = Field(
        0.5, gt=0, le=1, description="of regularisation=steer: largest shift of the end, in output intervals"
    )
    gradients: Literal["discrete", "checkpointed", "adjoint"] = Field(
        "discrete",
        description="through the accepted steps, the same with less memory, or the continuous adjoint equation",
    )
    method: Literal["tsit5", "dop853", "rodas4"] = Field(
        "tsit5", description="integrator of the network's field; rodas4 for stiff ones; stochastic ones: SOSRI"
    )
    tolerance: float = Field(
        1e-6, gt=0, lt=1, description="relative and absolute, of the scaled state, in training and prediction"
    )
    predicted_tolerance: float = Field(
        0.0, ge=0, lt=1, json_schema_extra={"inference": True},
        description="another tolerance for prediction; 0: the largest by which validation members lose less than 1 %",
    )  # fmt: skip
    sde_tolerance: float = Field(0.02, gt=0, lt=1, description="the same of a stochastic equation's paths")
    warm: float = Field(
        0.5, ge=0, lt=1,
        description="share of the training that matches rates estimated from neighbouring outputs, which is cheap,"
        " before paths are solved",
    )  # fmt: skip
    horizon: int = Field(20, ge=1, description="output intervals of a training window")
    sudden: float = Field(
        0.5, ge=0, le=1,
        description="of scaling=asinh: share of the training windows with an interval in which the state moves"
        " three times as far as in those beside it",
    )  # fmt: skip
    stride: int = Field(1, ge=1, description="one output in so many of the training series is seen; 1: all of them")
    smooth: int = Field(
        0, ge=0, le=1000,
        description="of noisy training series: outputs to each side, through which a polynomial of degree 4 is laid,"
        " from which states and rates are taken; 0: the series as they are",
    )  # fmt: skip
    piece: int = Field(
        0, ge=0, description="outputs of the pieces of validation series that are predicted; 0: whole members, as where"
        " they can be predicted",
    )  # fmt: skip
    scaling: Literal["linear", "asinh"] = Field(
        "linear",
        description="asinh: states and rates that span orders of magnitude are seen and said as asinh(u/s), s typical"
        " sizes of the training data",
    )
    width: int = Field(32, ge=1, le=1024, description="units of a hidden layer")
    layers: int = Field(2, ge=1, le=16, description="hidden layers, tanh")
    latent: int = Field(
        0, ge=0, le=1024,
        description="numbers that move, made from the state by an encoder and turned back by a decoder; 0: the state",
    )  # fmt: skip
    paths: int = Field(
        1024, ge=2, le=1_000_000, json_schema_extra={"inference": True},
        description="of a stochastic equation: paths whose mean and standard deviation are the answer",
    )  # fmt: skip
    training_paths: int = Field(16, ge=3, le=10_000, description="of a stochastic equation: paths a training window")
    compiled: Literal["auto", "yes", "no"] = Field(
        "auto", json_schema_extra={"inference": True},
        description="predict through torch.compile, which takes its time once; auto: where it takes long",
    )  # fmt: skip
    iterations: int = Field(2000, ge=0, description="training steps; 0: as many as the budget allows")
    batch_size: int = Field(32, ge=1, description="windows of a training step")
    learning_rate: float = Field(1e-2, gt=0, description="largest step of Adam")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        local = self.regularisation.startswith("local")
        if self.at == "accepted" and not local:
            reasons.append("at=accepted belongs to local regularisation")
        if "stiffness" in self.regularisation and self.method != "tsit5":
            reasons.append("the estimate of stiffness is tsit5's; take method=tsit5")
        if self.regularisation.startswith("global") and self.gradients != "discrete":
            reasons.append("global regularisation is differentiated through the steps; take gradients=discrete")
        if self.gradients == "adjoint" and self.method == "rodas4":
            reasons.append("the adjoint is solved by an explicit method; with rodas4 take gradients=checkpointed")
        if problem.stochastic and (self.regularisation not in ("none", "local-error") or self.at != "random"):
            reasons.append("of a stochastic equation the regularisation is none or local-error at random times")
        if self.scaling == "asinh" and self.latent:
            reasons.append("scaling=asinh is of the state itself; take latent=0")
        if 0 < self.smooth < 3:
            reasons.append("a polynomial of degree 4 through noise needs more than 5 outputs; take smooth=3 or more")
        if problem.stochastic and (self.scaling != "linear" or self.smooth or self.stride > 1 or self.piece):
            reasons.append("scaling, smooth, stride and piece are not of stochastic equations")
        if problem.stochastic and self.latent:
            reasons.append("a stochastic equation moves the state itself; take latent=0")
        if problem.stochastic and self.gradients != "discrete":
            reasons.append("a stochastic equation is differentiated through its steps; take gradients=discrete")
        return reasons

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        if train.family.stochastic:
            from .stochastic import Paths

            return Paths(self, train, valid, run)
        from .training import Windows

        return Windows(self, train, valid, run)

    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        if problems[0].stochastic:
            from .stochastic import predict

            return predict(self, problems, model, run)
        from .prediction import predict as predict_paths

        return predict_paths(self, problems, model, run)
