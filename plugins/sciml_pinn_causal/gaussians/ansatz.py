"""The ansatz `gaussians`: a sum of Gaussians in (t, x). The first window starts from evenly spread ones.

Nothing is drawn at random. In time they begin much wider than they are apart, which makes nearly the polynomials of
degree < ROWS: as narrow as their distance they leave the ends of the window uncovered, and the residual that the
amplitudes alone reach is thousands of times larger.
"""

from __future__ import annotations

from torch import Tensor

from sciml.errors import UsageError
from sciml.numerics.fourier import FourierBasis
from sciml.problem import Problem

from ..trained import ansatz
from .network import Gaussians

ROWS = 6  # of centres, in time
UNITS_PER_POINT = 6  # by default, of the points that the modes of the basis need


class GaussianSum(ansatz.TrainedAnsatz):
    """See the module."""

    network: Gaussians

    def __init__(self, problem: Problem, basis: FourierBasis, settings: ansatz.Settings) -> None:
        if basis.dim != 1:
            raise UsageError("pinn-causal: ansatz=gaussians works in one space dimension.")
        units = settings.width or UNITS_PER_POINT * (2 * basis.modes[0] + 2)
        super().__init__(problem, basis, settings, Gaussians(units, len(problem.equation.fields)), modes=1)

    def origin(self) -> Tensor:
        """See `TrainedAnsatz`."""
        return self.network.spread(ROWS, self.settings.slope)
