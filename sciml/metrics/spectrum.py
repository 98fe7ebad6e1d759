"""Energy by wavenumber."""

from __future__ import annotations

import numpy as np

from ..problem import Array


def energy_spectrum(values: Array) -> Array:
    """Mean of |u_m|² over all leading axes, m = 0 … n//2, of real fields on a periodic axis: (…, n) -> (n//2 + 1,).

    Normalised so that the sum is the mean square: a·cos(2π m x/L) gives a²/2 at m (Parseval).
    """
    n = values.shape[-1]
    power = np.abs(np.fft.rfft(values, norm="forward")) ** 2
    power[..., 1 : (n + 1) // 2] *= 2  # both signs of m, but for the mean and, n even, the last
    found: Array = power.reshape(-1, power.shape[-1]).mean(0)
    return found


def shell_spectrum(values: Array) -> Array:
    """The same in two dimensions, summed over shells round(|m|) of whole wavenumbers: (…, n, n) -> (n//2 + 1,)."""
    n = values.shape[-1]
    power = np.abs(np.fft.fft2(values, norm="forward")) ** 2
    m = np.fft.fftfreq(n, 1 / n)
    shell = np.rint(np.hypot(m[:, None], m)).astype(int)
    mean = power.reshape(-1, n * n).mean(0)
    found = np.bincount(shell.ravel(), weights=mean, minlength=n // 2 + 1)[: n // 2 + 1]
    return np.asarray(found, dtype=np.float64)
