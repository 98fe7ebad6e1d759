"""Small families for solvers that are trained: of every shape that the language knows, data made in a second or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..family import Family


def small_families() -> list[Family]:
    """All of them, cheapest first: dynamics, an evolution in one and in two dimensions, a steady problem."""
    return [build() for build in BUILDERS]


def _splits(count: int = 4, **span: Any) -> dict[str, Any]:
    return {name: {"seed": seed, "count": count, **span} for seed, name in enumerate(("train", "valid", "test"))}


def oscillators() -> Family:
    """A damped oscillator from random places; long enough for solvers that learn from long sequences."""
    return Family.parse({
        "name": "small-oscillators", "equation": ["p_t = -q - d*p", "q_t = p"], "fields": ["p", "q"],
        "parameters": {"d": 0.1},
        "random": {"a": {"law": "uniform", "lower": 1.0, "upper": 2.0}, "b": {"law": "normal"}},
        "initial": {"p": "a", "q": "b"}, "splits": _splits(3, end=25.0, times=251), "maker": {"solver": "taylor"},
    })  # fmt: skip


def rings() -> Family:
    """Heat on a circle."""
    return Family.parse({
        "name": "small-rings", "equation": ["u_t = d*u_xx"], "fields": ["u"], "parameters": {"d": 0.1},
        "axes": [{"name": "x", "lower": 0.0, "upper": 1.0, "size": 16}],
        "random": {
            "A": {"law": "normal", "count": 3}, "phi": {"law": "uniform", "lower": 0.0, "upper": 6.0, "count": 3},
            "m": {"law": "choice", "values": [1, 2], "count": 3},
        },
        "initial": {"u": "sum(A[i]*sin(2*pi*m[i]*x + phi[i]))"}, "splits": _splits(end=0.5, times=6),
        "maker": {"solver": "etdrk4", "options": {"step": 0.05}},
    })  # fmt: skip


def swirls() -> Family:
    """Vortices on a torus, as vorticity."""
    return Family.parse({
        "name": "small-swirls", "fields": ["w"], "parameters": {"nu": 0.02},
        "equation": ["psi = inverse_laplacian(-w)", "w_t = -psi_y*w_x + psi_x*w_y + nu*laplacian(w)"],
        "axes": [{"name": name, "lower": 0.0, "upper": 1.0, "size": 16} for name in "xy"],
        "random": {"g": {"law": "gaussian-field", "amplitude": "1/(1 + k**2)", "boundary": "periodic", "modes": 3}},
        "initial": {"w": "20*g"}, "splits": _splits(end=1.5, times=4),
        "maker": {"solver": "etdrk4", "options": {"step": 0.05, "modes": 16}},
    })  # fmt: skip


def plates() -> Family:
    """Darcy's flow through random coefficients."""
    return Family.parse({
        "name": "small-plates", "kind": "steady", "equation": ["d_x(a*u_x) + d_y(a*u_y) = -1"], "fields": ["u"],
        "axes": [{"name": name, "lower": 0.0, "upper": 1.0, "size": 9, "boundary": "dirichlet"} for name in "xy"],
        "random": {"g": {"law": "gaussian-field", "amplitude": "1/(k**2 + 9)", "boundary": "neumann", "modes": 4}},
        "given": {"a": "exp(5*g)"}, "splits": _splits(),
        "maker": {"solver": "multigrid", "options": {"points": 65, "accuracy": 0.1}},
    })  # fmt: skip


BUILDERS: tuple[Callable[[], Family], ...] = (oscillators, rings, swirls, plates)
