"""What a transport problem asks: to move one measure onto another at least cost, with entropy.

    minimise  <C, P> + eps KL(P | r⊗c)   over P >= 0 with rows r and columns c

    Transport("mine", Measure(r, x), Measure(c, y), cost="squared euclidean", eps=0.01)
    Transport("mine", Measure(r), Measure(c), matrix=C, eps=0.01)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import UsageError, did_you_mean
from ..files.bounds import spend
from ..kernels.transport import MOST_COSTS
from ..problem import Array
from .measure import Measure

KIND = "transport"
CONVENTION = "P_ij = r_i c_j exp((phi_i + psi_j - C_ij)/eps); value = <C, P> + eps KL(P | r c); eta = 1/eps"
COSTS = ("squared euclidean", "euclidean", "l1")
SYNONYMS = {"sqeuclidean": "squared euclidean", "L1": "l1", "cityblock": "l1"}
GIVEN = "matrix"  # the cost's name where it is a matrix
EQUAL = 1e-9  # relative difference of two masses that counts as rounding


@dataclass(frozen=True)
class UniformCosts:
    """A matrix of independent costs, uniform on [0, 1): entry k in the order of rows is the k-th 64-bit word of
    numpy's PCG64(seed), its upper 53 bits over 2^53. Words of a PCG64 never change between versions of numpy."""

    seed: int

    def draw(self, n: int, m: int) -> Array:
        spend(32 * n * m, "the matrix of costs")
        words = np.random.PCG64(self.seed).random_raw(n * m)
        return np.asarray((words >> np.uint64(11)) * 2.0**-53, dtype=np.float64).reshape(n, m)


@dataclass(frozen=True)
class Transport:
    """One task. cost: one of COSTS, between the places of the measures; or none, and a matrix (n, m), or how it is
    drawn. eps: weight of the entropy, in units of the cost. normalise: both measures are divided by their mass.
    Raises UsageError for whatever cannot be solved."""

    name: str
    source: Measure
    target: Measure
    eps: float
    cost: str = GIVEN
    matrix: Array | UniformCosts | None = None
    normalise: bool = False
    title: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "cost", SYNONYMS.get(self.cost, self.cost))
        if not (np.isfinite(self.eps) and self.eps > 0):
            raise UsageError(
                f"transport: eps must be a finite number above 0, not {self.eps}; without entropy there is the solver"
                " exact-transport, at any eps."
            )
        if (self.cost == GIVEN) != (self.matrix is not None):
            raise UsageError("transport: either a cost is named or a matrix of costs is given, and not both.")
        if self.matrix is None:
            self._check_places()
        else:
            self._check_matrix()
        first, second = self.source.mass, self.target.mass
        if not self.normalise and abs(first - second) > EQUAL * max(first, second):
            raise UsageError(
                f"transport: the two measures have different masses, {first:.9g} and {second:.9g}; with normalise=True"
                " both are divided by theirs."
            )

    def _check_places(self) -> None:
        if self.cost not in COSTS:
            raise UsageError(f"transport: there is no cost {self.cost!r}{did_you_mean(self.cost, COSTS)}")
        first, second = self.source.dimension, self.target.dimension
        if first is None or second is None:
            raise UsageError("transport: a named cost needs points or grids for both measures.")
        if first != second:
            raise UsageError(f"transport: the source has {first} coordinates, the target {second}.")

    def _check_matrix(self) -> None:
        if self.source.form != "weights" or self.target.form != "weights":
            raise UsageError("transport: with a matrix of costs, measures are weights without places.")
        if self.shape[0] * self.shape[1] > MOST_COSTS:
            n, m = self.shape
            raise UsageError(f"transport: a matrix of {n} x {m} costs is too large; name a cost between points.")
        if isinstance(self.matrix, UniformCosts):
            return
        matrix = np.asarray(self.matrix, dtype=np.float64)
        object.__setattr__(self, "matrix", matrix)
        if matrix.shape != self.shape:
            raise UsageError(f"transport: the matrix of costs has shape {matrix.shape}, the measures {self.shape}.")
        if not np.isfinite(matrix).all():
            raise UsageError("transport: the matrix of costs has entries that are not finite (NaN or infinity).")

    @property
    def shape(self) -> tuple[int, int]:
        return self.source.size, self.target.size

    @property
    def mass(self) -> float:
        return 1.0 if self.normalise else self.source.mass

    @cached_property
    def costs(self) -> Array | None:
        """The matrix of costs, drawn if need be; None where a cost is named."""
        return self.matrix.draw(*self.shape) if isinstance(self.matrix, UniformCosts) else self.matrix

    @property
    def weights(self) -> tuple[Array, Array]:
        """(n,), (m,), as they are meant: divided by their mass if that is asked."""
        first, second = (measure.weights.ravel() for measure in (self.source, self.target))
        return (first / first.sum(), second / second.sum()) if self.normalise else (first, second)

    @property
    def form(self) -> str:
        """How the costs are given: "matrix", "grid" (both measures on one), or "points"."""
        if self.matrix is not None:
            return GIVEN
        return "grid" if {self.source.form, self.target.form} == {"grid"} else "points"

    @cached_property
    def features(self) -> Mapping[str, frozenset[str]]:
        """What a solver must be able to do; compared with its `Solves`."""
        cost = frozenset({self.cost} if self.matrix is None else set())
        return {"kind": frozenset({KIND}), "cost": cost, "form": frozenset({self.form})}

    def describe(self) -> dict[str, Any]:
        """Everything but the arrays, as plain JSON data."""
        drawn = {"law": "uniform", "seed": self.matrix.seed} if isinstance(self.matrix, UniformCosts) else None
        return {
            "name": self.name, "title": self.title, "about": self.about, "cost": self.cost, "eps": self.eps,
            "convention": CONVENTION, "normalise": self.normalise, "drawn": drawn,
        }  # fmt: skip

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what is asked; name, title and description do not count."""
        asked = {k: v for k, v in self.describe().items() if k not in ("title", "about", "name")}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
        for measure in (self.source, self.target):
            for array in (measure.weights, measure.points, *(measure.axes or ())):
                digest.update(b"-" if array is None else repr(array.shape).encode())
                digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        if isinstance(self.matrix, np.ndarray):
            digest.update(np.ascontiguousarray(self.matrix).tobytes())
        return digest.hexdigest()

    def within(self) -> tuple[Transport, Transport]:
        """The problems of each measure with itself, for the Sinkhorn divergence; UsageError with a matrix of costs."""
        if self.matrix is not None:
            raise UsageError("the Sinkhorn divergence needs places: a matrix has no costs within one measure.")
        return tuple(
            Transport(self.name, measure, measure, self.eps, self.cost, None, self.normalise)
            for measure in (self.source, self.target)
        )  # type: ignore[return-value]
