"""The ansatz `mlp`: a perceptron in (t, x). The first window starts from random hidden weights."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from sciml.errors import UsageError
from sciml.numerics.fourier import FourierBasis
from sciml.problem import Problem
from sciml.run import Run

from ..trained import ansatz
from .network import Network

UNITS_PER_POINT, MODES_SHARE = 3, 6.5  # width and embedding by default, from the modes of the basis
ROUGHNESS = 0.22  # as for `joint`


@dataclass(frozen=True)
class Settings(ansatz.Settings):
    """width: units in a layer; slope: see `Network.draw`."""

    depth: int = 1
    gated: bool = True


class Mlp(ansatz.TrainedAnsatz):
    """See the module."""

    network: Network

    def __init__(self, problem: Problem, basis: FourierBasis, run: Run, settings: Settings) -> None:
        if basis.dim != 1:
            raise UsageError("pinn-causal: ansatz=mlp works in one space dimension.")
        self.run = run
        modes = max(1, round(basis.modes[0] / MODES_SHARE))
        width = settings.width or UNITS_PER_POINT * (2 * basis.modes[0] + 2)
        fields = len(problem.equation.fields)
        network = Network(1 + 2 * modes, width, settings.depth, fields, settings.gated)
        super().__init__(problem, basis, settings, network, modes)

    def origin(self) -> Tensor:
        """See `TrainedAnsatz`."""
        rng = self.run.rng(f"pinn-causal/mlp/{self.network.count}")
        return self.network.draw(rng, self.settings.slope, ROUGHNESS)
