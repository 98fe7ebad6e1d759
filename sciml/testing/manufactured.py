"""Small problems whose exact solution is a formula, one of each kind that the problem language knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..ball import Ball, draw_points
from ..equation import Equation
from ..grid import Axis, Grid
from ..problem import Array, Problem

PI = np.pi


@dataclass(frozen=True)
class Manufactured:
    """exact: by field, a formula in the coordinates and t (of a ball, in the entries of its point)."""

    problem: Problem
    exact: Mapping[str, str]

    def values(self) -> dict[str, Array]:
        """(times, *grid) by field, or (1, points)."""
        from ..reference.builder import exact_reference

        return dict(exact_reference(self.problem, self.exact).values)


def manufactured() -> list[Manufactured]:
    """All of them, cheapest first: dynamics, evolutions in one and two dimensions, steady problems, a ball."""
    return [build() for build in BUILDERS]


def _times(end: float) -> Array:
    return np.linspace(0.0, end, 6)


def _posed(
    name: str, statements: list[str], exact: dict[str, str], axes: tuple[Axis, ...], times: Array,
    parameters: dict[str, float] | None = None, **more: object,
) -> Manufactured:  # fmt: skip
    """An evolution starts from its exact solution at t = 0; a steady problem has no start."""
    steady = len(times) == 1
    given = more.get("given") or {}
    equation = Equation.parse(
        statements, list(exact), [a.name for a in axes], parameters or {}, given=sorted(given)  # type: ignore[call-overload]
    )
    start = {} if steady else {field: re.sub(r"\bt\b", "0", text) for field, text in exact.items()}
    problem = Problem(
        name, equation, Grid(axes, times), initial_text=start, kind="steady" if steady else "evolution", **more  # type: ignore[arg-type]
    )
    return Manufactured(problem, exact)


def rotation() -> Manufactured:
    """Two coupled linear ODEs."""
    return _posed("rotation", ["x_t = -y", "y_t = x"], {"x": "cos(t)", "y": "sin(t)"}, (), _times(1.0))


def logistic() -> Manufactured:
    """A nonlinear ODE."""
    return _posed("logistic", ["x_t = x*(1 - x)"], {"x": "1/(1 + exp(-t))"}, (), _times(1.0))


def _circle(name: str = "x", size: int = 32) -> Axis:
    return Axis(name, 0.0, 2 * PI, size)


def heat() -> Manufactured:
    """Linear and diffusive, on a circle."""
    return _posed("heat", ["u_t = d*u_xx"], {"u": "exp(-d*t)*sin(x)"}, (_circle(),), _times(0.5), {"d": 0.1})


def advection() -> Manufactured:
    """Linear and dispersive: the exact solution keeps its shape."""
    return _posed("advection", ["u_t = -u_x"], {"u": "sin(x - t)"}, (_circle(),), _times(0.5))


def burgers() -> Manufactured:
    """Nonlinear: Cole (Quart. Appl. Math. 9, 1951) and Hopf (1950) with θ = 2 + exp(-d t) cos x."""
    exact = {"u": "2*d*exp(-d*t)*sin(x)/(2 + exp(-d*t)*cos(x))"}
    return _posed("burgers", ["u_t = -u*u_x + d*u_xx"], exact, (_circle(),), _times(0.5), {"d": 0.2})


def wave() -> Manufactured:
    """A system of two fields."""
    exact = {"u": "cos(t)*sin(x)", "v": "sin(t)*cos(x)"}
    return _posed("wave", ["u_t = v_x", "v_t = u_x"], exact, (_circle(),), _times(0.5))


def rod() -> Manufactured:
    """Heat between two cold ends."""
    axis = Axis("x", 0.0, 1.0, 33, "dirichlet")
    return _posed("rod", ["u_t = d*u_xx"], {"u": "exp(-d*pi**2*t)*sin(pi*x)"}, (axis,), _times(0.5), {"d": 0.1})


def insulated_rod() -> Manufactured:
    """Heat between two ends that let none through."""
    axis = Axis("x", 0.0, 1.0, 33, "neumann")
    exact = {"u": "1 + exp(-d*pi**2*t)*cos(pi*x)"}
    return _posed("insulated-rod", ["u_t = d*u_xx"], exact, (axis,), _times(0.5), {"d": 0.1})


def plane_heat() -> Manufactured:
    """Diffusion on a torus."""
    axes = (_circle("x", 16), _circle("y", 16))
    exact = {"u": "exp(-2*d*t)*sin(x)*cos(y)"}
    return _posed("plane-heat", ["u_t = d*laplacian(u)"], exact, axes, _times(0.5), {"d": 0.1})


def vortices() -> Manufactured:
    """Navier–Stokes: Taylor & Green's decaying vortices (Proc. R. Soc. A 158, 1937), through a stream function."""
    statements = ["psi = inverse_laplacian(-w)", "w_t = -psi_y*w_x + psi_x*w_y + nu*laplacian(w)"]
    axes = (_circle("x", 16), _circle("y", 16))
    exact = {"w": "2*cos(x)*cos(y)*exp(-2*nu*t)"}
    return _posed("vortices", statements, exact, axes, _times(0.5), {"nu": 0.1})


def string() -> Manufactured:
    """Poisson between two ends."""
    axis = Axis("x", 0.0, 1.0, 33, "dirichlet")
    return _posed("string", ["u_xx = -pi**2*sin(pi*x)"], {"u": "sin(pi*x)"}, (axis,), np.zeros(1))


def membrane() -> Manufactured:
    """Poisson on a square."""
    axes = (Axis("x", 0.0, 1.0, 17, "dirichlet"), Axis("y", 0.0, 1.0, 17, "dirichlet"))
    statement = "laplacian(u) = -2*pi**2*sin(pi*x)*sin(pi*y)"
    return _posed("membrane", [statement], {"u": "sin(pi*x)*sin(pi*y)"}, axes, np.zeros(1))


def layer() -> Manufactured:
    """Darcy flow through a coefficient given by its values on the grid."""
    axes = (Axis("x", 0.0, 1.0, 17, "dirichlet"), Axis("y", 0.0, 1.0, 17, "dirichlet"))
    given = {"a": np.full((17, 17), 2.0)}
    statement = "d_x(a*u_x) + d_y(a*u_y) = -4*pi**2*sin(pi*x)*sin(pi*y)"
    return _posed("layer", [statement], {"u": "sin(pi*x)*sin(pi*y)"}, axes, np.zeros(1), given=given)


def ball() -> Manufactured:
    """Poisson in a ball of ten dimensions."""
    posed = Ball(10, 1.0, draw_points(np.random.default_rng(0), 50, 10), {"c": np.ones(9)})
    equation = Equation.parse(["laplacian(u) = -20"], ["u"], (), {}, ["x", "c"])
    problem = Problem("ball", equation, Grid((), np.zeros(1)), kind="ball", ball=posed)
    return Manufactured(problem, {"u": "1 - sum(x[i]**2)"})


BUILDERS: tuple[Callable[[], Manufactured], ...] = (
    rotation, logistic, heat, advection, burgers, wave, string, rod, insulated_rod, plane_heat, vortices, membrane,
    layer, ball,
)  # fmt: skip
