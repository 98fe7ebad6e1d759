"""What a solver returns: values on the problem's grid, how it ended, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from .errors import RunFailed
from .problem import Array, Problem

SPREAD_FACTOR = "spread_factor"  # in `history`: (times,), by which a calibration has multiplied the solver's own std


class Status(Enum):
    """How a run ended; the value is the advice printed with it."""

    OK = "solved as asked"
    PARTIAL = "the solver could not go on to the end; values after the time reached are missing (NaN)"
    INACCURATE = "finished, but its own error control was not met; treat the values with care"


@dataclass(frozen=True)
class Solution:
    """float64 values by field, (times, *grid); std, where the solver knows it, of the same shape.

    reached: last time up to which the values are meant. predicted_from: the first output time that is the solver's own
    answer, where earlier ones were given to it; a family is scored from there. cost: counts the solver kept itself
    (function evaluations, matrix-vector products, parameters …); seconds and memory are added by the run.
    history: named series or tables worth keeping (residuals, causal weights, windows, step sizes); with the entry
    `SPREAD_FACTOR`, if std is calibrated.
    message: one sentence on how it went, in the solver's words.
    """

    values: Mapping[str, Array]
    status: Status = Status.OK
    reached: float = np.inf
    predicted_from: float = 0.0
    std: Mapping[str, Array] = field(default_factory=dict)
    cost: Mapping[str, float] = field(default_factory=dict)
    history: Mapping[str, Array] = field(default_factory=dict)
    message: str = ""

    def check(self, problem: Problem) -> None:
        """Raise RunFailed unless this answers what the problem asked."""
        wanted = {name: (len(problem.grid.times), *problem.shape) for name in problem.outputs}
        if set(self.values) != set(wanted):
            raise RunFailed(f"the solver returned fields {sorted(self.values)}, asked were {sorted(wanted)}.")
        until = problem.grid.times <= self.reached
        for name, shape in wanted.items():
            for label, values in (("values", self.values[name]), ("std", self.std.get(name))):
                if values is None:
                    continue
                if values.dtype != np.float64 or values.shape != shape:
                    raise RunFailed(
                        f"the solver's {label} of {name!r} are {values.dtype}{values.shape}, expected float64{shape}."
                    )
                if not np.isfinite(values[until]).all():
                    raise RunFailed(f"the solver's {label} of {name!r} are not finite up to t={self.reached:g}.")
            if name in self.std and (self.std[name][until] < 0).any():
                raise RunFailed(f"the solver's std of {name!r} is negative.")


def raw_std(std: Mapping[str, Array], history: Mapping[str, Array], axis: int = 0) -> dict[str, Array]:
    """std as it was before its calibration; empty where it was not calibrated. axis: the one of time."""
    if SPREAD_FACTOR not in history:
        return {}
    return {
        name: array / history[SPREAD_FACTOR].reshape(-1, *[1] * (array.ndim - axis - 1)) for name, array in std.items()
    }
