"""Colours of maps: fields that change sign get a diverging map with white at zero, others a sequential one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .problem import Array

DECADES = 10  # of an error map below its largest value; what is smaller is rounding, or exact


def of_field(values: Array) -> dict[str, Any]:
    """cmap, vmin, vmax for matplotlib; NaN counts for nothing. A tenth of the other sign is a change of sign."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low >= -0.1 * high or high <= -0.1 * low:
        return {"cmap": "viridis", "vmin": low, "vmax": high}
    size = max(-low, high)
    return {"cmap": "RdBu_r", "vmin": -size, "vmax": size}


def log_error(error: Array) -> tuple[Array, dict[str, Any]]:
    """log₁₀ |error| and its colours: at most ten decades, and none for the smallest hundredth or where it is zero."""
    size = np.abs(error)
    shown = np.log10(np.maximum(size, 1e-18))
    some = shown[size > 0]
    high, low = (float(some.max()), float(np.percentile(some, 1))) if some.size else (-17.0, -18.0)
    return shown, {"cmap": "magma", "vmin": min(max(low, high - DECADES), high - 1), "vmax": high}


def above_zero(error: Array) -> Array:
    """For a logarithmic axis: an error of exactly zero is not drawn, unless there is no other."""
    size = np.abs(error)
    return np.where(size > 0, size, np.nan) if (size > 0).any() else np.full_like(size, 1e-18)
