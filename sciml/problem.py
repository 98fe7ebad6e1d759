"""What is asked: an equation, a grid, output times and initial data. Never the answer.

    grid = Grid((Axis("x", 0, 2 * pi, 512),), times=np.linspace(0, 1, 201))
    problem = Problem("ks", equation, grid, initial_text={"u": "cos(x)*(1 + sin(x))"})
    problem.initial((1024,))     # sampled at any resolution
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .ball import Ball
from .equation import Equation, Names, parse_expression, tree
from .equation.indexed import evaluate_sum
from .errors import UsageError
from .files.bounds import spend
from .grid import SIDES, Array, Axis, Grid, resample

__all__ = ["KINDS", "SIDES", "Array", "Axis", "Grid", "Problem", "numpy_function"]

KINDS = {
    "evolution": "fields marched in time from initial data (PDE, or ODE when there are no axes)",
    "steady": "fields in balance inside a box, given data on its faces (boundary-value problem)",
    "ball": "fields in balance in a ball of many dimensions, 0 on its sphere, wanted at given points",
}


def numpy_function(name: str, value: Any) -> Any:
    """The elementary functions of the grammar on numpy arrays."""
    return getattr(np, name)(value)


@dataclass(frozen=True)
class Problem:
    """One task. Frozen, numpy only.

    initial_values: arrays on the grid, by field; initial_text: formulas in the coordinates, by field
    (a field has one or the other; a formula is exact at every resolution). A steady problem has neither.
    boundary_text: formulas in the coordinates and t, by field, axis and side ("lower", "upper"), on faces that
    are not periodic or open; a missing one is 0.
    invariants: formulas whose mean over space the exact solution conserves; the core measures their drift.
    given: coefficients the equation names, as values on the grid; between its points they are (multi)linear.
    ball: of kind ball, the ball and the points, in place of a grid with axes.
    lyapunov: leading Lyapunov exponent (1/time), where the problem is chaotic and it is known.
    diffusion: of a problem without axes, formulas b in the fields, parameters and t, by field: du = rate dt + b dW in
    the sense of Ito, each field with a Brownian motion of its own. The answer is then the mean over paths at each
    time, and the standard deviation over paths stands where the spread does.
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
    boundary_text: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    ball: Ball | None = None
    given: Mapping[str, Array] = field(default_factory=dict)
    diffusion: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"problem: kind {self.kind!r} is not known to this version of sciml.")
        if tuple(axis.name for axis in self.grid.axes) != self.equation.axes:
            raise UsageError("problem: the axes of the grid and of the equation differ.")
        if self.equation.steady != (self.kind != "evolution"):
            raise UsageError(
                "problem: 'u_t = …' belongs to kind evolution, 'left = right' without a rate to kinds steady and ball;"
                f" this one is of kind {self.kind}."
            )
        if (self.kind == "ball") != (self.ball is not None) or (self.kind == "ball") != bool(self.equation.indexed):
            raise UsageError("problem: a ball, and names with subscripts, belong to kind ball and to no other.")
        if self.ball is not None:
            self._check_ball(self.ball)
        elif self.kind == "steady":
            self._check_steady()
        elif len(self.grid.times) < 2:
            raise UsageError("times must be a list of at least two finite numbers.")
        for name in self.equation.fields if self.kind == "evolution" else ():
            if (name in self.initial_values) == (name in self.initial_text):
                raise UsageError(f"problem: the field {name!r} needs initial data, as a formula or as values.")
        for name, values in self.initial_values.items():
            if values.shape != self.grid.shape:
                raise UsageError(
                    f"problem: initial values of {name!r} have shape {values.shape}, the grid {self.grid.shape}."
                )
        self._check_given()
        if self.kind == "evolution":
            arrays = len(self.equation.fields) + len(self.grid.axes) + 4  # values, coordinates, what a formula needs
            spend(8 * arrays * int(np.prod(self.grid.shape, dtype=float)), "the initial data")
        if self.kind == "evolution" and not np.isfinite(self.initial()).all():
            raise UsageError("problem: the initial data contain NaN or infinity.")
        self._check_boundary()
        self._check_diffusion()
        nothing = dict.fromkeys((*self.equation.fields, *self.equation.axes, "t"), np.zeros(()))
        for text in self.invariants.values():  # what cannot be evaluated is refused now, not after the run
            self.evaluate(text, nothing, {name: nothing[name] for name in self.equation.fields}, ())

    def _check_given(self) -> None:
        if set(self.given) != set(self.equation.given):
            raise UsageError(
                f"problem: the equation takes values of {sorted(self.equation.given)}, given are {sorted(self.given)}."
            )
        for name, values in self.given.items():
            if values.shape != self.grid.shape or not np.isfinite(values).all():
                raise UsageError(
                    f"problem: the values of {name!r} must be finite, of the grid's shape {self.grid.shape}."
                )

    def _check_diffusion(self) -> None:
        if self.diffusion and (self.grid.axes or self.kind != "evolution"):
            raise UsageError("problem: a diffusion with Brownian motion belongs to evolutions without axes.")
        for name, text in self.diffusion.items():
            if name not in self.equation.fields:
                raise UsageError(f"problem: a diffusion is given for {name!r}, which is not a field.")
            fields = dict(zip(self.equation.fields, self.initial(), strict=True))
            if not np.isfinite(self.evaluate(text, {"t": self.grid.times[0]}, fields, ())).all():
                raise UsageError(f"problem: the diffusion {text!r} of {name!r} is not finite at the start.")

    @property
    def stochastic(self) -> bool:
        return bool(self.diffusion)

    def diffusions(self) -> dict[str, tree.Expr]:
        """What multiplies dW, by field: trees in the fields and t, parameters as numbers; 0 where nothing does."""
        names = self._names(self.equation.fields)
        numbers: dict[tree.Expr, tree.Expr] = {
            tree.Parameter(name): tree.Number(value) for name, value in self.equation.parameters.items()
        }
        return {
            name: tree.substitute(parse_expression(self.diffusion.get(name, "0"), names), numbers)
            for name in self.equation.fields
        }

    def given_at(self, name: str, *coordinates: Any) -> Array:
        """A given coefficient at points (arrays of one shape, one an axis): (multi)linear between grid points."""
        from scipy.interpolate import RegularGridInterpolator

        values, nodes, places = self.given[name], [], []
        for index, (axis, place) in enumerate(zip(self.grid.axes, coordinates, strict=True)):
            if axis.periodic:
                values = np.concatenate([values, values.take([0], axis=index)], axis=index)
                nodes.append(np.append(axis.points(), axis.upper))
                places.append(axis.lower + np.mod(np.asarray(place) - axis.lower, axis.length))
            else:
                nodes.append(axis.points())
                places.append(np.clip(place, axis.lower, axis.upper))
        found: Array = RegularGridInterpolator(nodes, values)(np.stack(np.broadcast_arrays(*places), axis=-1))
        return found

    def at(self, *coordinates: Any) -> dict[str, Any]:
        """What a pointwise expression may name, at points (arrays of one shape, one an axis): coordinates, and the
        values of given coefficients."""
        named = dict(zip(self.equation.axes, coordinates, strict=True))
        return named | {name: self.given_at(name, *coordinates) for name in self.given}

    def _check_steady(self) -> None:
        if not self.grid.axes or list(self.grid.times) != [0.0]:
            raise UsageError("problem: a steady problem has axes, and the one time 0.")
        if self.initial_values or self.initial_text:
            raise UsageError("problem: a steady problem has no initial data.")

    def _check_ball(self, ball: Ball) -> None:
        if self.grid.axes or list(self.grid.times) != [0.0]:
            raise UsageError("problem: a problem in a ball has no axes, and the one time 0.")
        if self.initial_values or self.initial_text or self.boundary_text or self.invariants or self.lyapunov:
            raise UsageError("problem: a problem in a ball has no initial or boundary data, and nothing conserved.")
        if set(ball.coefficients) != set(self.equation.indexed[1:]):
            raise UsageError(
                f"problem: the equation has coefficients {sorted(self.equation.indexed[1:])}, the ball"
                f" {sorted(ball.coefficients)}."
            )
        for rate in self.equation.rates.values():  # sums that are empty or not finite are refused now
            for node in tree.walk(rate):
                if isinstance(node, tree.IndexedSum) and not np.isfinite(self._total(node, ball.points)).all():
                    raise UsageError("problem: a sum in the equation is not finite at a point.")

    def _total(self, node: tree.IndexedSum, points: Any) -> Any:
        """A sum over i at points (…, d)."""
        assert self.ball is not None
        vectors = {self.equation.indexed[0]: points} | dict(self.ball.coefficients)
        with np.errstate(all="ignore"):
            return evaluate_sum(node, vectors, lambda n: np.float64(self.equation.parameters[n]), numpy_function)

    def _check_boundary(self) -> None:
        """Raise UsageError for data on a face that takes none, or that are not finite."""
        axes = {axis.name: axis for axis in self.grid.axes}
        for field_name, by_axis in self.boundary_text.items():
            if field_name not in self.equation.fields:
                raise UsageError(f"problem: boundary data for {field_name!r}, which is not a field.")
            for name, by_side in by_axis.items():
                for side, text in by_side.items():
                    given = dict(zip(SIDES, axes[name].faces, strict=True)).get(side) if name in axes else None
                    if given not in ("dirichlet", "neumann"):
                        raise UsageError(
                            f"problem: boundary data for {field_name} at {name}.{side}, where none can be given."
                        )
                    beside = [a for a in self.grid.axes if a.name != name]
                    face = math.prod(a.size for a in beside)
                    spend(8 * (len(beside) + 6) * face, "what is given on a face")  # with what a formula needs
                    points = np.meshgrid(*(a.points() for a in beside), indexing="ij")
                    others = dict(zip((a.name for a in beside), points, strict=True))
                    for t in (self.grid.times[0], self.grid.times[-1]):
                        values = self.boundary_values(field_name, name, side, others | {"t": t})
                        if not np.isfinite(values).all():
                            raise UsageError(f"problem: {field_name} at {name}.{side}: {text!r} is not finite.")

    def boundary_values(self, field_name: str, axis: str, side: str, points: Mapping[str, Any]) -> Array:
        """The data on a face, at coordinates `points` of the other axes (arrays of one shape) and time `t`.

        Dirichlet: the value; Neumann: the outward normal derivative ∂u/∂n.
        """
        text = self.boundary_text.get(field_name, {}).get(axis, {}).get(side, "0")
        shape = np.broadcast_shapes(*(np.shape(p) for p in points.values()))
        return self.evaluate(text, points, {}, shape)

    def given_size(self) -> float:
        """Largest magnitude of initial data and of values given on faces at the output times: what errors of an
        evolution that starts from nothing are relative to."""
        largest = float(np.abs(self.initial()).max()) if self.kind == "evolution" else 0.0
        for axis in self.grid.axes:
            others = [a for a in self.grid.axes if a is not axis]
            grids = np.meshgrid(self.grid.times, *(a.points() for a in others), indexing="ij")
            at = dict(zip(("t", *(a.name for a in others)), grids, strict=True))
            for side, face in zip(SIDES, axis.faces, strict=True):
                for name in self.equation.fields if face == "dirichlet" else ():
                    largest = max(largest, float(np.abs(self.boundary_values(name, axis.name, side, at)).max()))
        return largest

    def _names(self, fields: Sequence[str] = ()) -> Names:
        return Names(fields, self.equation.axes, tuple(self.equation.parameters), self.equation.indexed)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of a field's values at one time: the grid's, or of a ball (points,)."""
        return self.grid.shape if self.ball is None else (len(self.ball.points),)

    @property
    def outputs(self) -> dict[str, tuple[str, ...]]:
        """Dimensions of each field asked for."""
        space = self.equation.axes if self.ball is None else ("point",)
        return dict.fromkeys(self.equation.fields, ("time", *space))

    def initial(self, shape: tuple[int, ...] | None = None) -> Array:
        """Initial state, (fields, *shape): formulas evaluated, arrays resampled (periodic axes by Fourier
        series, others by a spline of degree five)."""
        shape = self.grid.shape if shape is None else shape
        points = np.meshgrid(*(a.points(n) for a, n in zip(self.grid.axes, shape, strict=True)), indexing="ij")
        at = dict(zip(self.equation.axes, points, strict=True)) | {"t": self.grid.times[0]}
        rows = []
        for name in self.equation.fields:
            if name in self.initial_text:
                rows.append(self.evaluate(self.initial_text[name], at, {}, shape))
            else:
                values = np.asarray(self.initial_values[name], dtype=np.float64)
                rows.append(resample(values, shape, self.grid.axes))
        return np.stack(rows)

    def evaluate(
        self, text: str, coordinates: Mapping[str, Any], fields: Mapping[str, Array], shape: tuple[int, ...]
    ) -> Array:
        """A pointwise formula in coordinates, parameters and field values. Of a ball, coordinates hold the points
        (…, d) under the name that takes subscripts."""

        def leaf(node: tree.Expr) -> Any:
            match node:
                case tree.Parameter(name):
                    return np.float64(self.equation.parameters[name])  # 1/0 is infinite, not an exception
                case tree.Coordinate(name):
                    if name not in coordinates:
                        raise UsageError(f"formula {text!r}: {name} has no meaning here.")
                    return coordinates[name]
                case tree.Field(name):
                    return fields[name]
                case tree.IndexedSum():
                    return self._total(node, coordinates[self.equation.indexed[0]])
            raise UsageError(f"formula {text!r}: derivatives are not allowed here.")

        with np.errstate(all="ignore"):
            value = tree.evaluate(parse_expression(text, self._names(tuple(fields))), leaf, numpy_function)
        return np.broadcast_to(np.asarray(value, dtype=np.float64), shape).copy()

    @cached_property
    def features(self) -> dict[str, frozenset[str]]:
        """What a solver must be able to do, axis by axis; compared with its `Solves`."""
        zero = frozenset({"dirichlet"})
        return {
            "kind": frozenset({self.kind}),
            "dim": frozenset({str(len(self.grid.axes)) if self.ball is None else "high"}),
            "boundary": frozenset(f for axis in self.grid.axes for f in axis.faces) if self.ball is None else zero,
            "term": self.equation.terms,
            "fields": frozenset({"system"} if len(self.equation.fields) > 1 else set()),
            "data": frozenset({"values"} if self.given else set()),
            "paths": frozenset({"random"} if self.diffusion else set()),
        }

    def describe(self) -> dict[str, Any]:
        """Everything but the arrays, as plain JSON data."""
        asked: dict[str, Any] = {
            "name": self.name, "kind": self.kind, "title": self.title, "about": self.about,
            "equation": list(self.equation.statements), "fields": list(self.equation.fields),
            "parameters": dict(self.equation.parameters),
            "axes": [
                {"name": a.name, "lower": a.lower, "upper": a.upper, "size": a.size, "boundary": a.boundary}
                for a in self.grid.axes
            ],
            "initial": dict(self.initial_text), "invariants": dict(self.invariants), "lyapunov": self.lyapunov,
            "boundary": {f: {a: dict(s) for a, s in by.items()} for f, by in self.boundary_text.items()},
        }  # fmt: skip
        if self.given:
            asked["given"] = sorted(self.given)
        if self.diffusion:
            asked["diffusion"] = dict(self.diffusion)
        if self.ball is not None:  # left out elsewhere: hashes of other problems stay what they were
            ball = {"dimension": self.ball.dimension, "radius": self.ball.radius}
            asked["ball"] = ball | {"point": self.equation.indexed[0]}
        return asked

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of what is asked; title and description do not count."""
        asked = {k: v for k, v in self.describe().items() if k not in ("title", "about", "name")}
        digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
        digest.update(self.grid.times.tobytes())
        if self.ball is not None:
            for array in (self.ball.points, *(v for _, v in sorted(self.ball.coefficients.items()))):
                digest.update(np.ascontiguousarray(array).tobytes())
        for name in sorted(self.given):
            digest.update(np.ascontiguousarray(self.given[name], dtype=np.float64).tobytes())
        for name in sorted(self.initial_values):
            digest.update(np.ascontiguousarray(self.initial_values[name], dtype=np.float64).tobytes())
        return digest.hexdigest()
