"""Operator splitting of incompressible flow: without its pressure over a step, then projected.

u_t = A(u) - ∇p, ∇·u = 0, is advanced as u_t = A(u) - ∇q over Δt with a pressure q that is held; the result u* has a
divergence, and Δp = Δq + ∇·u*/Δt gives the mean pressure of the step and the velocity u* - Δt ∇(p - q).

split: q = 0 (Chorin, Math. Comp. 22, 1968; for networks Chen et al., ICML 2023), order 1.
incremental: q is the last step's pressure (van Kan, SIAM J. Sci. Stat. Comput. 7, 1986), order 2.

u* is never fitted: in the chart it is known with its derivatives, and is projected there. The paper fits a network to
u* and another to its projection; one fit less is one error less.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .chart import Chart
from .fit import Goal
from .fitting import Fitter
from .integrators import Integrator
from .network import Network
from .pressure import poisson, second_derivatives
from .series import Index
from .solver import Insr


@dataclass(frozen=True)
class Held:
    """A pressure that does not answer to the velocity. `gradient` (dim, N); `laplacian` (N,)."""

    gradient: Tensor
    laplacian: Tensor
    places: dict[int, int]  # atom of the equation -> axis of the gradient

    def complete(self, atoms: Tensor, t: float) -> Tensor:
        atoms = atoms.clone()
        for i, axis in self.places.items():
            atoms[i] = self.gradient[axis]
        return atoms

    def columns(self, columns: list[Tensor], atoms: Tensor, t: float) -> list[Tensor]:
        return [torch.zeros_like(column) if i in self.places else column for i, column in enumerate(columns)]


@dataclass(frozen=True)
class Projected:
    """y: velocity at the end, in the chart. pressure: its weights. error: estimated, relative; infinite where the
    stage equations were not solved."""

    y: Tensor
    pressure: Tensor
    error: float
    pressure_error: float = 0.0
    evaluations: int = 0


class Splitting:
    def __init__(self, options: Insr, fitter: Fitter, method: Integrator) -> None:
        self.options, self.fitter, self.model, self.method = options, fitter, fitter.model, method
        self.network: Network = fitter.auxiliary[0]
        dim = len(self.model.samples.points)
        self.first: list[Index] = [tuple(int(a == b) for b in range(dim)) for a in range(dim)]
        self.places = {i: self.first.index(index) for i, _, index in self.model.nonlocal_atoms}
        self.slopes = [self.model.wanted.index((a, index)) for a, index in enumerate(self.first)]
        self.wavenumber = 2 * math.pi / max(axis.length for axis in fitter.problem.grid.axes)

    def held(self, theta: Tensor) -> Held:
        """The pressure of these weights."""
        every = [(0, k) for k in (*self.first, *second_derivatives(len(self.first)))]
        with torch.no_grad():
            values = self.network.values(theta, self.model.samples.points, every)
        return Held(values[: len(self.first)], values[len(self.first) :].sum(0), self.places)

    def before(self, theta: Tensor) -> Held:
        """The pressure a step is advanced with."""
        held = self.held(theta)
        if self.options.pressure == "incremental":
            return held
        return dataclasses.replace(
            held, gradient=torch.zeros_like(held.gradient), laplacian=torch.zeros_like(held.laplacian)
        )

    def divergence(self, chart: Chart, y: Tensor, t: float) -> Tensor:
        """∇·u on the collocation points. (N,)"""
        return chart.derivatives(y, t)[self.slopes].sum(0)

    def step(self, chart: Chart, theta: Tensor, t: float, dt: float, size: float, goal: float) -> Projected:
        """From the chart's velocity and the last pressure's weights. goal: see `Integrator.advance`."""
        before = self.before(theta)
        chart = dataclasses.replace(chart, pressure=before)
        rest = torch.zeros(chart.rank, dtype=torch.float64)
        factors = self.method.factor(chart, t, dt)
        star = self.method.advance(chart, factors, rest, t, dt, goal)  # type: ignore[arg-type]
        if not star.converged:
            return Projected(star.y, theta, math.inf, evaluations=star.evaluations)
        source = before.laplacian + self.divergence(chart, star.y, t + dt) / dt
        fitted = poisson(self.network, theta, self.model.samples.points, source, self.fitter.pressure_goal())
        after = self.held(fitted.theta)
        change = dt * (after.gradient - before.gradient).reshape(-1)
        inside = chart.values.T @ change
        y = star.y - inside
        # The velocity again, with the new pressure from the start: what it differs by is the error of splitting,
        # to leading order. The pressure enters the rates as a given function, so that Newton's matrix is the same.
        again = self.method.advance(
            dataclasses.replace(chart, pressure=after), factors, rest, t, dt, goal  # type: ignore[arg-type]
        )
        evaluations = star.evaluations + again.evaluations
        if not again.converged:
            return Projected(y, fitted.theta, math.inf, evaluations=evaluations)
        outside = float((change - chart.values @ inside).norm())
        left = dt * fitted.error * float(source.norm()) / self.wavenumber  # Poincaré's inequality
        error = (float((again.y - y).norm()) + outside + left) / size
        return Projected(y, fitted.theta, error, (outside + left) / size, evaluations)
