"""What a report can draw and quote of a finished cell: plain arrays and numbers, the same for every kind of problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..problem import Array, Axis

__all__ = ["About", "Curve", "Evidence"]


@dataclass(frozen=True)
class Curve:
    """y over x, both (n,). log: whether y is drawn by powers of ten."""

    x: Array
    y: Array
    x_label: str
    y_label: str
    log: bool = True


@dataclass(frozen=True)
class About:
    """What is asked, in words. lyapunov: leading exponent, 0 where nothing is chaotic."""

    name: str
    title: str = ""
    text: str = ""
    equation: str = ""
    facts: tuple[str, ...] = ()
    reference: str = ""
    lyapunov: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """Of one cell. curve: error over time or what stands for it, floor: the reference's own. spectrum: energy by whole
    wavenumber. found, exact: (times, *axes) by field, of a family its first member. coverage: share of points in 95 %
    intervals, `raw` before calibration. The rest is the result file's record."""

    curve: Curve | None = None
    floor: Curve | None = None
    spectrum: Array | None = None
    exact_spectrum: Array | None = None
    spectrum_of: str = ""
    axes: tuple[Axis, ...] = ()
    times: Array | None = None
    found: Mapping[str, Array] = field(default_factory=dict)
    exact: Mapping[str, Array] = field(default_factory=dict)
    coverage: float | None = None
    coverage_raw: float | None = None
    scores: Mapping[str, Any] = field(default_factory=dict)
    ledger: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] | None = None
    device: str = "cpu"
    dtype: str = "float64"
