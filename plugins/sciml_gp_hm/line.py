"""One space dimension: Gauss–Newton on the exact posterior mean, hyper-parameters learnt at the linearised equation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sciml.problem import Array, Problem

from .evidence import Evaluation, Evidence
from .faces import Faces, end_data
from .features import Features, windows
from .learning import Learnt, evaluate
from .pointwise import Pointwise, rms, size_of_terms
from .progress import Progress
from .spectrum import BAND, initial_mixtures, peaks

if TYPE_CHECKING:
    from .solver import GpHm

BOUNDARY_NOISE = 1e-14  # of the data, relative: boundary data are exact up to rounding
SAME = 1e-13  # a relative change that is rounding


class Line:
    """The collocation problem on one axis, at one width of the spectral windows."""

    def __init__(self, solver: GpHm, problem: Problem, width: int) -> None:
        self.solver, self.problem, self.width = solver, problem, width
        (self.axis,) = problem.grid.axes
        self.equation = Pointwise(problem)
        self.faces, self.data = Faces(self.axis), end_data(problem)
        probe = self.axis.points(4 * max(self.axis.size, 64))
        source = self.source(probe)
        frequencies, amplitudes = peaks(source[:, None], solver.components)
        fastest = frequencies.max(initial=0.0)
        count = solver.points or max(self.axis.size, 48, int(np.ceil(3.5 * fastest)))
        self.points = self.axis.points(count)
        limit = max(4, int(BAND * (count - 1) / 2 * solver.period))
        centres = np.concatenate([[0.0], frequencies]) * solver.period
        self.features = Features(self.axis, windows(centres, width, limit), solver.period)
        self.complete = len(self.features.harmonics) == limit + 1
        slopes = self.equation.slopes(self.start(probe), {self.axis.name: probe})
        gains = np.maximum(self.gain(slopes, frequencies), 1e-300)
        smooth = max(rms(self.data), rms(source) / max(self.gain(slopes, np.ones(1))[0], 1e-300))
        self.mixtures = initial_mixtures(frequencies, amplitudes / gains, smooth, solver.envelopes)
        self.matrices = [self.features.matrix(self.points, m) for (m,) in self.equation.orders]

    def gain(self, slopes: list[Array], frequencies: Array) -> Array:
        """Σ |a_i| ω^m_i with rms coefficients: the most that the operator makes of a wave."""
        omega = 2 * np.pi * frequencies / self.axis.length
        terms = [rms(a) * omega**m for a, (m,) in zip(slopes, self.equation.orders, strict=True)]
        return np.asarray(np.sum(terms, axis=0))

    def start(self, points: Array) -> list[Array]:
        """Derivatives of the first iterate: the straight line through values given at both ends, else zero."""
        if self.axis.faces != ("dirichlet", "dirichlet"):
            return [np.zeros(len(points)) for _ in self.equation.orders]
        slope = (self.data[1] - self.data[0]) / self.axis.length
        value = self.data[0] + slope * (points - self.axis.lower)
        by_order = {0: value, 1: np.full(len(points), slope)}
        return [by_order.get(m, np.zeros(len(points))) for (m,) in self.equation.orders]

    def source(self, points: Array) -> Array:
        """Right-hand side of the equation linearised at the first iterate, (n,)."""
        at, values = {self.axis.name: points}, self.start(points)
        slopes = self.equation.slopes(values, at)
        return np.asarray(sum(a * v for a, v in zip(slopes, values, strict=True)) - self.equation.residual(values, at))

    def derivatives(self, coefficients: Array | None, points: Array | None = None) -> list[Array]:
        if coefficients is None:
            return self.start(self.points if points is None else points)
        if points is None:
            return [matrix @ coefficients for matrix in self.matrices]
        return [self.features.matrix(points, m) @ coefficients for (m,) in self.equation.orders]

    def linearised(self, coefficients: Array | None, points: Array | None = None) -> Evidence:
        """J c = J c_k - F(c_k) with boundary rows, at the current iterate; at the collocation points or others."""
        at = {self.axis.name: self.points if points is None else points}
        values = self.derivatives(coefficients, points)
        slopes = self.equation.slopes(values, at)
        if points is None:
            matrices = self.matrices
        else:
            matrices = [self.features.matrix(points, m) for (m,) in self.equation.orders]
        rows = sum(a[:, None] * matrix for a, matrix in zip(slopes, matrices, strict=True))
        data = sum(a * v for a, v in zip(slopes, values, strict=True)) - self.equation.residual(values, at)
        size = max(rms(self.data), float(np.exp(0.5 * self.mixtures[0].log_weight.max())), 1e-300)
        return Evidence(
            np.asarray(rows), np.asarray(data)[:, None], self.faces.rows(self.features),
            self.data[:, None], BOUNDARY_NOISE * size,
        )  # fmt: skip

    def residual(self, coefficients: Array | None, points: Array | None = None) -> tuple[float, float]:
        """rms of F, and the size of the terms it is measured against."""
        at = {self.axis.name: self.points if points is None else points}
        values = self.derivatives(coefficients, points)
        zero = [np.zeros_like(v) for v in values]
        slopes = self.equation.slopes(values, at)
        source = self.equation.residual(zero, at) if self.equation.linear else np.zeros(1)
        return rms(self.equation.residual(values, at)), size_of_terms(slopes, values, source)

    def newton(self, learnt: Learnt, coefficients: Array | None, progress: Progress) -> NewtonResult:
        """Damped Gauss–Newton with fixed hyper-parameters."""
        size = self.residual(coefficients)[0]
        converged = False
        for k in range(self.solver.newton):
            (found,) = evaluate([self.linearised(coefficients)], self.features, learnt)
            target = found.posterior.mean[:, 0]
            if coefficients is None:  # the first iterate lies outside the features: nothing to damp towards
                coefficients, size = target, self.residual(target)[0]
            else:
                step, share = target - coefficients, 1.0
                while share > 1e-3 and self.residual(coefficients + share * step)[0] > size:
                    share /= 2
                change = rms(self.features.matrix(self.points) @ step)
                tiny = change <= SAME * rms(self.features.matrix(self.points) @ target)
                if share <= 1e-3:
                    converged = self.settled(size, coefficients)
                    break
                coefficients = coefficients + share * step
                before, size = size, self.residual(coefficients)[0]
                converged = tiny or (size > 0.5 * before and self.settled(size, coefficients))
            progress.log(gauss_newton_residual=size)
            progress.steps += 1
            progress.tick(f"Gauss–Newton {k + 1}: residual {size:.1e}")
            if converged or self.equation.linear:
                converged = True
                break
        assert coefficients is not None
        (found,) = evaluate([self.linearised(coefficients)], self.features, learnt)
        return NewtonResult(coefficients, found, converged)

    def doubt(self, found: NewtonResult, points: Array, learnt: Learnt) -> float:
        """How far the posterior mean moves when `points` are told as well, over its spread; rms over the line.

        The variance of this move is the drop of the posterior variance: at most one, if the spread is right.
        """
        every = np.sort(np.concatenate([self.points, points]))
        (more,) = evaluate([self.linearised(found.coefficients, every)], self.features, learnt)
        matrix = self.features.matrix(every)
        spread = np.sqrt(((matrix @ found.evaluation.posterior.root) ** 2).sum(axis=1))
        return rms(matrix @ (more.posterior.mean[:, 0] - found.coefficients)) / rms(spread)

    def settled(self, size: float, coefficients: Array) -> bool:
        """No further descent: at a small residual that is rounding, elsewhere a local minimum."""
        return size <= 1e-4 * self.residual(coefficients)[1]


@dataclass(frozen=True)
class NewtonResult:
    coefficients: Array
    evaluation: Evaluation
    converged: bool
