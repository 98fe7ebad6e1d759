"""The ansatz `joint`: one network in (t, x), its hidden layer frozen at random, its output layer fitted.

Residuals at Chebyshev times and equispaced points, about twice as many as parameters, filtered per Fourier
mode, causally weighted, minimised by Gauss-Newton. The Jacobian of the linear part of the equation is
factorised once per window length (QR) and preconditions the rest: on windows that the march takes, R⁻¹ turns
condition numbers of 1e10 into less than 10 (measured for Kuramoto–Sivashinsky).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sciml.errors import UsageError
from sciml.numerics.fourier import FourierBasis
from sciml.problem import Problem
from sciml.run import Run

from .. import collocation
from ..causal import Ladder
from ..fit import Ansatz, Fit
from ..methods.objective import Goal, Objective, Trainer
from .features import Features
from .points import Points

TIMES = 8
PER_POINT = 4  # features a point in space: half the collocation times
SLOPE = 0.25  # windows are so short that u is nearly linear in time, and so are the features
ROUGHNESS = 0.22  # spectra of the features then decay over the modes about as those of solutions do
HELD_OUT = 5  # times, the ends of the window among them
NOISE = 1e-2  # share of the tolerance below which a coefficient of the tail is not told from zero
KEPT_LENGTHS = 3
CG_STEPS, CG_DROP = 60, 1e-3
FAINT = 1e-4  # smallest causal weight with which the unweighted factor still preconditions
RIDGE = 1e-13
DAMPING = 1e-2  # Levenberg's, in the variables of the preconditioner
STALLED = 4
STOP = 0.5  # share of the tolerance at which the other methods stop


@dataclass(frozen=True)
class Length:
    """What depends on the window's length only: filters on and off the collocation points, R by field."""

    filters: Tensor
    held_out: Tensor
    factor: Tensor


@dataclass(frozen=True)
class Settings:
    """Zeros mean: derived from the modes of the basis."""

    tolerance: float
    causal: bool = True
    filter_power: float = 0.5
    iterations: int = 40
    features: int = 0
    times: int = 0
    slope: float = SLOPE
    train: Trainer | None = None  # None: Gauss-Newton, as the module says


@dataclass
class OutputLayer(Objective):
    """For methods that need gradients only. θ = R c / unit with the preconditioner's R and the first residual as the
    unit: unknowns of order one, nearly independent, without which such methods hardly move."""

    joint: Joint
    at_start: Tensor
    t0: float
    length: float
    scale: float
    unit: float = 1.0

    def __post_init__(self) -> None:
        origin = torch.zeros(self.joint.length(self.length).factor[..., 0].numel(), dtype=torch.float64)
        self.unit = self.scale * float(self.losses(origin).max().sqrt()) or 1.0

    def output_layer(self, theta: Tensor) -> Tensor:
        """c, (fields, features)."""
        factor = self.joint.length(self.length).factor
        rows = theta.reshape(*factor.shape[:2], 1)
        c: Tensor = torch.linalg.solve_triangular(factor, rows, upper=True)[..., 0]
        return self.unit * c

    def losses(self, theta: Tensor) -> Tensor:
        points, c = self.joint.points, self.output_layer(theta)
        residual = points.residual(points.atoms(self.at_start, c), c, self.t0, self.length)
        return size(residual @ self.joint.length(self.length).filters).square() / self.scale**2


