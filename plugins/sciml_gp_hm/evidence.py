"""Gaussian-process regression in weight space: marginal likelihood with its gradient, and the posterior.

    rows = A c + noise,  c ~ N(0, diag λ),  noise variance σ² on the equation's rows, σ_b² on the boundary's

m right-hand sides may share the rows (the lines of a 2-D grid). Everything goes through one QR factorisation of
[A_b Λ^½/σ_b; A Λ^½/σ; I]; no product AᵀA is formed, which would lose half of the digits. With z the whitened
coefficients and H = I + ÂᵀÂ = RᵀR,

    log p = -½ [ m log|H| + m n log σ² + m n_b log σ_b² + ‖ρ‖² + ‖z‖² + m (n + n_b) log 2π ]
    ∂ log p/∂ log λ_j = ½ [ ‖z_j‖² + m (H⁻¹_jj - 1) ],   ∂ log p/∂ log σ² = ½ [ ‖ρ_eq‖² - m (n - tr_eq) ]

(Rasmussen & Williams 2006, eq. 2.30 and 5.9, by the matrix inversion lemma).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from sciml.problem import Array

NEGLIGIBLE = 1e-4  # a column this small against the noise changes log p by less than its square


@dataclass(frozen=True)
class Posterior:
    """mean (p, m) of c; root (p, p'): covariance of c is root rootᵀ."""

    mean: Array
    root: Array


@dataclass(frozen=True)
class Evaluation:
    value: float  # log p
    by_log_variance: Array  # (p,)
    by_log_noise: float  # by log σ²
    posterior: Posterior
    freedom: float  # degrees of freedom the data fix: p - tr H⁻¹


class Evidence:
    """Rows of the equation (n, p) and of the boundary (n_b, p), right-hand sides (n, m) and (n_b, m)."""

    def __init__(self, rows: Array, data: Array, boundary: Array, boundary_data: Array, boundary_noise: float) -> None:
        self.n, self.count = rows.shape
        self.m = data.shape[1]
        self.scale = float(np.sqrt(np.mean(data**2)))  # rms of the data
        self.boundary, self.boundary_data, self.boundary_noise = boundary, boundary_data, boundary_noise
        if self.n > self.count:  # the part of the data outside the columns' span is a constant
            q, self.rows = qr(rows, mode="economic")
            self.data = q.T @ data
            outside = data - q @ self.data
            correction = q.T @ outside  # twice is enough: the rest must be exact far below the data's rounding
            outside -= q @ correction
            self.data += correction
            self.outside = float((outside**2).sum())
        else:
            self.rows, self.data, self.outside = rows, data, 0.0
        self.size = np.sqrt((self.rows**2).sum(axis=0))

    def evaluate(self, log_variance: Array, log_noise: float) -> Evaluation:
        """log_variance (p,) of the coefficients; log_noise = log σ²."""
        deviation, sigma = np.exp(0.5 * log_variance), float(np.exp(0.5 * log_noise))
        edge = np.abs(self.boundary).max(axis=0, initial=0.0) / self.boundary_noise
        active = deviation * np.maximum(self.size / sigma, edge) > NEGLIGIBLE
        scale = deviation[active]
        p, m = len(scale), self.m
        a = self.rows[:, active] * (scale / sigma)
        b = self.boundary[:, active] * (scale / self.boundary_noise)
        y, g = self.data / sigma, self.boundary_data / self.boundary_noise
        stacked = np.vstack([np.hstack([b, g]), np.hstack([a, y]), np.eye(p, p + m)])
        (triangle,) = qr(stacked, mode="r", overwrite_a=True, check_finite=False)
        r = triangle[:p, :p]
        z = solve_triangular(r, triangle[:p, p:], check_finite=False)
        inverse = solve_triangular(r, np.eye(p), check_finite=False)
        diagonal = (inverse**2).sum(axis=1)
        misfit = float(((a @ z - y) ** 2).sum()) + self.outside / sigma**2
        misfit_boundary = float(((b @ z - g) ** 2).sum())
        log_det = 2 * float(np.log(np.abs(np.diag(r))).sum())
        nb = len(self.boundary)
        constant = (self.n + nb) * np.log(2 * np.pi) + self.n * log_noise + 2 * nb * np.log(self.boundary_noise)
        value = -0.5 * (m * (log_det + constant) + misfit + misfit_boundary + float((z**2).sum()))
        traced = p - float(diagonal.sum()) - float(((b @ inverse) ** 2).sum())
        gradient = np.zeros(self.count)
        gradient[active] = 0.5 * ((z**2).sum(axis=1) + m * (diagonal - 1))
        mean, root = np.zeros((self.count, m)), np.zeros((self.count, p))
        mean[active], root[active] = scale[:, None] * z, scale[:, None] * inverse
        return Evaluation(
            value, gradient, 0.5 * (misfit - m * (self.n - traced)), Posterior(mean, root), p - float(diagonal.sum())
        )
