"""Whether a solver's stated standard deviations are borne out."""

from __future__ import annotations

import numpy as np

from ..problem import Array

NORMAL_95 = 1.959963984540054  # a normal variable lies within so many standard deviations with probability 0.95


def coverage(value: Array, std: Array, reference: Array) -> float:
    """Share of the points whose interval value ± 1.96 std holds the reference; 0.95 if the spread is honest.

    All arrays have one shape. A share near one says that the spread is too wide, not that the solver is good.
    """
    return float(np.mean(np.abs(value - reference) <= NORMAL_95 * std))
