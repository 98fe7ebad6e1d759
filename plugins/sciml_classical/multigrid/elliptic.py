"""Reading an equation as ∂x(a u_x) + ∂y(b u_y) + c u = f, with formulas or given values a, b > 0, c and f."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sciml.equation import tree
from sciml.errors import UsageError
from sciml.problem import Array, Problem

from ..chebyshev.splitting import evaluate

SAMPLES = 200  # random points at which signs and derivatives of coefficients are compared
AGREEMENT = 1e-9
VALUE, ALONG = (0, 0), ((1, 0), (0, 1))
SECOND = ((2, 0), (0, 2))


@dataclass(frozen=True)
class Elliptic:
    """Trees in the coordinates; c is tree.ZERO where the value does not occur."""

    a: tree.Expr
    b: tree.Expr
    c: tree.Expr
    f: tree.Expr

    @classmethod
    def of(cls, problem: Problem, indefinite: bool = False) -> Elliptic:
        """Raises UsageError with every reason why the equation has not this form, with c <= 0 unless `indefinite`."""
        found, reasons = _read(problem, indefinite)
        if found is None or reasons:
            raise UsageError(f"{problem.name}: {'; '.join(reasons)}.")
        return found


def refusals(problem: Problem, indefinite: bool = False) -> list[str]:
    """Every reason why the equation has not this form, as sentences without a subject; empty means it has."""
    return _read(problem, indefinite)[1]


def _read(problem: Problem, indefinite: bool) -> tuple[Elliptic | None, list[str]]:
    strong, axes = problem.equation.strong, problem.equation.axes
    residual = strong.rates[strong.fields[0]]
    coefficients: dict[tuple[int, int], tree.Expr] = {}
    for i, (_, orders) in enumerate(strong.derivatives):
        by_axis = dict(orders)
        part = tree.partial(residual, tree.Atom(i))
        if any(isinstance(n, tree.Atom) for n in tree.walk(part)):
            return None, ["it solves linear equations only"]
        if part != tree.ZERO:
            coefficients[by_axis.get(axes[0], 0), by_axis.get(axes[1], 0)] = part
    if not set(coefficients) <= {VALUE, *ALONG, *SECOND}:
        return None, ["it takes no mixed derivatives and none of third or higher order"]
    if not set(coefficients) >= set(SECOND):
        return None, ["it wants a second derivative along each axis"]
    nothing: dict[tree.Expr, tree.Expr] = {tree.Atom(i): tree.ZERO for i in range(len(strong.derivatives))}
    source = tree.multiply(tree.Number(-1.0), tree.substitute(residual, nothing))
    return _checked(problem, coefficients, source, indefinite)


def _checked(
    problem: Problem, coefficients: dict[tuple[int, int], tree.Expr], source: tree.Expr, indefinite: bool
) -> tuple[Elliptic | None, list[str]]:
    axes, name = problem.grid.axes, problem.equation.fields[0]
    rng = np.random.default_rng(0)
    at = problem.at(*(rng.uniform(a.lower, a.upper, SAMPLES) for a in axes))

    def sampled(node: tree.Expr) -> Array:
        return evaluate(node, {}, at, (SAMPLES,))

    def smooth(node: tree.Expr) -> Array:
        """With a smooth function in the place of each given coefficient: two trees that agree then are equal."""
        return sampled(tree.substitute(node, _stand_ins(problem)))

    parts = {key: coefficients.get(key, tree.ZERO) for key in (VALUE, *ALONG, *SECOND)}
    if float(np.median(sampled(parts[SECOND[0]]))) < 0:  # -Δu = f
        source = tree.multiply(tree.Number(-1.0), source)
        parts = {key: tree.multiply(tree.Number(-1.0), part) for key, part in parts.items()}
    if not all(np.isfinite(smooth(part)).all() for part in (*parts.values(), source)):
        return None, ["its coefficients and source must be finite"]
    reasons = []
    if not all((sampled(parts[key]) > 0).all() for key in SECOND):
        x, y = (a.name for a in axes)
        reasons.append(f"the coefficients of {name}_{x}{x} and {name}_{y}{y} must have one sign, the same for both")
    for axis, first, second in zip(axes, ALONG, SECOND, strict=True):
        coordinate = tree.Coordinate(axis.name)
        wanted = smooth(tree.partial(tree.substitute(parts[second], _stand_ins(problem)), coordinate))
        size = np.abs(wanted).max() + np.abs(smooth(parts[second])).max() / axis.length
        if not (np.abs(smooth(parts[first]) - wanted) <= AGREEMENT * size).all():
            reasons.append(
                f"it takes equations in divergence form only: the coefficient of {name}_{axis.name} must be the"
                f" {axis.name}-derivative of that of {name}_{axis.name * 2}"
            )
    if not indefinite and not (sampled(parts[VALUE]) <= 0).all():
        reasons.append(f"the coefficient of {name} must not have the sign of those of its second derivatives")
    return Elliptic(parts[SECOND[0]], parts[SECOND[1]], parts[VALUE], source), reasons


def _stand_ins(problem: Problem) -> dict[tree.Expr, tree.Expr]:
    """For each given coefficient and its first derivatives, those of exp(sin(x) + …), different for each."""
    found: dict[tree.Expr, tree.Expr] = {}
    for number, name in enumerate(problem.equation.given):
        waves = [
            tree.Function("sin", tree.multiply(tree.Number(1.0 + number + 0.5 * k), tree.Coordinate(axis)))
            for k, axis in enumerate(problem.equation.axes)
        ]
        smooth = tree.Function("exp", tree.add(*waves))
        found[tree.Given(name)] = smooth
        for axis in problem.equation.axes:
            found[tree.derivative(tree.Given(name), ((axis, 1),))] = tree.partial(smooth, tree.Coordinate(axis))
    return found
