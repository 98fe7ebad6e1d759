"""Whether a solver's stated standard deviations are borne out, and by what factor they would be."""

from __future__ import annotations

import math

import numpy as np

from ..problem import Array

NORMAL_95 = 1.959963984540054  # a normal variable lies within so many standard deviations with probability 0.95


def coverage(value: Array, std: Array, reference: Array) -> float:
    """Share of the points whose interval value ± 1.96 std holds the reference; 0.95 if the spread is honest.

    All arrays have one shape. A share near one says that the spread is too wide, not that the solver is good.
    """
    return float(np.mean(np.abs(value - reference) <= NORMAL_95 * std))


def coverage_text(share: float, raw: float | None) -> str:
    """A coverage in words, with what it was before the spread was calibrated (None: it is not)."""
    before = "not calibrated" if raw is None else f"before calibration {100 * raw:.1f} %"
    return f"1.96 standard deviations hold {100 * share:.1f} % of the points ({before})"


def inflation(value: Array, std: Array, reference: Array) -> float:
    """The factor for std with which `coverage` is 0.95 on these very points; all arrays have one shape, std > 0.

    The quantile of normalised errors of split conformal prediction (Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, JASA
    2018), stated as a factor of the deviation.
    """
    return float(np.quantile(np.abs(value - reference) / std, 0.95)) / NORMAL_95


def few_samples(count: int) -> float:
    """The factor for the standard deviation of `count` >= 2 samples with which mean ± 1.96 std holds a further sample
    of the same normal law with probability 0.95: √(1 + 1/M) t_(0.975, M - 1) / 1.96."""
    from scipy.special import stdtrit

    return math.sqrt(1 + 1 / count) * float(stdtrit(count - 1, 0.975)) / NORMAL_95
