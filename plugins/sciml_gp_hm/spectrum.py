"""Where the frequencies come from: the spectra of the source and of the boundary data. Never a guessed range."""

from __future__ import annotations

import numpy as np
from scipy.signal.windows import blackmanharris

from sciml.problem import Array

from .kernel import Mixture

SIDE_LOBES = 1e-4  # of the window: what is smaller than this may be leakage of a stronger line
MAIN_LOBE = 4  # its half width in bins
BAND = 0.7  # harmonics are taken up to this share of the collocation grid's Nyquist frequency


def peaks(lines: Array, count: int) -> tuple[Array, Array]:
    """Frequencies in cycles per axis, sorted, and amplitudes, of at most `count` local maxima.

    lines: (n, m), m records on n points from end to end.
    """
    n = len(lines)
    window = blackmanharris(n)[:, None]
    transform = np.fft.rfft(lines * window, axis=0) * (2 / window.sum())
    amplitude = np.sqrt((np.abs(transform) ** 2).mean(axis=1))
    found = []
    for k in range(MAIN_LOBE, len(amplitude) - 1):  # below the main lobe lies the smooth component
        near = amplitude[max(0, k - 2) : k + 3]
        if amplitude[k] >= near.max() and amplitude[k] > SIDE_LOBES * amplitude.max():
            found.append(k)
    strongest = sorted(sorted(found, key=lambda k: -amplitude[k])[:count])
    frequencies = np.array(strongest, dtype=np.float64) * (n - 1) / n  # the record is one spacing short of n
    return frequencies, amplitude[strongest]


def initial_mixtures(
    frequencies: Array, amplitudes: Array, smooth_amplitude: float, envelopes: list[float]
) -> list[Mixture]:
    """One smooth component of frequency 0, and one for every peak, for every envelope; amplitudes are those of u."""
    size = np.concatenate([[smooth_amplitude], amplitudes])
    log_weight = 2 * np.log(np.maximum(size, max(1e-8 * size.max(), 1e-150)))
    all_frequencies = np.concatenate([[0.0], frequencies])
    return [Mixture(log_weight, np.full(len(size), np.log(0.5)), all_frequencies, nu) for nu in envelopes]
