"""Small transport problems of every form, and their optimal value by other means than any solver's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from ..problem import Array
from ..transport import Measure, Transport

METRICS = {"squared euclidean": "sqeuclidean", "euclidean": "euclidean", "l1": "cityblock"}
SWEEPS = 2000  # most; at eps a tenth of the costs a few dozen do


@dataclass(frozen=True)
class Posed:
    """sound: False for measures at the edge of what is allowed, which a solver may refuse."""

    problem: Transport
    sound: bool = True

    @property
    def costs(self) -> Array:
        """(n, m), from places by scipy."""
        problem = self.problem
        if problem.costs is not None:
            return problem.costs
        x, y = problem.source.places, problem.target.places
        assert x is not None and y is not None
        return np.asarray(cdist(x, y, METRICS[problem.cost]))

    def value(self, eps: float) -> float:
        """The optimum <C, P> + eps KL(P | r cᵀ): Sinkhorn's iteration on logarithms; at eps = 0 a linear programme."""
        (r, c), costs = self.problem.weights, self.costs
        mass = float(r.sum())
        r, c = r / mass, c / mass
        rows, columns = r > 0, c > 0
        r, c, costs = r[rows], c[columns], costs[np.ix_(rows, columns)]
        return mass * (_linear(r, c, costs) if eps == 0 else _entropic(r, c, costs, eps))


def _entropic(r: Array, c: Array, costs: Array, eps: float) -> float:
    psi = np.zeros(len(c))
    for _ in range(SWEEPS):
        phi = -eps * logsumexp((psi - costs) / eps, axis=1, b=c)
        after = -eps * logsumexp((phi[:, None] - costs) / eps, axis=0, b=r[:, None])
        moved, psi = np.abs(after - psi).max(), after
        if moved < 1e-13 * max(1.0, np.abs(costs).max()):
            break
    return float(r @ phi + c @ psi)


def _linear(r: Array, c: Array, costs: Array) -> float:
    n, m = costs.shape
    sums = np.vstack([np.kron(np.eye(n), np.ones(m)), np.kron(np.ones(n), np.eye(m))])
    return float(linprog(costs.ravel(), A_eq=sums, b_eq=np.concatenate([r, c])).fun)


def small_measures() -> list[Posed]:
    """Points under each cost, grids, a matrix; then a point without weight, masses of 3, and one point alone."""
    rng, eps = np.random.default_rng(0), 0.1
    first, second = _cloud(rng, 12), _cloud(rng, 14)
    found = [Posed(Transport(f"points-{cost.split()[0]}", first, second, eps, cost)) for cost in METRICS]
    axes = np.linspace(0.0, 1.0, 4), np.linspace(0.0, 1.0, 5)
    pictures = [Measure(rng.integers(1, 256, (4, 5)).astype(np.float64), axes=axes) for _ in range(2)]
    found += [
        Posed(Transport(f"grids-{cost.split()[0]}", pictures[0], pictures[1], eps, cost, normalise=True))
        for cost in ("squared euclidean", "l1")
    ]
    plain = Measure(first.weights), Measure(second.weights)
    found.append(Posed(Transport("matrix", plain[0], plain[1], eps, matrix=rng.random((12, 14)))))
    part = np.where(np.arange(12) == 3, 0.0, first.weights)
    empty = Measure(part / part.sum(), first.points)
    heavy = Measure(3 * first.weights, first.points), Measure(3 * second.weights, second.points)
    alone = Measure(np.ones(1), np.array([[0.5, 0.5]]))
    odd = {"a-point-without-weight": (empty, second), "masses-of-3": heavy, "one-point": (alone, second)}
    return found + [Posed(Transport(name, *pair, eps, "squared euclidean"), False) for name, pair in odd.items()]


def _cloud(rng: np.random.Generator, count: int) -> Measure:
    weights = rng.random(count) + 0.1
    return Measure(weights / weights.sum(), rng.random((count, 2)))
