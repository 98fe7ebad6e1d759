"""Which equations may be split: those of an incompressible flow in velocity and pressure.

Velocity u with as many components as axes, u_t = A(u, x, t) - ∇p, and p = inverse_laplacian of ∇·A on velocities
without divergence. Only then is projection the same as what the equation says about p.
"""

from __future__ import annotations

import math

import numpy as np

from sciml.equation import StrongForm, tree
from sciml.errors import UsageError
from sciml.problem import Array, Problem

Orders = tuple[int, ...]  # of a derivative, axis by axis

DRAWS, EQUAL = 4, 1e-9  # two analytic expressions that agree at so many random points are one
SOLENOIDAL = 1e-3  # divergence of the initial velocity relative to its gradient


def refusals(problem: Problem) -> list[str]:
    """Why the flow cannot be split, as sentences without a subject; empty: it can."""
    form, axes = problem.equation.localised, problem.equation.axes
    if len(form.fields) != len(axes) or not pressure_form(form, axes):
        return ["splitting needs a velocity, one component per axis, whose rates hold minus the gradient of a pressure"]
    if not matching_source(form, axes):
        return ["splitting needs a pressure that is the inverse Laplacian of the divergence of the other terms"]
    if not solenoidal(problem):
        return ["splitting needs an initial velocity without divergence"]
    return []


def pressure_form(form: StrongForm, axes: tuple[str, ...]) -> bool:
    """One auxiliary field φ; every rate holds its own -∂φ, and φ occurs nowhere else."""
    if len(form.sources) != 1:
        return False
    (name,), minus = form.sources, tree.Number(-1.0)
    gradient = [(name, ((axis, 1),)) for axis in axes]
    if {atom for atom in form.derivatives if atom[0] == name} != set(gradient):
        return False
    for i, (field, orders) in enumerate(form.derivatives):
        if field != name:
            continue
        for own, rate in zip(gradient, form.rates.values(), strict=True):
            if tree.partial(rate, tree.Atom(i)) != (minus if (field, orders) == own else tree.ZERO):
                return False
    return True  # its own source cannot hold φ


def matching_source(form: StrongForm, axes: tuple[str, ...]) -> bool:
    """Is Δφ's source ∇·A for every velocity without divergence? Both are evaluated at random derivatives of one."""
    rng, (name,) = np.random.default_rng(0), form.sources
    for _ in range(DRAWS):
        jet = _Jet(form, axes, rng)
        try:
            source = jet.value(form.sources[name])
            parts = [jet.along(rate, a) for a, rate in enumerate(form.rates.values())]
        except (ValueError, OverflowError, ZeroDivisionError, UsageError):
            return False  # not defined there: not known to be the same
        size = max(abs(source), *(abs(part) for part in parts), 1e-300)
        if not abs(source - sum(parts)) <= EQUAL * size:
            return False
    return True


class _Jet:
    """Random values of coordinates and of every derivative of a velocity without divergence; φ = 0."""

    def __init__(self, form: StrongForm, axes: tuple[str, ...], rng: np.random.Generator) -> None:
        self.form, self.axes, self.rng = form, axes, rng
        self.coordinates = {name: float(rng.uniform(0.1, 1)) for name in (*axes, "t")}
        self.known: dict[tuple[int, Orders], float] = {}

    def derivative(self, field: str, orders: Orders) -> float:
        if field not in self.form.fields:
            return 0.0
        number = self.form.fields.index(field)
        if number == 0 and orders[0] > 0:  # u_x = -v_y - …, and so for every derivative of it
            lower = (orders[0] - 1, *orders[1:])
            return -sum(self._free(b, _raised(lower, b)) for b in range(1, len(self.axes)))
        return self._free(number, orders)

    def _free(self, number: int, orders: Orders) -> float:
        return self.known.setdefault((number, orders), float(self.rng.uniform(0.1, 1)))

    def _atom(self, index: int, axis: int | None = None) -> float:
        field, orders = self.form.derivatives[index]
        places = tuple(dict(orders).get(name, 0) for name in self.axes)
        return self.derivative(field, places if axis is None else _raised(places, axis))

    def value(self, node: tree.Expr) -> float:
        def leaf(n: tree.Expr) -> float:
            match n:
                case tree.Atom(index):
                    return self._atom(index)
                case tree.Coordinate(name):
                    return self.coordinates[name]
            raise AssertionError(n)

        return float(tree.evaluate(node, leaf, lambda name, value: getattr(math, name)(value)))

    def along(self, node: tree.Expr, axis: int) -> float:
        """The total derivative along an axis, by the chain rule."""
        total = self.value(tree.partial(node, tree.Coordinate(self.axes[axis])))
        for i in range(len(self.form.derivatives)):
            slope = tree.partial(node, tree.Atom(i))
            if slope != tree.ZERO:
                total += self.value(slope) * self._atom(i, axis)
        return total


def _raised(orders: Orders, axis: int) -> Orders:
    return tuple(order + (a == axis) for a, order in enumerate(orders))


def solenoidal(problem: Problem) -> bool:
    """Has the initial velocity no divergence? By its Fourier series."""
    velocity, lengths = problem.initial(), [axis.length for axis in problem.grid.axes]

    def along(values: Array, axis: int) -> Array:
        size = values.shape[axis]
        k = 2 * math.pi / lengths[axis] * np.fft.fftfreq(size, 1 / size)
        shape = [-1 if b == axis else 1 for b in range(values.ndim)]
        found: Array = np.fft.ifft(1j * k.reshape(shape) * np.fft.fft(values, axis=axis), axis=axis).real
        return found

    slopes = np.stack([[along(u, a) for a in range(len(lengths))] for u in velocity])
    divergence = sum(slopes[a, a] for a in range(len(lengths)))
    return bool(np.linalg.norm(divergence) <= SOLENOIDAL * np.linalg.norm(slopes))


