"""How far two long trajectories of a chaotic system differ in what they do in the long run. Definitions, version 1:

`state_space_divergence` D_stsp: Kullback–Leibler divergence of the reference's occupation of the state space from the
other's. In up to three dimensions by 30 bins a dimension that span the reference, with Laplace smoothing of 1e-6 a bin;
what lies outside counts in no bin. In more dimensions by mixtures of unit Gaussians about every point, in standard
deviations of the reference, at 1000 samples from the reference's mixture.
`spectral_distance` D_H: Hellinger distance of normalised power spectra, smoothed by a Gaussian of 20 frequencies, mean
over dimensions.

After Koppe et al. (2019), Mikhaeil, Monfared & Durstewitz (2022) and Hess et al. (2023), who leave some of it open.
Neither is 0 for two trajectories of one system: what they are then, at the same lengths, is their floor.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.special import logsumexp

from ..problem import Array

BINS, SMOOTHING = 30, 1e-6
BINNED = 3  # dimensions up to which bins are taken
SAMPLES, CENTRES = 1000, 20_000  # of the mixtures; of longer trajectories evenly many points are taken
WIDTH = 20.0  # of the spectra's smoothing, in frequencies


def state_space_divergence(value: Array, reference: Array) -> float:
    """D_stsp of (times, dimensions) from a reference (times, dimensions). Infinite where a value is not finite."""
    if not np.isfinite(value).all():
        return math.inf
    return (_binned if reference.shape[1] <= BINNED else _mixtures)(value, reference)


def _binned(value: Array, reference: Array) -> float:
    low, high = reference.min(0), reference.max(0)
    high = np.where(high > low, high, low + 1.0)
    scale = BINS / (high - low)

    def shares(points: Array) -> Array:
        place = np.minimum(((points - low) * scale), BINS + 1.0)
        inside = ((points >= low) & (points <= high)).all(1)
        place = np.minimum(place[inside].astype(np.int64), BINS - 1)
        cells = BINS ** reference.shape[1]
        flat = place @ (BINS ** np.arange(reference.shape[1]))
        counts = np.bincount(flat, minlength=cells)
        found: Array = (counts + SMOOTHING) / (len(points) + SMOOTHING * cells)
        return found

    p, q = shares(reference), shares(value)
    return float((p * np.log(p / q)).sum())


def _mixtures(value: Array, reference: Array) -> float:
    scale = reference.std(0)
    scale[scale == 0] = 1.0
    centres = [a[:: max(1, len(a) // CENTRES)] / scale for a in (reference, value)]
    rng = np.random.default_rng(0)
    chosen = centres[0][rng.integers(len(centres[0]), size=SAMPLES)]
    points = chosen + rng.standard_normal(chosen.shape)
    p, q = (_log_density(points, c) for c in centres)
    return float((p - q).mean())


def _log_density(points: Array, centres: Array) -> Array:
    """Of the mixture of unit Gaussians, but for the factor that all have in common. (points,)"""
    square = (centres**2).sum(1)
    rows = [
        logsumexp(part @ centres.T - 0.5 * square - 0.5 * (part**2).sum(1)[:, None], axis=1)
        for part in np.array_split(points, max(1, len(points) // 50))
    ]
    return np.asarray(np.concatenate(rows) - np.log(len(centres)))


def spectral_distance(value: Array, reference: Array) -> float:
    """D_H of (times, dimensions) from a reference of the same shape, between 0 and 1; 1 where a value is not finite."""
    if not np.isfinite(value).all():
        return 1.0
    found = []
    for ours, exact in zip(value.T, reference.T, strict=True):
        p, q = _spectrum(ours), _spectrum(exact)
        found.append(math.sqrt(max(0.0, 1.0 - float(np.sqrt(p * q).sum()))))
    return float(np.mean(found))


def _spectrum(series: Array) -> Array:
    """Smoothed power by frequency, of sum 1 (of a constant: all of it at frequency 0). (times // 2 + 1,)"""
    moving = series - series.mean()
    size = moving.std()
    if size <= 1e-12 * max(1.0, float(np.abs(series).max())):
        power = np.zeros(len(series) // 2 + 1)
        power[0] = 1.0
        return power
    power = gaussian_filter1d(np.abs(np.fft.rfft(moving / size)) ** 2, WIDTH)
    found: Array = power / power.sum()
    return found
