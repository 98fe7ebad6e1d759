"""The spectral-mixture kernel of one axis, and its variance on the harmonics of a longer period.

    k(d) = Σ_q w_q g(d; l_q) cos(2π μ_q d)                       (Fang et al., ICLR 2024, eq. 6 and 7)

g is a Gaussian, or a Matérn function, whose spectrum is a Student-t density. Lengths are in units of the axis, so
that d, l and 1/μ are fractions of the domain. On a regular grid k is a Toeplitz matrix; embedded in a circulant one
of period `period` > 1 it is diagonal in cos(ω_j s), sin(ω_j s), ω_j = 2πj/period, with variances

    λ_j = (2 - δ_j0)/period · ½ Σ_q w_q [ĝ(ω_j - 2πμ_q; l_q) + ĝ(ω_j + 2πμ_q; l_q)]

(Poisson's summation: exactly the kernel made periodic, Σ_m k(d + m·period), so always positive definite).
Everything is kept as logarithms: weights span many decades.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, kv

from sciml.problem import Array


@dataclass(frozen=True)
class Mixture:
    """Hyper-parameters, each of shape (Q,): log weights (variance of u), log lengths, frequencies in cycles.

    smoothness: the Matérn order ν (2.5 in the paper); infinity: Gaussian.
    """

    log_weight: Array
    log_length: Array
    frequency: Array
    smoothness: float

    @property
    def vector(self) -> Array:
        return np.concatenate([self.log_weight, self.log_length, self.frequency])

    def with_vector(self, vector: Array) -> Mixture:
        weight, length, frequency = vector.reshape(3, -1)
        return replace(self, log_weight=weight, log_length=length, frequency=frequency)

    def __call__(self, distance: Array) -> Array:
        """k(d), any shape."""
        d = np.abs(np.asarray(distance, dtype=np.float64))[..., None]
        wave = np.cos(2 * np.pi * self.frequency * d)
        return np.asarray((np.exp(self.log_weight) * self._envelope(d / np.exp(self.log_length)) * wave).sum(-1))

    def _envelope(self, r: Array) -> Array:
        nu = self.smoothness
        if np.isinf(nu):
            return np.asarray(np.exp(-0.5 * r * r))
        if nu == 2.5:
            a = np.sqrt(5.0) * r
            return np.asarray((1 + a + a * a / 3) * np.exp(-a))
        a = np.sqrt(2 * nu) * np.maximum(r, 1e-10)
        return np.asarray(2 ** (1 - nu) / np.exp(gammaln(nu)) * a**nu * kv(nu, a))

    def _log_density(self, omega: Array) -> tuple[Array, Array, Array]:
        """log ĝ(ω; l_q), its derivative by log l and by ω, each (J, Q)."""
        length = np.exp(self.log_length)
        z = (omega * length) ** 2
        if np.isinf(self.smoothness):
            return 0.5 * np.log(2 * np.pi) + self.log_length - 0.5 * z, 1 - z, -omega * length**2
        nu = self.smoothness
        constant = np.log(2.0) + 0.5 * np.log(np.pi) + gammaln(nu + 0.5) - gammaln(nu) + nu * np.log(2 * nu)
        base = 2 * nu + z
        value = constant + self.log_length - (nu + 0.5) * np.log(base)
        return value, 1 - (2 * nu + 1) * z / base, -(2 * nu + 1) * omega * length**2 / base

    def log_variance(self, harmonics: Array, period: float) -> tuple[Array, Array]:
        """log λ_j at the given harmonics (J,), and its derivative by `vector`, (J, 3Q)."""
        omega = 2 * np.pi * harmonics[:, None] / period
        shift = 2 * np.pi * self.frequency
        minus, plus = self._log_density(omega - shift), self._log_density(omega + shift)
        terms = np.stack([minus[0] + self.log_weight, plus[0] + self.log_weight])  # (2, J, Q)
        top = terms.max(axis=(0, 2), keepdims=True)
        parts = np.exp(terms - top)
        total = parts.sum(axis=(0, 2), keepdims=True)
        share = parts / total
        norm = np.where(harmonics == 0, 0.5, 1.0) / period
        value = (top + np.log(total))[0, :, 0] + np.log(norm)
        by_length = share[0] * minus[1] + share[1] * plus[1]
        by_frequency = 2 * np.pi * (share[1] * plus[2] - share[0] * minus[2])
        return value, np.concatenate([share.sum(0), by_length, by_frequency], axis=1)
