"""The separable ansatz: û_k(t) = û_k(t0) + s·Σ_f c_fk tanh(a_f s + b_f), s = (t - t0)/Tw.

A network in time for every Fourier mode in space, its hidden layer random and frozen, its output layer c found
by Gauss–Newton on the Galerkin residual R = û_t - L û - N(û, t) at the collocation times. In substance this is
space-time spectral collocation with a random-tanh basis in time; it is not an ordinary PINN.

While it contracts well, a step takes the Jacobian of the linear part alone, which every mode solves by itself;
otherwise, where a shorter window would not be cheaper, the whole linear least-squares problem of a Gauss–Newton
iteration is solved by CGLS (Björck, Numerical Methods for Least Squares Problems, 1996, §7.4), preconditioned
from the right by the QR factors of that part. What is accepted rests on the residual, not on how a step was made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from sciml.numerics.pseudospectral import Linearised, PseudoSpectral

from ..causal import Ladder
from ..fit import Ansatz, Fit
from ..methods.objective import Goal, Objective, Trainer
from .preconditioner import ModeFactors
from .time_basis import TimeBasis

SLOW, PATIENCE = 0.6, 3  # contraction that makes a cheap step a poor one, and how many of them are borne
CHEAP_STEPS = 60
STOP = 0.5  # share of the tolerance at which the other methods stop
DENSE_UNKNOWNS = 600  # up to here (ODEs) the Jacobian is formed and solved by QR


LinearMap = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Settings:
    tolerance: float
    causal: bool
    filter_power: float
    iterations: int
    inner: int = 40  # most CGLS iterations in a Gauss–Newton iteration
    full_below: float = math.inf  # a longer window whose cheap steps stall is given up, so that it is shortened
    train: Trainer | None = None  # None: Gauss–Newton, as the module says


@dataclass
class OutputLayer(Objective):
    """For methods that need gradients only. θ = R y / unit with the linear part's R, mode by mode, and the first
    residual as the unit: unknowns of order one, nearly independent, without which such methods hardly move."""

    owner: Separable
    start: Tensor
    t0: float
    length: float
    size: float
    unit: float = 1.0

    def __post_init__(self) -> None:
        origin = torch.zeros(2 * self.owner.time.rank * self.start.numel(), dtype=torch.float64)
        self.unit = self.size * float(self.losses(origin).max().sqrt()) or 1.0

    def output_layer(self, theta: Tensor) -> Tensor:
        """y, (rank, fields, *modes)."""
        z = torch.view_as_complex(theta.reshape(self.owner.time.rank, *self.start.shape, 2))
        return self.unit * self.owner.factors(self.length).inverse(z)

    def losses(self, theta: Tensor) -> Tensor:
        y = self.output_layer(theta)
        return self.owner.losses(self.owner.residual(self.start, y, self.t0, self.length)[0], self.size)


class _Trajectory:
    def __init__(self, owner: Separable, start: Tensor, y: Tensor, t0: float, length: float) -> None:
        self.owner, self.start, self.y, self.t0, self.length = owner, start, y, t0, length

    def __call__(self, times: Tensor) -> Tensor:
        values, _ = self.owner.time.evaluate((times - self.t0) / self.length)
        return self.start + self.owner.combine(values, self.y)


class Separable(Ansatz):
    """See the module. Coefficients y: (rank, fields, *modes), in the orthonormal time basis."""

    def __init__(self, system: PseudoSpectral, time: TimeBasis, settings: Settings) -> None:
        self.system, self.basis, self.time, self.settings = system, system.basis, time, settings
        self.values, self.slopes = time.evaluate(time.nodes)
        self.off_values, self.off_slopes = time.evaluate(time.held_out)
        self.lam = system.diagonal
        self.factors = lru_cache(maxsize=4)(self._factors)

    def combine(self, matrix: Tensor, y: Tensor) -> Tensor:
        """(m, r) times (r, fields, *modes)."""
        flat = torch.view_as_real(y.reshape(y.shape[0], -1)).reshape(y.shape[0], -1)
        out = (matrix @ flat).reshape(matrix.shape[0], -1, 2)
        return torch.view_as_complex(out).reshape(matrix.shape[0], *y.shape[1:])

    def _factors(self, length: float) -> ModeFactors:
        return ModeFactors(self.time, self.lam, length, self.settings.filter_power)

    # -- residual and its derivative --------------------------------------------------------------
    def residual(self, start: Tensor, y: Tensor, t0: float, length: float, off: bool = False) -> tuple[Tensor, Tensor]:
        """Filtered residual (m, fields, *modes) and the states at the collocation (or held-out) times."""
        values, slopes = (self.off_values, self.off_slopes) if off else (self.values, self.slopes)
        nodes = self.time.held_out if off else self.time.nodes
        state = start + self.combine(values, y)
        rate = self.combine(slopes, y) / length - self.system.rate(state, t0 + length * nodes)
        return self.factors(length).scale * rate, state

    def losses(self, residual: Tensor, size: float) -> Tensor:
        """L_i: mean square over space of the filtered residual at time i, relative to the solution's size²."""
        square = self.basis.weights * (residual.real**2 + residual.imag**2)
        return square.reshape(len(residual), -1).sum(1) / size**2

    def ladder(self) -> Ladder:
        return Ladder.for_tolerance(self.settings.tolerance, len(self.time.nodes), self.settings.causal)

    def fit(self, start: Tensor, t0: float, length: float, memory: Tensor | None = None) -> Fit:
        if self.settings.train is not None:
            return self._descend(self.settings.train, start, t0, length)
        settings, ladder = self.settings, self.ladder()
        y = torch.zeros((self.time.rank, *start.shape), dtype=start.dtype)
        size = max(float(self.losses(start[None], 1.0).sum().sqrt()), 1e-300)
        residual, state = self.residual(start, y, t0, length)
        losses = self.losses(residual, size)
        cheap = bool(self.basis.dim)  # an ODE's Jacobian is small: no need for less
        inner_total, cheap_steps, full_steps, poor, done, worst = 0, 0, 0, 0, False, float("inf")
        while cheap_steps < CHEAP_STEPS and full_steps < settings.iterations:
            self.tick()
            weights = ladder.weights(losses)
            row = torch.sqrt(self.time.quadrature * weights).reshape(-1, *[1] * (residual.dim() - 1))
            if cheap:
                y, cheap_steps = y - self.factors(length).solve(row * residual), cheap_steps + 1
            else:
                step, inner = self._gauss_newton(residual, state, t0, length, row)
                y, full_steps, inner_total = y - step, full_steps + 1, inner_total + inner
            residual, state = self.residual(start, y, t0, length)
            losses = self.losses(residual, size)
            previous, worst = worst, float(losses.max().sqrt())
            if not worst < 1e6:  # also NaN
                break
            stalled = worst > SLOW * previous
            if stalled or worst < settings.tolerance:  # a rung is left when it has given what it can
                done = ladder.climb(losses)
            if done and (worst < 0.01 * settings.tolerance or (stalled and worst < settings.tolerance)):
                break  # as far as is asked, or as rounding and the basis allow
            poor = poor + 1 if stalled else 0
            if poor >= (PATIENCE if done or cheap else settings.iterations):
                if not cheap or length > settings.full_below:
                    break
                cheap, poor = False, 0
        iteration = cheap_steps + full_steps
        off, _ = self.residual(start, y, t0, length, off=True)
        held_out = float(self.losses(off, size).max().sqrt())
        return Fit(
            at=_Trajectory(self, start, y, t0, length), residual=worst, held_out=held_out, converged=done,
            weights=ladder.weights(losses), iterations=iteration,
            cost={
                "cheap_steps": cheap_steps, "gauss_newton_steps": full_steps, "inner_iterations": inner_total,
                "residual_evaluations": iteration + 2, "tangent_evaluations": 2 * inner_total,
            },
        )  # fmt: skip

    def _descend(self, train: Trainer, start: Tensor, t0: float, length: float) -> Fit:
        size = max(float(self.losses(start[None], 1.0).sum().sqrt()), 1e-300)
        objective = OutputLayer(self, start, t0, length, size)
        origin = torch.zeros(2 * self.time.rank * start.numel(), dtype=torch.float64)
        goal = Goal(STOP * self.settings.tolerance, self.settings.iterations, self.tick)
        trained = train(objective, origin, self.ladder(), goal)
        y = objective.output_layer(trained.theta)
        off, _ = self.residual(start, y, t0, length, off=True)
        return Fit(
            at=_Trajectory(self, start, y, t0, length), residual=trained.worst,
            held_out=float(self.losses(off, size).max().sqrt()), converged=trained.done, weights=trained.weights,
            iterations=trained.iterations, cost={"residual_evaluations": trained.evaluations},
            stopped_at_goal=trained.worst < goal.residual,
        )  # fmt: skip

    def _gauss_newton(
        self, residual: Tensor, state: Tensor, t0: float, length: float, row: Tensor
    ) -> tuple[Tensor, int]:
        """Minimise Σ_i |row_i (J δ - r)_i|² over δ; returns δ (rank, fields, *modes) and the inner iterations."""
        factors, times = self.factors(length), t0 + length * self.time.nodes
        tangent = self.system.linearise(state, times)
        if not self.basis.dim and residual[0].numel() * self.time.rank <= DENSE_UNKNOWNS:
            return self._dense(tangent, length, row, row * residual), 1

        def jacobian(delta: Tensor) -> Tensor:
            v = self.combine(self.values, delta)
            rate = self.combine(self.slopes, delta) / length
            return row * factors.scale * (rate - self.system.apply_linear(v) - tangent.apply(v))

        def adjoint(w: Tensor) -> Tensor:
            w = row * factors.scale * w
            back = self.combine(self.slopes.T, w) / length
            return back - self.combine(self.values.T, self.system.adjoint_linear(w) + tangent.adjoint(w))

        return self._cgls(jacobian, adjoint, row * residual, factors)

    def _dot(self, a: Tensor, b: Tensor) -> float:
        return float((self.basis.weights * (a.real * b.real + a.imag * b.imag)).sum())

    def _cgls(
        self, jacobian: LinearMap, adjoint: LinearMap, right: Tensor, factors: ModeFactors
    ) -> tuple[Tensor, int]:
        """CGLS on J R⁻¹ z = right, δ = R⁻¹ z summed as it goes, until |gradient| has fallen by 1e-3 or `inner`
        iterations are done."""
        delta = torch.zeros((self.time.rank, *right.shape[1:]), dtype=right.dtype)
        left = right
        s = factors.inverse_adjoint(adjoint(left))
        p, gamma = s, self._dot(s, s)
        stop, count = 1e-6 * gamma, 0
        while count < self.settings.inner and gamma > stop and gamma > 0:
            direction = factors.inverse(p)
            image = jacobian(direction)
            step = gamma / max(self._dot(image, image), 1e-300)
            delta, left = delta + step * direction, left - step * image
            s = factors.inverse_adjoint(adjoint(left))
            gamma, previous = self._dot(s, s), gamma
            p = s + (gamma / previous) * p
            count += 1
        return delta, count

    def _dense(self, tangent: Linearised, length: float, row: Tensor, right: Tensor) -> Tensor:
        """Small systems (ODEs): the whole Jacobian at once, then least squares by QR."""
        rank, fields = self.time.rank, right.shape[1]
        one = torch.eye(fields, dtype=right.dtype)  # column (j, f): basis function j in field f
        v = torch.einsum("mj,fg->jfmg", self.values.to(right.dtype), one).reshape(rank * fields, -1, fields)
        rate = torch.einsum("mj,fg->jfmg", self.slopes.to(right.dtype), one).reshape(v.shape) / length
        images = row * self.factors(length).scale * (rate - self.system.apply_linear(v) - tangent.apply(v))
        matrix = images.real.reshape(rank * fields, -1).T
        q, r = torch.linalg.qr(matrix)
        solution: Tensor = torch.linalg.solve_triangular(r, q.T @ right.real.reshape(-1, 1), upper=True)
        return solution.reshape(rank, fields).to(right.dtype)
