"""What is asked: an equation, a grid, output times and initial data. Never the answer.

    grid = Grid((Axis("x", 0, 2 * pi, 512),), times=np.linspace(0, 1, 201))
    problem = Problem("ks", equation, grid, initial_text={"u": "cos(x)*(1 + sin(x))"})
    problem.initial((1024,))     # sampled at any resolution
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .equation import Equation, Names, parse_expression, tree
from .errors import UsageError

Array = NDArray[np.float64]
KINDS = {"evolution": "fields marched in time from initial data (PDE, or ODE when there are no axes)"}
BOUNDARIES = ("periodic",)
MAX_POINTS = 2**28


@dataclass(frozen=True)
class Axis:
    """A uniform axis on [lower, upper); the end point of a periodic axis is not stored."""

    name: str
    lower: float
    upper: float
    size: int
    boundary: str = "periodic"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.lower) and np.isfinite(self.upper - self.lower) and self.upper > self.lower):
            raise UsageError(f"axis {self.name!r}: upper must be a finite number above lower.")
        if not isinstance(self.size, int) or not 4 <= self.size <= MAX_POINTS:
            raise UsageError(f"axis {self.name!r}: size must be a whole number of at least 4.")
        if self.boundary not in BOUNDARIES:
            raise UsageError(f"axis {self.name!r}: boundary {self.boundary!r} is not one of {BOUNDARIES}.")

    @property
    def length(self) -> float:
        return self.upper - self.lower

    def points(self, size: int | None = None) -> Array:
        n = size or self.size
        return self.lower + self.length / n * np.arange(n, dtype=np.float64)


@dataclass(frozen=True)
class Grid:
    """Spatial axes (none for an ODE) and the times at which the answer is wanted; times[0] is the start."""

    axes: tuple[Axis, ...]
    times: Array

    def __post_init__(self) -> None:
        times = np.asarray(self.times, dtype=np.float64)
        if times.ndim != 1 or len(times) < 2 or not np.isfinite(times).all():
            raise UsageError("times must be a list of at least two finite numbers.")
        if not (np.diff(times) > 0).all():
            raise UsageError("times must be sorted, strictly increasing.")
        object.__setattr__(self, "times", times)
        if int(np.prod(self.shape, dtype=float)) * len(times) > MAX_POINTS:
            raise UsageError(f"the grid has more than {MAX_POINTS} points.")

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(axis.size for axis in self.axes)

    @property
    def duration(self) -> float:
        return float(self.times[-1] - self.times[0])


def numpy_function(name: str, value: Any) -> Any:
    """The elementary functions of the grammar on numpy arrays."""
    return getattr(np, name)(value)


@dataclass(frozen=True)
class Problem:
    """One task. Frozen, numpy only.

    initial_values: arrays on the grid, by field; initial_text: formulas in the coordinates, by field
    (a field has one or the other; a formula is exact at every resolution).
    invariants: formulas whose mean over space the exact solution conserves; the core measures their drift.
    lyapunov: leading Lyapunov exponent (1/time), where the problem is chaotic and it is known.
    """

    name: str
    equation: Equation
    grid: Grid
    initial_values: Mapping[str, Array] = field(default_factory=dict)
    initial_text: Mapping[str, str] = field(default_factory=dict)
    kind: str = "evolution"
    title: str = ""
    about: str = ""
    invariants: Mapping[str, str] = field(default_factory=dict)
    lyapunov: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"problem: kind {self.kind!r} is not known to this version of sciml.")
        if tuple(axis.name for axis in self.grid.axes) != self.equation.axes:
            raise UsageError("problem: the axes of the grid and of the equation differ.")
        for name in self.equation.fields:
            if (name in self.initial_values) == (name in self.initial_text):
                raise UsageError(f"problem: the field {name!r} needs initial data, as a formula or as values.")
        for name, values in self.initial_values.items():
            if values.shape != self.grid.shape:
                raise UsageError(
                    f"problem: initial values of {name!r} have shape {values.shape}, the grid {self.grid.shape}."
                )
        if not np.isfinite(self.initial()).all():
            raise UsageError("problem: the initial data contain NaN or infinity.")
        nothing = dict.fromkeys((*self.equation.fields, *self.equation.axes, "t"), np.zeros(()))
        for text in self.invariants.values():  # what cannot be evaluated is refused now, not after the run
            self.evaluate(text, nothing, {name: nothing[name] for name in self.equation.fields}, ())

    def _names(self, fields: Sequence[str] = ()) -> Names:
        return Names(fields, self.equation.axes, tuple(self.equation.parameters))

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        """Dimensions of each field asked for."""
        return dict.fromkeys(self.equation.fields, ("time", *self.equation.axes))

    def initial(self, shape: tuple[int, ...] | None = None) -> Array:
        """Initial state, (fields, *shape): formulas evaluated, arrays resampled by Fourier series."""
        shape = self.grid.shape if shape is None else shape
        points = np.meshgrid(*(a.points(n) for a, n in zip(self.grid.axes, shape, strict=True)), indexing="ij")
        at = dict(zip(self.equation.axes, points, strict=True)) | {"t": self.grid.times[0]}
        rows = []
        for name in self.equation.fields:
            if name in self.initial_text:
                rows.append(self.evaluate(self.initial_text[name], at, {}, shape))
            else:
                rows.append(_resample(np.asarray(self.initial_values[name], dtype=np.float64), shape))
        return np.stack(rows)

    def evaluate(
        self, text: str, coordinates: Mapping[str, Any], fields: Mapping[str, Array], shape: tuple[int, ...]
    ) -> Array:
        """A pointwise formula in coordinates, parameters and field values."""

        def leaf(node: tree.Expr) -> Any:
            match node:
                case tree.Parameter(name):
                    return np.float64(self.equation.parameters[name])  # 1/0 is infinite, not an exception
                case tree.Coordinate(name):
                    return coordinates[name]
                case tree.Field(name):
                    return fields[name]
            raise UsageError(f"formula {text!r}: derivatives are not allowed here.")

        with np.errstate(all="ignore"):
            value = tree.evaluate(parse_expression(text, self._names(tuple(fields))), leaf, numpy_function)
        return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).copy()

    @cached_property
    def features(self) -> dict[str, frozenset[str]]:
        """What a solver must be able to do, axis by axis; compared with its `Solves`."""
        return {
            "kind": frozenset({self.kind}),
            "dim": frozenset({str(len(self.grid.axes))}),
            "boundary": frozenset(axis.boundary for axis in self.grid.axes),
            "term": self.equation.terms,
            "fields": frozenset({"system"} if len(self.equation.fields) > 1 else set()),
        }

    def describe(self) -> dict[str, Any]:
        """Everything but the arrays, as plain JSON data."""
        return {
            "name": self.name, "kind": self.kind, "title": self.title, "about": self.about,
            "equation": list(self.equation.statements), "fields": list(self.equation.fields),
            "parameters": dict(self.equation.parameters),
            "axes": [
                {"name": a.name, "lower": a.lower, "upper": a.upper, "size": a.size, "boundary": a.boundary}
                for a in self.grid.axes
            ],
            "initial": dict(self.initial_text), "invariants": dict(self.invariants), "lyapunov": self.lyapunov,
        }  # fmt: skip

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what is asked; title and description do not count."""
        asked = {k: v for k, v in self.describe().items() if k not in ("title", "about", "name")}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
        digest.update(self.grid.times.tobytes())
        for name in sorted(self.initial_values):
            digest.update(np.ascontiguousarray(self.initial_values[name], dtype=np.float64).tobytes())
        return digest.hexdigest()


def _resample(values: Array, shape: tuple[int, ...]) -> Array:
    """Band-limited interpolation of periodic samples onto another grid size, axis by axis."""
    for axis, n in enumerate(shape):
        old = values.shape[axis]
        if n == old:
            continue
        spectrum = np.fft.rfft(np.moveaxis(values, axis, -1), norm="forward")
        keep = (min(n, old) - 1) // 2 + 1  # the Nyquist mode has no unique continuation: dropped
        resized = np.zeros((*spectrum.shape[:-1], n // 2 + 1), dtype=complex)
        resized[..., :keep] = spectrum[..., :keep]
        values = np.moveaxis(np.fft.irfft(resized, n=n, norm="forward"), -1, axis)
    return values
