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
from .fitting import Fitter
from .network import Network
from .pressure import poisson, second_derivatives
from .series import Index
from .solver import Insr
from .stepping import Passage, Stepper, unsolved
from .system import Step


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


class Splitting:
    def __init__(self, options: Insr, fitter: Fitter, stepper: Stepper) -> None:
        self.options, self.fitter, self.model, self.stepper = options, fitter, fitter.model, stepper
        self.network: Network = fitter.auxiliary[0]
        dim = len(self.model.samples.points)
        self.first: list[Index] = [tuple(int(a == b) for b in range(dim)) for a in range(dim)]
        self.places = {i: self.first.index(index) for i, _, index in self.model.nonlocal_atoms}
        self.slopes = [self.model.wanted.index((a, index)) for a, index in enumerate(self.first)]

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
        return Held(torch.zeros_like(held.gradient), torch.zeros_like(held.laplacian), self.places)

    def divergence(self, chart: Chart, y: Tensor, t: float) -> Tensor:
        """∇·u on the collocation points. (N,)"""
        return chart.derivatives(y, t)[self.slopes].sum(0)

    def step(self, chart: Chart, theta: Tensor, t: float, done: int, size: float) -> Passage | str:
        """From the chart's velocity, its pressure held as in `before`, and the weights of the last step's pressure; a
        sentence where the stage equations are not solved."""
        before, model, method = chart.pressure, self.model, self.stepper.method
        assert isinstance(before, Held)
        end, goal = self.stepper.ending(t, done, size)
        dt = end - t
        factors = method.factor(chart, t, dt)

        def advanced(pressure: Held) -> Step:
            moved, rest = dataclasses.replace(chart, pressure=pressure), torch.zeros(chart.rank, dtype=torch.float64)
            step = method.advance(moved, factors, rest, t, dt, goal)  # type: ignore[arg-type]
            self.stepper.run.count(rhs_evaluations=step.evaluations)
            return step

        star = advanced(before)
        if not star.converged:
            return unsolved(t, dt)
        source = before.laplacian + self.divergence(chart, star.y, end) / dt
        fitted = poisson(self.network, theta, model.samples.points, source, self.fitter.pressure_goal())
        after = self.held(fitted.theta)
        change = dt * (after.gradient - before.gradient).reshape(-1)
        inside = chart.values.T @ change
        y = star.y - inside
        # The step once more under the new pressure: what it differs by is the error of splitting, to leading order. A
        # held pressure is a given function in the rates, so that Newton's matrix is the same.
        again = advanced(after)
        if not again.converged:
            return unsolved(t, dt)
        outside = float((change - chart.values @ inside).norm())
        unfitted = (outside + dt * self._gradient_norm(source - source.mean() - after.laplacian)) / size
        error = float((again.y - y).norm()) / size + unfitted
        return Passage([(y, end)], dt, error, self.stepper.options.step, fitted.theta, unfitted)

    def _gradient_norm(self, residual: Tensor) -> float:
        """|∇ψ| of Δψ = residual: by how much a velocity is wrong whose divergence is. By Fourier series, as the
        collocation points are a uniform grid on periodic axes."""
        axes, cells = self.fitter.problem.grid.axes, self.model.samples.per_axis
        modes = torch.fft.fftn(residual.reshape((cells,) * len(axes)), norm="ortho")
        lines = [2 * math.pi / axis.length * torch.fft.fftfreq(cells, 1 / cells, dtype=torch.float64) for axis in axes]
        k = torch.stack(torch.meshgrid(*lines, indexing="ij")).square().sum(0).sqrt()
        k.view(-1)[0] = math.inf  # a mean has no gradient
        return float((modes.abs() / k).norm())
