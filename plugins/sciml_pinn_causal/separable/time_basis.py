"""The network in time: s·(c_0 + Σ c_f tanh(a_f s + b_f)), zero at the window's start s = 0.

Random tanh features are nearly dependent: in double precision their span looks much smaller than it is, and the
residual stalls near 1e-8. So they are orthonormalised on the collocation times once, in 60-digit arithmetic,
and the orthonormal combinations are kept as Chebyshev series. What is trained are coordinates in that basis;
the functions spanned are the same networks.
"""

from __future__ import annotations

from dataclasses import dataclass

import mpmath
import numpy as np
import torch
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss
from torch import Tensor

DIGITS, SERIES = 60, 96


@dataclass(frozen=True)
class TimeBasis:
    """Orthonormal combinations of the features on s in [0, 1].

    nodes, quadrature: Gauss–Legendre collocation times and weights, (m,); held_out: times half-way between
    them and between the last and the window's end. series: Chebyshev coefficients of every basis function,
    (terms, rank).
    """

    series: np.ndarray
    nodes: Tensor
    quadrature: Tensor
    held_out: Tensor

    @classmethod
    def draw(cls, rng: np.random.Generator, features: int, times: int, slope: float) -> TimeBasis:
        """Hidden weights: slopes ±U(0.3, 1)·slope, centres spread evenly over the window with jitter."""
        slopes = rng.choice([-1.0, 1.0], size=features) * slope * rng.uniform(0.3, 1.0, size=features)
        centres = (np.arange(features) + rng.uniform(0, 1, size=features)) / features
        x, w = leggauss(times)
        nodes, weights = (x + 1) / 2, w / 2
        edges = np.concatenate([nodes, [1.0]])
        between = (edges[1:] + edges[:-1]) / 2
        points = (np.cos(np.pi * (np.arange(SERIES) + 0.5) / SERIES) + 1) / 2
        with mpmath.workdps(DIGITS):
            columns = _features(nodes, slopes, centres)
            mix = _orthonormalise(columns * np.array([[mpmath.sqrt(v)] for v in weights]))
            values = (_features(points, slopes, centres) @ mix).astype(np.float64)
        series = chebyshev.chebfit(2 * points - 1, values, SERIES - 1)
        return cls(series, *map(torch.as_tensor, (nodes, weights, between)))

    @property
    def rank(self) -> int:
        return int(self.series.shape[1])

    def evaluate(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """Values and derivatives with respect to s, each (len(s), rank)."""
        x = 2 * s.numpy() - 1
        values = chebyshev.chebval(x, self.series)
        slopes = 2 * chebyshev.chebval(x, chebyshev.chebder(self.series))
        return torch.as_tensor(values.T.copy()), torch.as_tensor(slopes.T.copy())


def _features(s: np.ndarray, slopes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """s and s·tanh(a (s - centre)), exact numbers of DIGITS digits: (len(s), 1 + features)."""
    rows = []
    for point in map(mpmath.mpf, s.tolist()):
        units = (mpmath.tanh(a * (point - c)) for a, c in zip(slopes.tolist(), centres.tolist(), strict=True))
        rows.append([point, *(point * unit for unit in units)])
    return np.array(rows, dtype=object)


def _orthonormalise(columns: np.ndarray) -> np.ndarray:
    """M with orthonormal columns @ M, by modified Gram–Schmidt; M is upper triangular."""
    count = columns.shape[1]
    rest = columns.copy()
    made = np.array([[mpmath.mpf(int(i == j)) for j in range(count)] for i in range(count)], dtype=object)
    for j in range(count):
        size = mpmath.sqrt(rest[:, j] @ rest[:, j])
        rest[:, j], made[:, j] = rest[:, j] / size, made[:, j] / size
        for k in range(j + 1, count):
            share = rest[:, j] @ rest[:, k]
            rest[:, k] = rest[:, k] - share * rest[:, j]
            made[:, k] = made[:, k] - share * made[:, j]
    return made
