"""Solvers that are linear in their unknowns: one number, or polynomials in neighbouring coordinates."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from sciml.ball import draw_points
from sciml.errors import RunFailed, UsageError
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .least_squares import Features, Fit, evaluate, fit
from .polynomials import LocalMonomials
from .reporting import fresh_residual, report
from .residual import BallEquation, Samples
from .solver import LocalPolynomial, RadialFit

DEGREE, MOST_UNKNOWNS, TOO_MANY = 5, 6000, 20_000
FEWEST = 2000


def constant(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The one function of u = k h."""
    one = torch.ones(len(x), 1, dtype=x.dtype)
    return one, 0 * one, 0 * one


def radial(equation: BallEquation, points: int, run: Run) -> Fit:
    drawn = draw_points(run.rng("radial"), points, equation.dimension, equation.radius)
    return fit(equation, constant, 1, drawn, lambda iteration, share: None)


def number_of_points(asked: int, unknowns: int, each: int, fewest: int = FEWEST) -> int:
    """As many as asked, or `each` for an unknown: what the functions cannot express acts as noise in the fit.

    Raises RunFailed where fewer points than unknowns are asked for."""
    if 0 < asked < unknowns:
        raise RunFailed(f"{asked} points cannot determine {unknowns} unknowns; give more points, or 0.")
    return asked or max(fewest, each * unknowns)


def solve_radial(solver: RadialFit, problem: Problem, run: Run) -> Solution:
    equation = BallEquation(problem)
    found = radial(equation, solver.points, run)
    return _report(problem, equation, constant, found, run, 1.0, "u = 0", {"k": float(found.weights[0])})


def solve_local(solver: LocalPolynomial, problem: Problem, run: Run) -> Solution:
    equation = BallEquation(problem)
    features = _monomials(equation, solver.degree)
    points = number_of_points(solver.points, features.count, 2)
    drawn = draw_points(run.rng("points"), points, equation.dimension, equation.radius)

    def tick(iteration: int, share: float) -> None:
        run.step(0.95 * (1 - 0.5 ** (iteration - 1 + share)), None, f"iteration {iteration}")

    with run.phase("fit"):
        found = fit(equation, features, features.count, drawn, tick)
    one = radial(equation, FEWEST, run)
    left = fresh_residual(equation, lambda at: evaluate(constant, one.weights, at), run)
    cost = {"degree": float(features.degree), "points": float(points)}
    return _report(problem, equation, features, found, run, left, "k(1 - |x|²/R²)", cost)


def _monomials(equation: BallEquation, degree: int) -> LocalMonomials:
    tried = degree or DEGREE
    while True:
        places = math.comb(equation.span + tried, tried) * equation.dimension  # counted before any are made
        if places > 100 * TOO_MANY and tried > 1 and not degree:
            tried -= 1
            continue
        features = LocalMonomials(equation.dimension, equation.span, tried, equation.radius)
        if degree or features.count <= MOST_UNKNOWNS + equation.dimension or tried == 1:
            break
        tried -= 1
    if features.count > TOO_MANY:
        raise UsageError(f"local-polynomial: degree {tried} means {features.count} unknowns, above {TOO_MANY}.")
    return features


def _report(
    problem: Problem, equation: BallEquation, features: Features, found: Fit, run: Run, beaten: float, by: str,
    cost: dict[str, float],
) -> Solution:  # fmt: skip
    def parts(at: Samples) -> tuple[Tensor, Tensor, Tensor]:
        return evaluate(features, found.weights, at)

    cost |= {"unknowns": float(np.size(found.weights.numpy())), "iterations": float(found.iterations)}
    return report(problem, equation, parts, run, beaten, by, **cost)
