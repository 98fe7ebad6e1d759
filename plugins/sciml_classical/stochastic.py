"""Ito equations du = a(u, t) dt + b(u, t) dW with a Brownian motion for each field, many paths at once, fixed steps.

Strang splitting: half a step of the drift alone, by the classical Runge–Kutta formula, a step of the noise alone, half
a step of the drift. The noise's step is Milstein's (Kloeden & Platen, Numerical Solution of Stochastic Differential
Equations, 1992, (10.3.12) without drift): with b_i a function of u_i and t alone,

    u_i ← u_i + b_i ΔW_i + ½ b_i ∂b_i/∂u_i (ΔW_i² − h)

of strong order 1, without the last term 1/2 (Euler–Maruyama). Drift that turns fast costs no accuracy then, as it does
in Milstein's scheme proper, whose drift is Euler's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sciml.equation import tree
from sciml.errors import RunFailed
from sciml.problem import Array, Problem, numpy_function
from sciml.run import Run
from sciml.solution import Solution

from .solver import Milstein

Rates = Callable[[float, Array], Array]


def foreign_noise(problem: Problem) -> dict[str, list[str]]:
    """Fields whose diffusion depends on other fields, with these: Milstein's scheme would need Lévy areas there."""
    found: dict[str, list[str]] = {}
    for name, expression in problem.diffusions().items():
        others = {n.name for n in tree.walk(expression) if isinstance(n, tree.Field)} - {name}
        if others:
            found[name] = sorted(others)
    return found


def vectorised(problem: Problem, expressions: Mapping[str, tree.Expr]) -> Rates:
    """f(t, u) of trees by field: u and f are (fields, paths)."""
    fields = problem.equation.fields
    position = {name: i for i, name in enumerate(fields)}

    def function(t: float, u: Array) -> Array:
        def leaf(node: tree.Expr) -> Any:
            return u[position[node.name]] if isinstance(node, tree.Field) else t

        found = np.empty_like(u)
        for i, name in enumerate(fields):
            found[i] = tree.evaluate(expressions[name], leaf, numpy_function)
        return found

    return function


def runge_kutta(drift: Rates, t: float, u: Array, h: float) -> Array:
    """A step of the classical formula of order 4."""
    k1 = drift(t, u)
    k2 = drift(t + h / 2, u + h / 2 * k1)
    k3 = drift(t + h / 2, u + h / 2 * k2)
    k4 = drift(t + h, u + h * k3)
    return u + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def noise_step(problem: Problem, milstein: bool) -> Callable[[float, Array, Array, float], Array]:
    """(t, u, ΔW, h) -> u after a step of the noise alone."""
    diffusions = problem.diffusions()
    spread = vectorised(problem, diffusions)
    slopes = {name: tree.partial(b, tree.Field(name)) for name, b in diffusions.items()}
    if not milstein or all(slope == tree.ZERO for slope in slopes.values()):
        return lambda t, u, dw, h: u + spread(t, u) * dw
    correct = vectorised(problem, {n: tree.multiply(tree.Number(0.5), diffusions[n], slopes[n]) for n in slopes})
    return lambda t, u, dw, h: u + spread(t, u) * dw + correct(t, u) * (dw * dw - h)


def solve_milstein(options: Milstein, problem: Problem, run: Run) -> Solution:
    """Mean over the paths at each output time, with their standard deviation where there are two or more."""
    equation, times, paths = problem.equation, problem.grid.times, options.paths
    drift = vectorised(problem, equation.numeric_rates())
    shake = noise_step(problem, options.scheme == "milstein")
    u = np.repeat(problem.initial()[:, None], paths, axis=1)
    mean, std = np.empty((2, len(times), len(u)))
    done, steps = 1, 0
    mean[0], std[0] = u.mean(1), 0.0
    saved = run.restore()
    if saved is not None:
        done, steps, u = int(saved["done"]), int(saved["steps"]), saved["u"]
        mean[:done], std[:done] = saved["mean"], saved["std"]
    while done < len(times):
        t, end = float(times[done - 1]), float(times[done])
        count = max(1, int(np.ceil((end - t) / options.step - 1e-9)))
        h = (end - t) / count
        rng = run.rng(f"paths/{done}")  # of this interval alone: what is resumed is what was running
        with np.errstate(all="ignore"):
            u = runge_kutta(drift, t, u, h / 2)
            for k in range(count):
                middle = t + (k + 0.5) * h
                u = shake(middle, u, np.sqrt(h) * rng.standard_normal(u.shape), h)
                u = runge_kutta(drift, middle, u, h if k < count - 1 else h / 2)
        if not np.isfinite(u).all():
            raise RunFailed(f"milstein: a path is not finite at t={end:g}; take a smaller step.")
        mean[done], std[done] = u.mean(1), u.std(1, ddof=1) if paths > 1 else 0.0
        done, steps = done + 1, steps + count
        kept = {"done": done, "steps": steps, "u": u, "mean": mean[:done], "std": std[:done]}
        run.step(done / len(times), kept, f"t={end:.4g}")
    return Solution(
        values={name: mean[:, i].copy() for i, name in enumerate(equation.fields)},
        std={name: std[:, i].copy() for i, name in enumerate(equation.fields)} if paths > 1 else {},
        cost={"steps": steps, "rhs_evaluations": (4 * steps + 4 * (len(times) - 1)) * paths},
    )
