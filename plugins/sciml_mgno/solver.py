"""The manifest of `mgno`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from sciml.equation import tree
from sciml.errors import UsageError
from sciml.family import Family
from sciml.learning import LearnedSolver, Model, Task
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution
from sciml.solver import Solves

from .layout import layout_of

if TYPE_CHECKING:
    from sciml.dataset import Dataset

STRUCTURE = ("network", "channels", "layers", "levels", "smoothing", "post", "padding", "restriction", "modes")
MEMBERS = 3  # looked at to see what varies in a family


class Mgno(LearnedSolver):
    """A network from fields on a grid to fields on it, trained on a family: learned V-cycles, or Fourier layers."""

    name: ClassVar[str] = "mgno"
    version: ClassVar[str] = "2"
    summary: ClassVar[str] = "multigrid neural operator or Fourier neural operator, trained on a family (2-D)"
    solves: ClassVar[Solves] = Solves(
        kind={"steady", "evolution"}, dim={"2"}, boundary={"periodic", "dirichlet", "neumann"}, fields={"system"},
        term={"nonlocal", "space-dependent", "non-polynomial"}, data={"values"},
    )  # fmt: skip
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    citation: ClassVar[str] = (
        "@inproceedings{HeLiuXu2024, author={He, J. and Liu, X. and Xu, J.}, title={{MgNO}: Efficient Parameterization"
        " of Linear Operators via Multigrid}, booktitle={ICLR}, year={2024}}"
    )
    network: Literal["mgno", "fno"] = Field(
        "mgno", description="mgno: layers of learned V-cycles; fno: Fourier neural operator (Li et al. 2021)"
    )
    preset: Literal["none", "darcy-rough", "darcy-smooth", "pipe", "navier-stokes", "helmholtz"] = Field(
        "none", description="a published layout of network=mgno, in place of the options from channels to restriction"
    )
    channels: int = Field(16, ge=1, le=512, description="channels of a layer")
    layers: int = Field(3, ge=1, le=32, description="layers")
    levels: int = Field(0, ge=0, le=12, description="grids of a V-cycle; 0: down to 4 or 5 points along an axis")
    smoothing: int = Field(1, ge=1, le=8, description="smoothing steps on the way down, one more on the coarsest grid")
    post: int = Field(0, ge=0, le=8, description="smoothing steps on the way up")
    padding: Literal["auto", "zeros", "circular", "reflect"] = Field(
        "auto", description="fields beyond the grid; auto: zeros, circular or reflect for dirichlet, periodic, neumann"
    )
    restriction: Literal["plain", "residual"] = Field(
        "plain", description="what coarser grids are given: f, as in the published runs, or f - A u, as in the paper"
    )
    modes: int = Field(12, ge=1, le=512, description="wavenumbers kept along an axis by network=fno")
    loss: Literal["h1", "l2", "h1-dft"] = Field(
        "h1", description="norm of the relative error; h1-dft: as published, by the DFT whether periodic or not"
    )
    augment: Literal["auto", "none"] = Field(
        "auto", description="auto: samples are rotated and reflected where the equation is the same after it"
    )
    protocol: Literal["one-frame", "ten-to-ten"] = Field(
        "one-frame", description="of an evolution: the next frame from one, or from ten, the first of which are given"
    )
    unroll: int = Field(1, ge=1, le=64, description="of an evolution: steps that a training sample goes on for")
    iterations: int = Field(8000, ge=0, description="training steps; 0: as many as the budget allows")
    batch_size: int = Field(8, ge=1, description="samples of a training step")
    learning_rate: float = Field(2e-3, gt=0, description="largest step of Adam")
    schedule: Literal["cosine", "one-cycle", "constant"] = Field(
        "one-cycle", description="of the learning rate: falling, rising over a fifth and falling, or constant"
    )

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        changed = [n for n in STRUCTURE if getattr(self, n) != type(self).model_fields[n].default]
        if self.preset != "none" and changed:
            reasons.append(f"preset={self.preset} says what {', '.join(changed)} would say; leave them out")
        if problem.kind == "steady" and not problem.given:
            reasons.append("a steady problem needs coefficients given on the grid: they are the network's input")
        if problem.kind == "evolution":
            if problem.given:
                reasons.append("of an evolution it takes initial data, not given coefficients")
            steps = problem.grid.times[1:] - problem.grid.times[:-1]
            if abs(steps - steps[0]).max() > 1e-9 * steps[0]:
                reasons.append("it needs output times that are equally far apart")
        return reasons or self._misfits(problem)

    def _misfits(self, problem: Problem) -> list[str]:
        """Why the network does not fit the grid."""
        smallest = min(problem.grid.shape)
        if self.network == "fno":
            return [] if 2 * self.modes <= smallest else [f"modes={self.modes} needs {2 * self.modes} points an axis"]
        try:
            layout_of(self, 1, 1, problem.grid)
        except UsageError as error:
            return [str(error).removeprefix("mgno: ").removesuffix(".")]
        return []

    def refuses_family(self, family: Family) -> list[str]:
        members = [family.draw("train", index) for index in range(MEMBERS)]
        reasons = self.refuses(members[0])
        used = {
            node.name for rate in members[0].equation.rates.values() for node in tree.walk(rate)
            if isinstance(node, tree.Parameter)
        }  # fmt: skip
        for name in sorted(used):
            if len({m.equation.parameters[name] for m in members}) > 1:
                reasons.append(f"{name} is another number in every member, and its input are fields only")
        if any(m.grid.axes != members[0].grid.axes for m in members):
            reasons.append("the box is another one in every member")
        return reasons

    def task(self, train: Dataset, valid: Dataset, run: Run) -> Task:
        if train.problems[0].kind == "steady":
            from .steady import SteadyTask

            return SteadyTask(self, train, valid, run)
        from .evolution import EvolutionTask

        return EvolutionTask(self, train, valid, run)

    def predict(self, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
        if problems[0].kind == "steady":
            from .steady import predict
        else:
            from .evolution import predict
        return predict(self, problems, model, run)
