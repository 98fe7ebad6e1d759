"""What a solver of transport problems returns: potentials, how it ended, what it cost. The core measures the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import RunFailed
from ..problem import Array
from ..solution import Status
from .problem import Transport


@dataclass(frozen=True)
class SparsePlan:
    """P by its rows: row i has value[start_i:start_i+1] in columns index[start_i:start_i+1]; left_out: missing mass."""

    start: NDArray[np.int64]
    index: NDArray[np.int32]
    value: Array
    left_out: float = 0.0


@dataclass(frozen=True)
class TransportSolution:
    """phi: (n,), psi: (m,): potentials relative to the measures, P_ij = r_i c_j exp((phi_i + psi_j - C_ij)/eps).

    eps: the problem's; or 0 without entropy, when phi, psi are the linear programme's potentials and there is a plan.
    message: why it stopped, in the solver's words. cost: counts it kept itself. history: named series. numbers: what it
    found beside the plan (a Sinkhorn divergence …).
    """

    phi: Array
    psi: Array
    eps: float
    status: Status = Status.OK
    plan: SparsePlan | None = None
    message: str = ""
    cost: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, Array] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)

    def check(self, problem: Transport) -> None:
        """Raise RunFailed unless this answers what the problem asked."""
        if self.eps not in (0.0, problem.eps):
            raise RunFailed(f"the solver answered at eps = {self.eps:g}, asked was {problem.eps:g}.")
        if self.eps == 0.0 and self.plan is None:
            raise RunFailed("the solver returned no plan; without entropy potentials do not make one.")
        for name, values, size in zip(("phi", "psi"), (self.phi, self.psi), problem.shape, strict=True):
            if values.dtype != np.float64 or values.shape != (size,):
                raise RunFailed(f"the solver's {name} is {values.dtype}{values.shape}, expected float64({size},).")
            if not np.isfinite(values).all():
                raise RunFailed(f"the solver's {name} has entries that are not finite.")
        if self.plan is not None and not (np.isfinite(self.plan.value).all() and (self.plan.value >= 0).all()):
            raise RunFailed("the solver's plan has entries that are negative or not finite.")
