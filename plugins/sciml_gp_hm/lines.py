"""What the likelihood of an axis is computed from: source and boundary data along grid lines of a plane.

For a product kernel k_x k_y and an operator with constant coefficients and symbol s, the source along a line
y = const is exactly a stationary process with spectrum λ_x(ω) m(ω), m(ω) = mean over ω' ~ λ_y of |s(ω, ω')|²; and the
values on an edge are one with spectrum λ_x. The sum of the log likelihoods of lines is a composite likelihood:
every term is an exact marginal, their dependence is left out. Other operators enter with their mean coefficients,
and what these leave out is moved to the source at the current iterate.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sciml.errors import RunFailed
from sciml.problem import Array, Problem

from .evidence import Evidence
from .faces import face_data
from .features import Features, windows
from .kernel import Mixture
from .learning import Learnt
from .pointwise import Pointwise, rms
from .spectrum import BAND, initial_mixtures, peaks
from .tensor import Tensor

if TYPE_CHECKING:
    from .solver import GpHm

LINES = 12  # parallel lines; at golden-ratio fractions, so that no regular zero of the source is met every time
GOLDEN = 0.6180339887498949


class Lines:
    """Frequencies, features and data of both axes at one width of the spectral windows."""

    def __init__(self, solver: GpHm, problem: Problem, width: int) -> None:
        self.solver, self.problem, self.axes, self.width = solver, problem, problem.grid.axes, width
        self.equation = Pointwise(problem)
        self.places = [
            a.lower + a.length * np.sort(np.mod(GOLDEN * np.arange(1, LINES + 1), 1.0)) for a in self.axes
        ]
        self.slopes = self.mean_slopes(None, None)
        found, counts = [], []
        for i, axis in enumerate(self.axes):
            probe = axis.points(4 * max(axis.size, 64))
            data = self.source(i, probe, None, None)
            sets = [peaks(values, solver.components) for values in (data, self.edges(i, probe)) if values.any()]
            found.append((sets, rms(data)))
            fastest = max((f.max(initial=0.0) for f, _ in sets), default=0.0)
            counts.append(solver.points or max(axis.size, 48, int(np.ceil(3.5 * fastest))))
        self.counts, self.features, self.mixtures, self.complete = counts, [], [], True
        self.silent = [i for i in (0, 1) if not found[i][0]]  # axes along which nothing is given
        if len(self.silent) == 2:
            raise RunFailed("gp-hm: source and boundary values vanish; there is nothing to learn a kernel from.")
        for i in self.silent:  # as the other axis: the same waves per unit length
            ratio = self.axes[i].length / self.axes[1 - i].length
            found[i] = ([(f * ratio, a) for f, a in found[1 - i][0]], 0.0)
        spectra = [self._spectrum(sets) for sets, _ in found]
        for i, axis in enumerate(self.axes):
            frequencies, amplitudes = self._merge(i, found[i][0], spectra[1 - i])
            gain = np.sqrt(self.multiplier(i, np.array([np.pi]), *spectra[1 - i]))[0]
            smooth = max(found[i][1] / gain if gain > 0 else 0.0, rms(self.edges(i, axis.points())), 1e-300)
            self.mixtures.append(initial_mixtures(frequencies, amplitudes, smooth, solver.envelopes))
            limit = max(4, int(BAND * (counts[i] - 1) / 2 * solver.period))
            harmonics = windows(np.concatenate([[0.0], frequencies]) * solver.period, width, limit)
            self.features.append(Features(axis, harmonics, solver.period))
            self.complete &= len(harmonics) == limit + 1

    def _spectrum(self, sets: list[tuple[Array, Array]]) -> tuple[Array, Array]:
        """A first guess of where the power of u lies: (angular frequencies per axis length, shares)."""
        frequencies = np.concatenate([[0.5], *(f for f, _ in sets)])
        power = np.concatenate([[0.0], *((a / a.max(initial=1e-300)) ** 2 for _, a in sets)])
        power[0] = power[1:].max(initial=1.0)
        return 2 * np.pi * frequencies, power / power.sum()

    def _merge(
        self, axis: int, sets: list[tuple[Array, Array]], other: tuple[Array, Array]
    ) -> tuple[Array, Array]:
        """Peaks of source and edges as one list, amplitudes in units of u."""
        both: dict[int, tuple[float, float]] = {}
        source = self.source(axis, self.axes[axis].points(), None, None).any()
        for k, (frequencies, amplitudes) in enumerate(sets):
            if k == 0 and source:
                gain = np.sqrt(self.multiplier(axis, 2 * np.pi * frequencies, *other))
                amplitudes = amplitudes / np.maximum(gain, 1e-8 * gain.max(initial=1e-300))
            for f, a in zip(frequencies, amplitudes, strict=True):
                if a > both.get(round(f), (0.0, 0.0))[1]:
                    both[round(f)] = (f, a)
        kept = sorted(sorted(both.values(), key=lambda pair: -pair[1])[: self.solver.components])
        return np.array([f for f, _ in kept]), np.array([a for _, a in kept])

    def mean_slopes(self, tensor: Tensor | None, c: Array | None) -> list[float]:
        """Coefficients of the linearised operator, averaged over the rectangle."""
        at = {a.name: p for a, p in zip(self.axes, np.meshgrid(*self.places, indexing="ij"), strict=True)}
        if tensor is None or c is None:
            values = [np.zeros((LINES, LINES)) for _ in self.equation.orders]
        else:
            values = [tensor.evaluate(c, self.places, orders) for orders in self.equation.orders]
        return [float(a.mean()) for a in self.equation.slopes(values, at)]

    def source(self, axis: int, points: Array, tensor: Tensor | None, c: Array | None) -> Array:
        """L̄u - F(u) along `axis` at `points` on all lines, (n, LINES); at u = 0 before the first iterate."""
        where = [points, self.places[1]] if axis == 0 else [self.places[0], points]
        at = {self.axes[0].name: where[0][:, None], self.axes[1].name: where[1][None, :]}
        if tensor is None or c is None:
            values = [np.zeros((len(where[0]), len(where[1]))) for _ in self.equation.orders]
        else:
            values = [tensor.evaluate(c, where, orders) for orders in self.equation.orders]
        data = sum(a * v for a, v in zip(self.slopes, values, strict=True)) - self.equation.residual(values, at)
        return np.asarray(data if axis == 0 else data.T)

    def edges(self, axis: int, points: Array) -> Array:
        """Values given on the two edges along `axis`, (n, number of them); slopes are left out."""
        other = self.axes[1 - axis]
        data = face_data(self.problem, 1 - axis, points)
        kinds = [face for face in other.faces if face != "open"]
        return np.asarray(data[[k == "dirichlet" for k in kinds]].T)

    def multiplier(self, axis: int, omega: Array, other: Array, share: Array) -> Array:
        """m(ω) at ω (n,) in radians per axis length, with the other axis' frequencies and their shares (k,)."""
        lengths = self.axes[axis].length, self.axes[1 - axis].length
        total = np.zeros(len(omega))
        for sign in (-1.0, 1.0):
            symbol = np.zeros((len(omega), len(other)), dtype=complex)
            for slope, orders in zip(self.slopes, self.equation.orders, strict=True):
                here = (1j * omega / lengths[0]) ** orders[axis]
                symbol += slope * here[:, None] * (sign * 1j * other / lengths[1]) ** orders[1 - axis]
            total += 0.5 * (np.abs(symbol) ** 2 @ share)
        return total

    def terms(self, axis: int, other: Mixture, tensor: Tensor | None, c: Array | None) -> list[Evidence]:
        """The data of one axis, for the likelihood."""
        features, points = self.features[axis], self.axes[axis].points(self.counts[axis])
        across = self.features[1 - axis]
        log_share = other.log_variance(across.harmonics, across.period)[0]
        share = np.exp(log_share - np.logaddexp.reduce(log_share))
        gain = np.sqrt(self.multiplier(axis, features.omega, across.omega, share))[features.pairs()]
        matrix, found = features.matrix(points), []
        nothing = np.zeros((0, features.count))
        for rows, data in ((matrix * gain, self.source(axis, points, tensor, c)), (matrix, self.edges(axis, points))):
            if data.any():
                found.append(Evidence(rows, data, nothing, np.zeros((0, data.shape[1])), 1.0))
        return found

    def as_other(self, axis: int, learnt: Learnt) -> Learnt:
        """The kernel of the other axis, the same per unit length, for an axis along which nothing is given."""
        ratio, mixture = self.axes[axis].length / self.axes[1 - axis].length, learnt.mixture
        same = replace(mixture, log_length=mixture.log_length - np.log(ratio), frequency=mixture.frequency * ratio)
        return Learnt(same, np.zeros(0), 0.0, 0)
