"""Harmonics of a period longer than the axis: the functions in which the kernel is diagonal.

Column order: cos(ω_j s) for all j, then sin(ω_j s) for all j ≠ 0, with s in [-1/2, 1/2] along the axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sciml.problem import Array, Axis


@dataclass(frozen=True)
class Features:
    """harmonics: sorted whole numbers j ≥ 0, (J,); period in units of the axis."""

    axis: Axis
    harmonics: Array
    period: float

    @property
    def omega(self) -> Array:
        return 2 * np.pi * self.harmonics / self.period

    def pairs(self) -> Array:
        """For every column the index of its harmonic, (p,)."""
        index = np.arange(len(self.harmonics))
        return np.concatenate([index, index[self.harmonics > 0]])

    @property
    def count(self) -> int:
        return len(self.pairs())

    def matrix(self, points: Array, order: int = 0) -> Array:
        """∂^order of every column at `points` (n,) in the problem's units: (n, p)."""
        s = (np.asarray(points) - self.axis.lower) / self.axis.length - 0.5
        phase = s[:, None] * self.omega + 0.5 * np.pi * order  # a derivative turns the phase by a quarter
        scale = (self.omega / self.axis.length) ** order
        keep = self.harmonics > 0
        return np.concatenate([np.cos(phase) * scale, (np.sin(phase) * scale)[:, keep]], axis=1)


def windows(centres: Array, half_width: int, limit: int) -> Array:
    """The union of harmonics within `half_width` of the centres, between 0 and `limit`, sorted, (J,)."""
    wanted: set[int] = set()
    for centre in centres:
        middle = round(float(centre))
        wanted.update(range(max(0, middle - half_width), min(limit, middle + half_width) + 1))
    return np.array(sorted(wanted), dtype=np.float64)
