"""Uniform axes, grids of them with output times, and samples moved from one grid to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError

Array = NDArray[np.float64]
FACES = ("dirichlet", "neumann", "open")  # value given; outward normal derivative given; nothing given
SIDES = ("lower", "upper")
MAX_POINTS = 2**28


@dataclass(frozen=True)
class Axis:
    """A uniform axis. Periodic: on [lower, upper), the end point is not stored; else both ends are points.

    boundary: "periodic", or what is given on the two faces: "dirichlet" (the value), "neumann" (the
    outward normal derivative), "open" (nothing: outflow); "dirichlet-open" names lower and upper apart.
    """

    name: str
    lower: float
    upper: float
    size: int
    boundary: str = "periodic"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.lower) and np.isfinite(self.upper - self.lower) and self.upper > self.lower):
            raise UsageError(f"axis {self.name!r}: upper must be a finite number above lower.")
        if not isinstance(self.size, int) or not 4 <= self.size <= MAX_POINTS:
            raise UsageError(f"axis {self.name!r}: size must be a whole number of at least 4.")
        if not self.periodic and not set(self.faces) <= set(FACES):
            raise UsageError(
                f"axis {self.name!r}: boundary {self.boundary!r} is not periodic, {', '.join(FACES)},"
                " or two of these as in 'dirichlet-neumann'."
            )

    @property
    def length(self) -> float:
        return self.upper - self.lower

    @property
    def periodic(self) -> bool:
        return self.boundary == "periodic"

    @property
    def faces(self) -> tuple[str, str]:
        """What is given at the lower and at the upper end; of a periodic axis ("periodic", "periodic")."""
        lower, dash, upper = self.boundary.partition("-")
        return (lower, upper) if dash else (lower, lower)

    def points(self, size: int | None = None) -> Array:
        n = size or self.size
        if not self.periodic:
            return np.linspace(self.lower, self.upper, n)
        return self.lower + self.length / n * np.arange(n, dtype=np.float64)


@dataclass(frozen=True)
class Grid:
    """Spatial axes (none for an ODE) and the times at which the answer is wanted; times[0] is the start.

    A steady problem has one time, 0.
    """

    axes: tuple[Axis, ...]
    times: Array

    def __post_init__(self) -> None:
        times = np.asarray(self.times, dtype=np.float64)
        if times.ndim != 1 or len(times) < 1 or not np.isfinite(times).all():
            raise UsageError("times must be a list of finite numbers.")
        if not (np.diff(times) > 0).all():
            raise UsageError("times must be sorted, strictly increasing.")
        object.__setattr__(self, "times", times)
        if int(np.prod(self.shape, dtype=float)) * len(times) > MAX_POINTS:
            raise UsageError(f"the grid has more than {MAX_POINTS} points.")

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.size for axis in self.axes)

    @property
    def duration(self) -> float:
        return float(self.times[-1] - self.times[0])


def resample(values: Array, shape: tuple[int, ...], axes: Sequence[Axis]) -> Array:
    """Samples on another grid size, axis by axis: band-limited, or by a spline where an axis has ends."""
    for index, (axis, n) in enumerate(zip(axes, shape, strict=True)):
        old = values.shape[index]
        if n == old:
            continue
        if not axis.periodic:
            from scipy.interpolate import make_interp_spline

            spline = make_interp_spline(axis.points(old), values, k=min(5, old - 1 - old % 2), axis=index)
            values = spline(axis.points(n))
            continue
        spectrum = np.fft.rfft(np.moveaxis(values, index, -1), norm="forward")
        keep = (min(n, old) - 1) // 2 + 1  # the Nyquist mode has no unique continuation: dropped
        resized = np.zeros((*spectrum.shape[:-1], n // 2 + 1), dtype=complex)
        resized[..., :keep] = spectrum[..., :keep]
        values = np.moveaxis(np.fft.irfft(resized, n=n, norm="forward"), -1, index)
    return values
