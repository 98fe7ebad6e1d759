"""L2 and H1 norms of fields on uniform grids, and errors relative to them. Definitions, version 1:

    ‖u‖²     = Σ w u²,   w = product over axes of h (periodic), or of h inside and h/2 at both ends (trapezoidal rule)
    ‖u‖²_H1  = ‖u‖² + Σ over axes a of ‖∂_a u‖²

Along a periodic axis of length L the derivative is that of the trigonometric interpolant, k = 2πm/L for |m| ≤ n/2
(the highest wavenumber of an even n counts as k = πn/L): with periodic axes only,
‖u‖²_H1 = V Σ_k (1 + |k|²) |û_k|², û the Fourier coefficients and V the volume.
Along an axis with ends ‖∂_a u‖² = Σ over edges of ((u_{i+1} − u_i)/h)² h, times the weights w of the other axes: the
squared H1 seminorm of the piecewise linear interpolant along that axis.

Fields are (…, *grid), grids as in `Axis`: without the end point if periodic, with both ends otherwise. Axes before the
grid's are separate fields: norms and errors are (…).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..problem import Array


def weights(size: int, length: float, periodic: bool) -> Array:
    """Quadrature weights along an axis; their sum is its length."""
    if periodic:
        return np.full(size, length / size)
    line = np.full(size, length / (size - 1))
    line[[0, -1]] /= 2
    return line


def _square(u: Array, lines: Sequence[Array]) -> Array:
    """Σ w u² over the grid; lines: the weights along each of its axes."""
    total = u**2
    for line in reversed(lines):
        total = total @ line
    return total


def _square_of_derivative(u: Array, axis: int, lengths: Sequence[float], periodic: Sequence[bool]) -> Array:
    """‖∂_a u‖², (…), of u (…, *grid)."""
    dim, n = len(lengths), u.shape[axis - len(lengths)]
    lines = [weights(s, length, p) for s, length, p in zip(u.shape[-dim:], lengths, periodic, strict=True)]
    if periodic[axis]:
        k = 2 * np.pi * np.abs(np.fft.fftfreq(n, 1 / n)) / lengths[axis]
        slope = np.abs(np.fft.fft(u, axis=axis - dim, norm="forward"))
        lines[axis] = lengths[axis] * k**2  # Parseval along this axis
    else:
        slope = np.diff(u, axis=axis - dim)
        lines[axis] = np.full(n - 1, (n - 1) / lengths[axis])  # (Δu/h)² h
    return _square(slope, lines)


def l2_norm(u: Array, lengths: Sequence[float], periodic: Sequence[bool]) -> Array:
    """‖u‖ of fields (…, *grid)."""
    grid = u.shape[-len(lengths) :]
    return np.sqrt(_square(u, [weights(n, a, p) for n, a, p in zip(grid, lengths, periodic, strict=True)]))


def h1_norm(u: Array, lengths: Sequence[float], periodic: Sequence[bool]) -> Array:
    """‖u‖_H1 of fields (…, *grid)."""
    total = l2_norm(u, lengths, periodic) ** 2
    for axis in range(len(lengths)):
        total = total + _square_of_derivative(u, axis, lengths, periodic)
    return np.sqrt(total)


def relative_l2(value: Array, reference: Array, lengths: Sequence[float], periodic: Sequence[bool]) -> Array:
    """‖value − reference‖ / ‖reference‖ of each field. (Unlike `norms.relative_l2` it knows the ends' weights.)"""
    return l2_norm(value - reference, lengths, periodic) / l2_norm(reference, lengths, periodic)


def relative_h1(value: Array, reference: Array, lengths: Sequence[float], periodic: Sequence[bool]) -> Array:
    """‖value − reference‖_H1 / ‖reference‖_H1 of each field."""
    return h1_norm(value - reference, lengths, periodic) / h1_norm(reference, lengths, periodic)
