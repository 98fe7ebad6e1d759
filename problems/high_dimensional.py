"""Problems in the unit ball of R^d that ship with sciml. `build.py` adds the references.

u = (1 - |x|²) s with s = Σ_{i<d} c_i sin φ_i, φ_i = x_i + cos x_{i+1} + x_{i+1} cos x_i, c_i ~ N(0, 1), so that
Δu = (1 - |x|²) Δs - 4 x·∇s - 2 d s. With p_i = ∂φ_i/∂x_i = 1 - x_{i+1} sin x_i and
q_i = ∂φ_i/∂x_{i+1} = cos x_i - sin x_{i+1}: x·∇s = Σ c_i cos φ_i (x_i p_i + x_{i+1} q_i),
Δs = -Σ c_i (sin φ_i (p_i² + q_i²) + cos φ_i (x_{i+1} cos x_i + cos x_{i+1})).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sciml import Ball, Equation, Grid, Problem
from sciml.ball import draw_points

SDGD = (
    "Setting of Hu, Shukla, Karniadakis & Kawaguchi, Tackling the curse of dimensionality with physics-informed neural"
    " networks (Neural Networks, 2024), taken up by Shi, Hu, Lin & Kawaguchi, Stochastic Taylor derivative estimator"
    " (NeurIPS 2024); coefficients and points from a seed of our own."
)
PHASE = "x[i] + cos(x[i+1]) + x[i+1]*cos(x[i])"
P, Q = "(1 - x[i+1]*sin(x[i]))", "(cos(x[i]) - sin(x[i+1]))"
SUM = f"sum(c[i]*sin({PHASE}))"
DEFINITIONS = [
    "h = 1 - sum(x[i]**2)",
    f"s = {SUM}",
    f"s_r = sum(c[i]*cos({PHASE})*(x[i]*{P} + x[i+1]*{Q}))",
    f"s_l = -sum(c[i]*(sin({PHASE})*({P}**2 + {Q}**2) + cos({PHASE})*(x[i+1]*cos(x[i]) + cos(x[i+1]))))",
]
POISSON = [*DEFINITIONS, "f = h*s_l - 4*s_r - 2*d*s", "laplacian(u) = f"]
ALLEN_CAHN = [*DEFINITIONS, "f = h*s_l - 4*s_r - 2*d*s + h*s - (h*s)**3", "laplacian(u) + u - u**3 = f"]
EXACT_TEXT = f"(1 - sum(x[i]**2))*{SUM}"
POINTS = {100: 2000, 1000: 200}  # a file stays below 2 MB


def _in_ball(name: str, statements: list[str], dimension: int, title: str) -> Callable[[], Problem]:
    def build() -> Problem:
        rng = np.random.default_rng(dimension)
        coefficients = rng.standard_normal(dimension - 1)
        ball = Ball(dimension, 1.0, draw_points(rng, POINTS[dimension], dimension), {"c": coefficients})
        equation = Equation.parse(statements, ["u"], (), {"d": float(dimension)}, ["x", "c"])
        return Problem(name, equation, Grid((), np.zeros(1)), kind="ball", title=title, about=SDGD, ball=ball)

    return build


LIST = {
    "poisson-100d": _in_ball("poisson-100d", POISSON, 100, "Poisson in 100 dimensions"),
    "poisson-1000d": _in_ball("poisson-1000d", POISSON, 1000, "Poisson in 1000 dimensions"),
    "allen-cahn-100d": _in_ball("allen-cahn-100d", ALLEN_CAHN, 100, "Allen–Cahn in 100 dimensions"),
    "allen-cahn-1000d": _in_ball("allen-cahn-1000d", ALLEN_CAHN, 1000, "Allen–Cahn in 1000 dimensions"),
}
EXACT = dict.fromkeys(LIST, EXACT_TEXT)
