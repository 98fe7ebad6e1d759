"""How long a forecast stays correlated with the truth (Kochkov et al. 2021; Lippe et al. 2023, section 4)."""

from __future__ import annotations

import numpy as np

from ..problem import Array


def correlation(value: Array, reference: Array) -> Array:
    """Pearson correlation over space at each time. (…, times, *space) twice, `space` one axis or flattened last.

    value, reference: (times, points) or (members, times, points); the result lacks the last axis. Where a field does
    not vary in space the correlation is 1 if both do not, and 0 if one does.
    """
    a = value - value.mean(-1, keepdims=True)
    b = reference - reference.mean(-1, keepdims=True)
    size = np.sqrt((a * a).sum(-1) * (b * b).sum(-1))
    both = ((a * a).sum(-1) == 0) & ((b * b).sum(-1) == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Array = np.where(size > 0, (a * b).sum(-1) / size, np.where(both, 1.0, 0.0))
    return np.nan_to_num(found, nan=0.0)


def first_crossing(correlations: Array, times: Array, threshold: float) -> Array:
    """Time from the start until the correlation first falls below the threshold; the whole span if it never does.

    (…, times) -> (…). The first fall counts, whatever happens later.
    """
    below = correlations < threshold
    index = np.where(below.any(-1), below.argmax(-1), len(times) - 1)
    found: Array = times[index] - times[0]
    return found


def mean_and_error(values: Array) -> tuple[float, float]:
    """Mean and its standard error (0 for a single value)."""
    values = np.asarray(values, dtype=np.float64)
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
