"""Errors of a field against a reference, on the grid both are given on."""

from __future__ import annotations

import numpy as np

from ..problem import Array


def relative_l2(value: Array, reference: Array) -> float:
    """‖value − reference‖₂ / ‖reference‖₂ over all points (space and time)."""
    return float(np.linalg.norm(value - reference) / np.linalg.norm(reference))


def relative_l2_over_time(value: Array, reference: Array) -> Array:
    """At each time, the L2 error divided by the reference's root mean square over all times. (times,)

    One denominator for all times: a field that decays to nothing does not blow the measure up.
    """
    count = len(reference)
    scale = np.linalg.norm(reference) / np.sqrt(reference.size)
    difference = (value - reference).reshape(count, -1)
    error: Array = np.linalg.norm(difference, axis=1) / np.sqrt(difference.shape[1]) / scale
    return error


def max_error(value: Array, reference: Array) -> float:
    """max |value − reference| / max |reference|."""
    return float(np.abs(value - reference).max() / np.abs(reference).max())


def drift(values: Array) -> float:
    """Largest departure of a conserved quantity from its first value, relative to its size (or absolute
    where the first value is below 1e-8). values: (times,)."""
    scale = abs(values[0]) if abs(values[0]) > 1e-8 else 1.0
    return float(np.abs(values - values[0]).max() / scale)


def valid_time(error_over_time: Array, times: Array, threshold: float) -> float:
    """Time from the start until the error first exceeds the threshold (the whole span if never)."""
    above = np.nonzero(~(error_over_time <= threshold))[0]
    return float((times[above[0]] if len(above) else times[-1]) - times[0])
