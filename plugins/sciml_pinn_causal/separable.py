"""The separable ansatz: û_k(t) = û_k(t0) + s·Σ_f c_fk tanh(a_f s + b_f), s = (t - t0)/Tw.

A network in time for every Fourier mode in space, its hidden layer random and frozen, its output layer c found
by Gauss–Newton on the Galerkin residual R = û_t - L û - N(û, t) at the collocation times. In substance this is
space-time spectral collocation with a random-tanh basis in time; it is not an ordinary PINN.

The linear least-squares problem of each iteration is solved by CGLS (Björck, Numerical Methods for Least Squares
Problems, 1996, §7.4), preconditioned from the right by the QR factors of the linear part of every mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from sciml.numerics.pseudospectral import Linearised, PseudoSpectral

from .causal import Ladder
from .fit import Ansatz, Fit
from .time_basis import TimeBasis

DENSE_UNKNOWNS = 600  # up to here (ODEs) the Jacobian is formed and solved by QR


@dataclass(frozen=True)
class Settings:
    tolerance: float
    causal: bool
    filter_power: float
    iterations: int
    inner: int


class _Trajectory:
    def __init__(self, owner: Separable, start: Tensor, y: Tensor, t0: float, length: float) -> None:
        self.owner, self.start, self.y, self.t0, self.length = owner, start, y, t0, length

    def __call__(self, times: Tensor) -> Tensor:
        values, _ = self.owner.time.evaluate((times - self.t0) / self.length)
        return self.start + self.owner.combine(values, self.y)


@dataclass(frozen=True)
class _Linear:
    """The preconditioner for one window length: A_k = f_k (Φ'/Tw - λ_k Φ) = Q_k R_k for every mode."""

    scale: Tensor  # f_k = Tw/(1 + Tw|λ_k|)^p, (fields, *modes)
    inverse: Tensor  # R_k^-1, (fields, M, r, r)


class Separable(Ansatz):
    """See the module. Coefficients y: (rank, fields, *modes), in the orthonormal time basis."""

    def __init__(self, system: PseudoSpectral, time: TimeBasis, settings: Settings) -> None:
        self.system, self.basis, self.time, self.settings = system, system.basis, time, settings
        self.values, self.slopes = time.evaluate(time.nodes)
        self.off_values, self.off_slopes = time.evaluate(time.held_out)
        self.lam = system.diagonal
        self.root = torch.sqrt(self.basis.weights)
        self.linear = lru_cache(maxsize=6)(self._linear)

    def combine(self, matrix: Tensor, y: Tensor) -> Tensor:
        """(m, r) times (r, fields, *modes)."""
        flat = torch.view_as_real(y.reshape(y.shape[0], -1)).reshape(y.shape[0], -1)
        out = (matrix @ flat).reshape(matrix.shape[0], -1, 2)
        return torch.view_as_complex(out).reshape(matrix.shape[0], *y.shape[1:])

    def _linear(self, length: float) -> _Linear:
        lam = self.lam.reshape(len(self.lam), -1)  # (fields, M)
        scale = length / (1 + length * lam.abs()) ** self.settings.filter_power
        blocks = self.slopes / length - lam[..., None, None] * self.values  # (fields, M, m, r)
        rows = torch.sqrt(self.time.quadrature)[:, None] * blocks * scale[..., None, None]
        upper = torch.linalg.qr(rows, mode="r").R
        eye = torch.eye(self.time.rank, dtype=upper.dtype).expand_as(upper)
        inverse = torch.linalg.solve_triangular(upper, eye, upper=True)
        return _Linear(scale.reshape(self.lam.shape), inverse)

    # -- residual and its derivative --------------------------------------------------------------
    def _residual(self, start: Tensor, y: Tensor, t0: float, length: float, off: bool = False) -> tuple[Tensor, Tensor]:
        """Filtered residual (m, fields, *modes) and the states at the collocation (or held-out) times."""
        values, slopes = (self.off_values, self.off_slopes) if off else (self.values, self.slopes)
        nodes = self.time.held_out if off else self.time.nodes
        state = start + self.combine(values, y)
        rate = self.combine(slopes, y) / length - self.system.rate(state, t0 + length * nodes)
        return self.linear(length).scale * rate, state

    def losses(self, residual: Tensor, size: float) -> Tensor:
        """L_i: mean square over space of the filtered residual at time i, relative to the solution's size²."""
        square = self.basis.weights * (residual.real**2 + residual.imag**2)
        return square.reshape(len(residual), -1).sum(1) / size**2

    def fit(self, start: Tensor, t0: float, length: float, window: int) -> Fit:
        settings, ladder = self.settings, Ladder(active=self.settings.causal)
        y = torch.zeros((self.time.rank, *start.shape), dtype=start.dtype)
        size = max(float(self.losses(start[None], 1.0).sum().sqrt()), 1e-300)
        residual, state = self._residual(start, y, t0, length)
        losses = self.losses(residual, size)
        inner_total, done, iteration, worst = 0, False, 0, float("inf")
        for iteration in range(1, settings.iterations + 1):
            weights = ladder.weights(losses)
            step, inner = self._gauss_newton(residual, state, t0, length, weights)
            inner_total += inner
            y = y - step
            residual, state = self._residual(start, y, t0, length)
            losses = self.losses(residual, size)
            previous, worst = worst, float(losses.max().sqrt())
            if not worst < 1e6:  # also NaN
                break
            done = ladder.climb(losses)
            if done and (worst < 0.01 * settings.tolerance or worst > 0.5 * previous):
                break  # converged, or as far as rounding and the basis allow
            if worst > 0.9 * previous and iteration > 3 and not settings.causal:
                break
        off, _ = self._residual(start, y, t0, length, off=True)
        held_out = float(self.losses(off, size).max().sqrt())
        return Fit(
            at=_Trajectory(self, start, y, t0, length), residual=worst, held_out=held_out, converged=done,
            weights=ladder.weights(losses), iterations=iteration,
            cost={"gauss_newton_iterations": iteration, "inner_iterations": inner_total},
        )  # fmt: skip

    def _gauss_newton(
        self, residual: Tensor, state: Tensor, t0: float, length: float, weights: Tensor
    ) -> tuple[Tensor, int]:
        """Minimise Σ_i q_i w_i |J δ - r|² over δ; returns δ (rank, fields, *modes) and the inner iterations."""
        linear, times = self.linear(length), t0 + length * self.time.nodes
        tangent = self.system.linearise(state, times)
        row = torch.sqrt(self.time.quadrature * weights).reshape(-1, *[1] * (residual.dim() - 1))
        filtered = linear.scale

        def jacobian(delta: Tensor) -> Tensor:
            v = self.combine(self.values, delta)
            rate = self.combine(self.slopes, delta) / length
            return row * filtered * (rate - self.system.apply_linear(v) - tangent.apply(v))

        if not self.basis.dim and residual[0].numel() * self.time.rank <= DENSE_UNKNOWNS:
            return self._dense(tangent, length, row, row * residual), 1

        def adjoint(w: Tensor) -> Tensor:
            w = row * filtered * w
            back = self.combine(self.slopes.T, w) / length
            return back - self.combine(self.values.T, self.system.adjoint_linear(w) + tangent.adjoint(w))

        return self._cgls(jacobian, adjoint, row * residual, linear)

    def _precondition(self, matrices: Tensor, z: Tensor, transpose: bool = False) -> Tensor:
        flat = z.reshape(z.shape[0], len(self.lam), -1).permute(1, 2, 0)  # (fields, M, r)
        matrices = matrices.mH if transpose else matrices
        return (matrices @ flat[..., None])[..., 0].permute(2, 0, 1).reshape(z.shape)

    def _dot(self, a: Tensor, b: Tensor) -> float:
        return float((self.basis.weights * (a.real * b.real + a.imag * b.imag)).sum())

    def _cgls(self, jacobian, adjoint, right: Tensor, linear: _Linear) -> tuple[Tensor, int]:  # type: ignore[no-untyped-def]
        """CGLS on J R^-1 z = right, until the normal residual has fallen by 1e-3 or `inner` steps are done."""
        z = torch.zeros((self.time.rank, *right.shape[1:]), dtype=right.dtype)
        left = right
        s = self._precondition(linear.inverse, adjoint(left), transpose=True)
        p, gamma = s, self._dot(s, s)
        stop, count = 1e-6 * gamma, 0
        while count < self.settings.inner and gamma > stop and gamma > 0:
            direction = self._precondition(linear.inverse, p)
            image = jacobian(direction)
            step = gamma / max(self._dot(image, image), 1e-300)
            z, left = z + step * direction, left - step * image
            s = self._precondition(linear.inverse, adjoint(left), transpose=True)
            gamma, previous = self._dot(s, s), gamma
            p = s + (gamma / previous) * p
            count += 1
        return z, count

    def _dense(self, tangent: Linearised, length: float, row: Tensor, right: Tensor) -> Tensor:
        """Small systems (ODEs): the whole Jacobian at once, then least squares by QR."""
        rank, fields = self.time.rank, right.shape[1]
        one = torch.eye(fields, dtype=right.dtype)  # column (j, f): basis function j in field f
        v = torch.einsum("mj,fg->jfmg", self.values.to(right.dtype), one).reshape(rank * fields, -1, fields)
        rate = torch.einsum("mj,fg->jfmg", self.slopes.to(right.dtype), one).reshape(v.shape) / length
        images = row * self.linear(length).scale * (rate - self.system.apply_linear(v) - tangent.apply(v))
        matrix = images.real.reshape(rank * fields, -1).T
        q, r = torch.linalg.qr(matrix)
        solution = torch.linalg.solve_triangular(r, q.T @ right.real.reshape(-1, 1), upper=True)
        return solution.reshape(rank, fields).to(right.dtype)