class Joint(Ansatz):
    """Trial space for one Fourier basis; its sizes follow from the modes unless settings say otherwise."""

    def __init__(self, problem: Problem, basis: FourierBasis, run: Run, settings: Settings) -> None:
        if basis.dim != 1:
            raise UsageError("pinn-causal: ansatz=joint works in one space dimension.")
        self.basis, self.settings = basis, settings
        self.size = 2 * basis.modes[0] + 2
        count = settings.features or PER_POINT * self.size
        times = settings.times or max(TIMES, math.ceil(2 * count / self.size))
        modes = max(1, round(basis.modes[0] / 6.5))
        self.features = Features.draw(
            run.rng(f"pinn-causal/joint/{count}/{modes}"), count, modes, settings.slope, ROUGHNESS,
            2 * math.pi / basis.lengths[0],
        )  # fmt: skip
        nodes = 0.5 - 0.5 * np.cos(np.pi * (np.arange(times) + 0.5) / times)
        between = torch.linspace(0, 1, HELD_OUT, dtype=torch.float64)
        self.points = self._points(problem, torch.as_tensor(nodes), self.size)
        self.checks = self._points(problem, between, 3 * self.size // 2)
        self._lengths: OrderedDict[float, Length] = OrderedDict()

    def _points(self, problem: Problem, tau: Tensor, size: int) -> Points:
        symbols = collocation.decay(problem, self.basis, size)
        return Points(self.features, problem.equation.strong, self.basis, tau, size, symbols)

    def length(self, length: float) -> Length:
        if length not in self._lengths:
            power = self.settings.filter_power
            filters = self.points.filters(length, power)
            fields, count = len(filters), self.points.slopes.shape[1]
            none = torch.zeros(len(self.points.orders), len(self.points.tau), self.size, dtype=torch.float64)
            whole = self.points.jacobian(none, filters, 0.0, length, linear=True)
            blocks = whole.reshape(fields, -1, fields, count)
            factor = torch.stack([triangular(blocks[g, :, g]) for g in range(fields)])
            self._lengths[length] = Length(filters, self.checks.filters(length, power), factor)
            if len(self._lengths) > KEPT_LENGTHS:
                self._lengths.popitem(last=False)
        self._lengths.move_to_end(length)
        return self._lengths[length]

    def ladder(self) -> Ladder:
        return Ladder.for_tolerance(self.settings.tolerance, len(self.points.tau), self.settings.causal, 1.0)

    def fit(self, start: Tensor, t0: float, length: float, memory: Tensor | None = None) -> Fit:
        """See `fit.Ansatz`. Every window starts from u = start."""
        if self.settings.train is not None:
            return self._descend(self.settings.train, start, t0, length)
        known, points, rows = self.length(length), self.points, len(self.points.tau)
        ladder = self.ladder()
        c = torch.zeros(len(start), points.slopes.shape[1], dtype=torch.float64)
        weights = torch.ones_like(points.tau)
        at_start = points.start_atoms(start)
        scale = float((self.basis.weights * start.abs() ** 2).sum().sqrt()) or 1.0
        best, furthest, since, inner, iteration, done, settled = math.inf, 0.0, 0, 0, 0, False, False
        while iteration < self.settings.iterations:
            self.tick()
            iteration += 1
            atoms = points.atoms(at_start, c)
            filtered = points.residual(atoms, c, t0, length) @ known.filters
            sizes = size(filtered) / scale
            worst = float(sizes.max())
            if not math.isfinite(worst):
                done = False
                break
            done = ladder.climb(sizes**2)
            weights = ladder.weights(sizes**2)
            # late residuals may grow while early ones are learnt: weights that advance are progress too
            front = ladder.rung + float(weights.mean())
            since = 0 if worst < 0.9 * best or front > furthest + 0.01 else since + 1
            best, furthest = min(best, worst), max(furthest, front)
            if (settled and done) or since > STALLED:
                break
            jacobian = points.jacobian(atoms, known.filters, t0, length)
            step, steps = solve(jacobian, filtered, weights, known.factor)
            inner += steps
            c = c - step
            change = size((jacobian @ step.flatten()).reshape(filtered.shape)) / scale
            settled = float(change.max()) < max(0.1 * worst, 0.01 * self.settings.tolerance)
        off = self.held_out(start, c, t0, length) / scale
        return Fit(
            at=lambda times: self.state(start, c, (times - t0) / length), residual=worst, held_out=off,
            converged=done and settled, weights=weights, iterations=iteration,
            cost={"rhs_evaluations": iteration * rows, "inner_iterations": inner},
        )  # fmt: skip

    def _descend(self, train: Trainer, start: Tensor, t0: float, length: float) -> Fit:
        scale = float((self.basis.weights * start.abs() ** 2).sum().sqrt()) or 1.0
        objective = OutputLayer(self, self.points.start_atoms(start), t0, length, scale)
        origin = torch.zeros(len(start) * self.points.slopes.shape[1], dtype=torch.float64)
        goal = Goal(STOP * self.settings.tolerance, self.settings.iterations, self.tick)
        trained = train(objective, origin, self.ladder(), goal)
        c = objective.output_layer(trained.theta)
        return Fit(
            at=lambda times: self.state(start, c, (times - t0) / length), residual=trained.worst,
            held_out=self.held_out(start, c, t0, length) / scale, converged=trained.done, weights=trained.weights,
            iterations=trained.iterations, cost={"rhs_evaluations": trained.evaluations * len(self.points.tau)},
            stopped_at_goal=trained.worst < goal.residual,
        )  # fmt: skip

    def held_out(self, start: Tensor, c: Tensor, t0: float, length: float) -> float:
        """Largest filtered residual on times, the ends of the window among them, and points of its own."""
        checks = self.checks
        residual = checks.residual(checks.atoms(checks.start_atoms(start), c), c, t0, length)
        return float(size(residual @ self.length(length).held_out).max())

    def state(self, start: Tensor, c: Tensor, tau: Tensor) -> Tensor:
        """Coefficients (times, fields, K+1) at window times; the tail that is only noise is zero, so that the
        number of modes follows the solution's spectrum."""
        x = self.basis.lengths[0] / self.size * torch.arange(self.size, dtype=torch.float64)
        network = [c @ self.features.jet(t[None], x, 0)[1][0][0].T for t in tau]  # (fields, X) at a time
        change = self.basis.from_grid(tau[:, None, None] * torch.stack(network))
        state = start + change
        amplitude = state.abs().amax(1)
        seen = amplitude > NOISE * self.settings.tolerance * amplitude.amax(1, keepdim=True)
        return state * seen.flip(1).cummax(1).values.flip(1)[:, None, :]


def size(values: Tensor) -> Tensor:
    """rms over space of all fields together: (fields, T, X) -> (T,)."""
    rms: Tensor = values.square().mean(2).sum(0).sqrt()
    return rms


def triangular(matrix: Tensor) -> Tensor:
    """R of a QR factorisation, by a little ridge never singular."""
    ridge = RIDGE * matrix.norm() * torch.eye(matrix.shape[1], dtype=matrix.dtype)
    upper: Tensor = torch.linalg.qr(torch.cat([matrix, ridge]), mode="r")[1]
    return upper


def solve(jacobian: Tensor, residual: Tensor, weights: Tensor, factor: Tensor) -> tuple[Tensor, int]:
    """argmin Σ w |J δ - r|², (fields, features), and the iterations used (0: solved densely).

    CGLS (Paige & Saunders 1982) with `factor` as right preconditioner; QR when it does not converge, as on
    long windows, or when weights are too faint for it: then damped (Levenberg 1944).
    """
    row = weights.sqrt()[None, :, None].expand_as(residual).reshape(-1)
    fields, count = factor.shape[:2]
    if float(weights.min()) > FAINT:
        y, used = _cgls(jacobian, residual.reshape(-1), row, factor)
        if used < CG_STEPS:
            return y, used
    weighted = row[:, None] * jacobian
    ridge = RIDGE * weighted.norm() * torch.eye(fields * count, dtype=weighted.dtype)
    if float(weights.min()) <= FAINT:  # what no row sees stays where it is, or late times run away
        ridge = DAMPING * torch.block_diag(*factor)  # type: ignore[no-untyped-call]
    q, r = torch.linalg.qr(torch.cat([weighted, ridge]))
    right = q[: len(row)].T @ (row * residual.reshape(-1))
    step: Tensor = torch.linalg.solve_triangular(r, right[:, None], upper=True)
    return step.reshape(fields, count), 0


def _cgls(jacobian: Tensor, residual: Tensor, row: Tensor, factor: Tensor) -> tuple[Tensor, int]:
    fields, count = factor.shape[:2]

    def spread(y: Tensor) -> Tensor:
        ready: Tensor = torch.linalg.solve_triangular(factor, y.reshape(fields, count, 1), upper=True)
        return ready.flatten()

    def gather(rest: Tensor) -> Tensor:
        back = (jacobian.T @ (row * rest)).reshape(fields, count, 1)
        ready: Tensor = torch.linalg.solve_triangular(factor.mT, back, upper=False)
        return ready.flatten()

    rest = row * residual
    s = gather(rest)
    y, p, gamma = torch.zeros_like(s), s, float(s @ s)
    first = gamma
    for used in range(CG_STEPS):
        if not gamma > CG_DROP**2 * first:
            return spread(y).reshape(fields, count), used
        q = row * (jacobian @ spread(p))
        alpha = gamma / float(q @ q)
        y, rest = y + alpha * p, rest - alpha * q
        s = gather(rest)
        gamma, before = float(s @ s), gamma
        p = s + (gamma / before) * p
    return spread(y).reshape(fields, count), CG_STEPS
