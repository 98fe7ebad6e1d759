"""One cell of a comparison, of whatever kind its problem is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

MEASURE = "rel. L2 error"


@dataclass(frozen=True)
class Row:
    """`error` is the worst field's relative L2 error, or what `measure` says; NaN when there is none.

    Of a family it is the mean over `members`, with its standard error `spread`; `correlated` is the mean time for which
    the correlation with the reference stays above 0.8, `valid` (of a family without axes) the mean time for which the
    error stays below 0.4, `training` the seconds that went into the model. `more`: what problems of this kind have
    beside it, by heading.
    """

    problem: str
    solver: str
    options: dict[str, object]
    seed: int
    outcome: str  # "ok", or what went wrong
    error: float = math.nan
    floor: float = math.nan
    seconds: float = math.nan
    cpu_seconds: float = math.nan
    peak_bytes: float = math.nan
    until: float | None = None
    baseline: float = math.nan  # of a ball: error of k(1 - |x|²/R²), k fitted to the reference
    cell: str = ""
    members: int = 1
    spread: float = math.nan
    correlated: float = math.nan
    valid: float = math.nan
    state_space: float = math.nan  # of a chaotic family without axes: see metrics.attractors
    training: float = math.nan
    classical: bool = True
    measure: str = MEASURE
    more: dict[str, float] = field(default_factory=dict)

    def label(self) -> str:
        """The solver with the options that are not at their defaults."""
        return self.solver + "".join(f" {key}={value}" for key, value in self.options.items())
