"""Laws that random numbers and random fields of a family follow, as plain data.

    {"law": "uniform", "lower": 57.6, "upper": 70.4}                  one number
    {"law": "choice", "values": [1, 2], "count": 10}                  a vector of ten
    {"law": "gaussian-field", "amplitude": "(k**2 + 9)**(-1)", "boundary": "neumann", "modes": 64}
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..equation import Names, parse_expression, tree
from ..errors import UsageError
from ..files.bounds import spend
from ..problem import Array, Axis, numpy_function

Finite = Annotated[float, Field(allow_inf_nan=False)]
MOST = 10_000  # numbers in a vector


class _Law(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Uniform(_Law):
    law: Literal["uniform"]
    lower: Finite
    upper: Finite
    count: Annotated[int, Field(ge=0, le=MOST)] = 0  # 0: a number, else a vector

    def draw(self, rng: np.random.Generator, axes: Sequence[Axis]) -> Any:
        return rng.uniform(self.lower, self.upper, self.count or None)


class Normal(_Law):
    law: Literal["normal"]
    mean: Finite = 0.0
    std: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    count: Annotated[int, Field(ge=0, le=MOST)] = 0

    def draw(self, rng: np.random.Generator, axes: Sequence[Axis]) -> Any:
        return rng.normal(self.mean, self.std, self.count or None)


class Choice(_Law):
    law: Literal["choice"]
    values: Annotated[list[Finite], Field(min_length=1)]
    count: Annotated[int, Field(ge=0, le=MOST)] = 0

    def draw(self, rng: np.random.Generator, axes: Sequence[Axis]) -> Any:
        return rng.choice(np.asarray(self.values, dtype=np.float64), self.count or None)


class GaussianField(_Law):
    """Σ amplitude(|k|) ξ_k φ_k(x), ξ_k standard normal, φ_k orthonormal on the box, no mean: the law
    N(0, amplitude(√-Δ)²) with the stated boundary. Drawn as coefficients, so the same field at every resolution.

    amplitude: a formula in the wavenumber k = |(2π m_x/L_x, …)|, or with ends |(π m_x/L_x, …)|.
    modes: largest m along each axis. phases: [below, above]: the values where the field is negative and positive.
    """

    law: Literal["gaussian-field"]
    amplitude: str
    boundary: Literal["periodic", "neumann", "dirichlet"]
    modes: Annotated[int, Field(ge=1, le=512)] = 32
    phases: Annotated[list[Finite], Field(min_length=2, max_length=2)] | None = None

    def draw(self, rng: np.random.Generator, axes: Sequence[Axis]) -> RandomField:
        squares = []
        for axis in axes:
            squares.append(self._frequencies(axis) ** 2)
        spend(24 * math.prod(map(len, squares)), "a Gaussian field")
        k = np.sqrt(sum(np.meshgrid(*squares, indexing="ij", sparse=True), start=np.zeros(())))
        with np.errstate(all="ignore"):
            amplitude = np.where(k > 0, _formula(self.amplitude, k), 0.0)
        if not np.isfinite(amplitude).all():
            raise UsageError(f"family: the amplitude {self.amplitude!r} is not finite at every wavenumber.")
        return RandomField(amplitude * rng.standard_normal(k.shape), self, tuple(axes))

    def _frequencies(self, axis: Axis) -> Array:
        """Wavenumbers of the basis along an axis, in the order of `basis`."""
        m = np.arange(1, self.modes + 1, dtype=np.float64)
        if self.boundary == "periodic":
            return 2 * math.pi / axis.length * np.concatenate([[0.0], m, m])
        return math.pi / axis.length * (m if self.boundary == "dirichlet" else np.concatenate([[0.0], m]))

    def basis(self, axis: Axis, points: Array) -> Array:
        """(points, functions), orthonormal in L2 over the axis."""
        x = (points - axis.lower)[:, None] / axis.length
        m = np.arange(1, self.modes + 1)
        one, scale = np.full((len(points), 1), axis.length**-0.5), (2 / axis.length) ** 0.5
        if self.boundary == "periodic":
            return np.hstack([one, scale * np.cos(2 * np.pi * x * m), scale * np.sin(2 * np.pi * x * m)])
        if self.boundary == "dirichlet":
            return np.asarray(scale * np.sin(np.pi * x * m), dtype=np.float64)
        return np.hstack([one, scale * np.cos(np.pi * x * m)])


class RandomField:
    """One draw of a Gaussian field, to be evaluated on any grid."""

    def __init__(self, coefficients: Array, law: GaussianField, axes: tuple[Axis, ...]) -> None:
        self.coefficients, self.law, self.axes = coefficients, law, axes

    def on(self, shape: Sequence[int]) -> Array:
        """Values on the axes' points, (shape)."""
        values: Array = self.coefficients
        for index, (axis, n) in enumerate(zip(self.axes, shape, strict=True)):
            others = values.size // values.shape[index]
            spend(16 * n * (others + values.shape[index]), "a Gaussian field")
            basis = self.law.basis(axis, axis.points(n))
            values = np.asarray(np.moveaxis(np.tensordot(basis, values, (1, index)), 0, index), dtype=np.float64)
        if self.law.phases is not None:
            below, above = self.law.phases
            values = np.where(values < 0, below, above).astype(np.float64)
        return values


Law = Annotated[Uniform | Normal | Choice | GaussianField, Field(discriminator="law")]


def _formula(text: str, k: Array) -> Array:
    """A formula in the one name k."""

    def leaf(node: tree.Expr) -> Any:
        assert node == tree.Parameter("k")
        return k

    names: Mapping[str, Any] = {"k": k}
    expression = parse_expression(text, Names((), (), tuple(names)))
    if any(isinstance(n, (tree.Coordinate, tree.Derivative, tree.InverseLaplacian)) for n in tree.walk(expression)):
        raise UsageError(f"family: the amplitude {text!r} may contain k, numbers and functions only.")
    return np.broadcast_to(np.asarray(tree.evaluate(expression, leaf, numpy_function), dtype=np.float64), k.shape)
