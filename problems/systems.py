"""Systems of fields on the torus: ideal flow in velocity and pressure, and reaction with diffusion."""

from __future__ import annotations

import numpy as np

from sciml import Axis, Equation, Grid, Problem

# the pressure of an incompressible flow: Δp = -∇·(u·∇u)
EULER = (
    "p = inverse_laplacian(-(u_x**2 + 2*u_y*v_x + v_y**2))",
    "u_t = -u*u_x - v*u_y - p_x",
    "v_t = -u*v_x - v*v_y - p_y",
)
INSR = "Chen et al., Implicit Neural Spatial Representations for Time-dependent PDEs (ICML 2023)"


def _flow(name: str, size: int, end: float, initial: dict[str, str], title: str, about: str) -> Problem:
    equation = Equation.parse(list(EULER), ["u", "v"], ["x", "y"])
    axes = (Axis("x", -1.0, 1.0, size), Axis("y", -1.0, 1.0, size))
    return Problem(
        name, equation, Grid(axes, np.linspace(0.0, end, 11)), initial_text=initial, title=title,
        about=about, invariants={"energy": "u**2 + v**2"},
    )  # fmt: skip


def taylor_green_euler() -> Problem:
    return _flow(
        "taylor-green-euler", 64, 5.0, {"u": "sin(pi*x)*cos(pi*y)/pi", "v": "-cos(pi*x)*sin(pi*y)/pi"},
        "Taylor–Green vortices, inviscid",
        f"Setting of {INSR}: a steady solution, which a scheme should keep. Periodic: the walls of the paper, where the"
        " normal velocity vanishes, are lines of symmetry.",
    )  # fmt: skip


def taylor_green_two_scale() -> Problem:
    """Stream function sin(πx) sin(πy)/π² + 0.3 sin(3πx) sin(3πy)/(3π)²: u = ψ_y, v = -ψ_x."""
    return _flow(
        "taylor-green-two-scale", 96, 2.0,
        {
            "u": "(sin(pi*x)*cos(pi*y) + 0.1*sin(3*pi*x)*cos(3*pi*y))/pi",
            "v": "-(cos(pi*x)*sin(pi*y) + 0.1*cos(3*pi*x)*sin(3*pi*y))/pi",
        },
        "Vortices at two scales, inviscid",
        f"After {INSR}, whose second flow has vortices at two scales; this one, with stream function"
        " sin(πx) sin(πy)/π² + 0.3 sin(3πx) sin(3πy)/(3π)², is ours. Not steady.",
    )  # fmt: skip


def gray_scott() -> Problem:
    """Two substances in a square of side 1: feed 0.04, kill 0.06, a spot in the middle that divides."""
    equation = Equation.parse(
        ["u_t = du*laplacian(u) - u*v**2 + feed*(1 - u)", "v_t = dv*laplacian(v) + u*v**2 - (feed + kill)*v"],
        ["u", "v"], ["x", "y"], {"du": 8e-5, "dv": 4e-5, "feed": 0.04, "kill": 0.06},
    )  # fmt: skip
    # a smooth periodic bump of width 0.07 about the middle
    bump = "exp(-(2 - cos(2*pi*(x - 0.5)) - cos(2*pi*(y - 0.48)))/(4*pi**2*0.07**2))"
    axes = (Axis("x", 0.0, 1.0, 64), Axis("y", 0.0, 1.0, 64))
    return Problem(
        "gray-scott", equation, Grid(axes, np.linspace(0.0, 100.0, 11)),
        initial_text={"u": f"1 - 0.5*{bump}", "v": f"0.25*{bump}"}, title="Gray–Scott reaction and diffusion",
        about="Pearson, Complex patterns in a simple system (Science 261, 1993), with a smooth initial spot.",
    )  # fmt: skip


LIST = {f().name: f for f in (taylor_green_euler, taylor_green_two_scale, gray_scott)}
EXACT = {"taylor-green-euler": {"u": "sin(pi*x)*cos(pi*y)/pi", "v": "-cos(pi*x)*sin(pi*y)/pi"}}
