"""Boundary-value problems that ship with sciml, and an advection between two ends. `build.py` adds the references.

The sources f are second derivatives worked out by hand; boundary data are the solution's values on each face.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sciml import Axis, Equation, Grid, Problem

TWO_PI = 2 * math.pi
GP_HM = "Fang et al., Solving high frequency and multi-scale PDEs with Gaussian processes (ICLR 2024), section 5."
STILL = np.zeros(1)


def _on_line(
    name: str, statements: list[str], upper: float, size: int, ends: tuple[str, str], title: str, remark: str = ""
) -> Callable[[], Problem]:
    """u given at both ends of [0, upper]."""

    def build() -> Problem:
        axis = Axis("x", 0.0, upper, size, "dirichlet")
        data = {"u": {"x": dict(zip(("lower", "upper"), ends, strict=True))}}
        return Problem(
            name, Equation.parse(statements, ["u"], ["x"]), Grid((axis,), STILL), kind="steady",
            boundary_text=data, title=title, about=" ".join(filter(None, (f"Setting of {GP_HM}", remark))),
        )  # fmt: skip

    return build


def _on_square(
    name: str, statements: list[str], sides: tuple[float, float], size: int, faces: tuple[str, str, str, str],
    title: str, about: str,
) -> Callable[[], Problem]:  # fmt: skip
    """u given on x.lower, x.upper, y.lower, y.upper of the square `sides`²."""

    def build() -> Problem:
        axes = tuple(Axis(a, *sides, size, "dirichlet") for a in "xy")
        data = {"x": {"lower": faces[0], "upper": faces[1]}, "y": {"lower": faces[2], "upper": faces[3]}}
        return Problem(
            name, Equation.parse(statements, ["u"], ["x", "y"]), Grid(axes, STILL), kind="steady",
            boundary_text={"u": data}, title=title, about=about,
        )  # fmt: skip

    return build


HM = f"Setting of {GP_HM}"
SIX_HUNDRED = "-10036*sin(6*x)*cos(100*x) - 1200*cos(6*x)*sin(100*x)"
ROW = "(sin({0}) + 0.1*sin(20*{0}) + cos(100*{0}))"
BENT = "(-sin({0}) - 40*sin(20*{0}) - 10000*cos(100*{0}))"
SQUARE = [ROW.format("x"), ROW.format("y"), BENT.format("x"), BENT.format("y")]
AT_ONE = ROW.format("1")


def advection() -> Problem:
    """The pulse of INSR: it leaves nothing at x = 2 before t = 12."""
    return Problem(
        "advection", Equation.parse(["u_t = -c*u_x"], ["u"], ["x"], {"c": 0.25}),
        Grid((Axis("x", -2.0, 2.0, 401, "dirichlet-open"),), np.linspace(0.0, 12.0, 241)),
        initial_text={"u": "exp(-(x + 1.5)**2/0.02)"},
        boundary_text={"u": {"x": {"lower": "exp(-(0.5 + c*t)**2/0.02)"}}}, title="Advection of a pulse",
        about="Setting of Chen et al., Implicit neural spatial representations for time-dependent PDEs (ICML 2023), who"
        " impose u = 0 at both ends; that differs by at most 4e-6 from the inflow given here.",
    )  # fmt: skip


def _darcy(name: str, permeability: str, pressure: str, walls: bool, title: str, about: str) -> Callable[[], Problem]:
    """Flow through the unit square by a pressure; walls: nothing flows through the faces of y."""

    def build() -> Problem:
        statements = [
            f"a = {permeability}", f"p = {pressure}",
            "d_x(a*u_x) + d_y(a*u_y) = d_x(a*d_x(p)) + d_y(a*d_y(p))",
        ]  # fmt: skip
        axes = (Axis("x", 0.0, 1.0, 129, "dirichlet"), Axis("y", 0.0, 1.0, 129, "neumann" if walls else "dirichlet"))
        return Problem(
            name, Equation.parse(statements, ["u"], ["x", "y"]), Grid(axes, STILL), kind="steady",
            boundary_text={"u": {"x": {"lower": "1"}}} if walls else {}, title=title, about=about,
        )  # fmt: skip

    return build


WELLS = "sin(pi*x)*sin(2*pi*y)*exp(x)"
CHANNEL = "1 - x + 0.2*sin(2*pi*x)*cos(2*pi*y)"

LIST: dict[str, Callable[[], Problem]] = {
    "poisson-sin100": _on_line(
        "poisson-sin100", ["u_xx = -10000*sin(100*x)"], TWO_PI, 400, ("0", "sin(200*pi)"), "Poisson, one fast wave"
    ),
    "poisson-xsin200": _on_line(
        "poisson-xsin200", ["u_xx = 400*cos(200*x) - 40000*x*sin(200*x)"], TWO_PI, 900, ("0", "2*pi*sin(400*pi)"),
        "Poisson, a fast wave that grows",
    ),
    "poisson-sin6cos100": _on_line(
        "poisson-sin6cos100", [f"u_xx = {SIX_HUNDRED}"], TWO_PI, 400, ("0", "sin(12*pi)*cos(200*pi)"),
        "Poisson, product of a slow and a fast wave",
    ),
    "poisson-two-scale": _on_line(
        "poisson-two-scale", ["u_xx = -sin(x) - 40*sin(20*x) - 500*sin(100*x)"], 1.0, 900,
        ("0", "sin(1) + 0.1*sin(20) + 0.05*sin(100)"), "Poisson, three scales",
    ),
    "poisson-sin500": _on_line(
        "poisson-sin500", ["u_xx = -250000*sin(500*x) - 4"], 1.0, 400, ("-0.5", "sin(500) - 0.5"),
        "Poisson, a very fast wave on a parabola",
    ),
    "allen-cahn-sin100": _on_line(
        "allen-cahn-sin100", ["f = sin(100*x)*(sin(100*x)**2 - 10001)", "u_xx + u*(u**2 - 1) = f"], TWO_PI, 400,
        ("0", "sin(200*pi)"), "Steady Allen–Cahn, one fast wave",
    ),
    "allen-cahn-sin6cos100": _on_line(
        "allen-cahn-sin6cos100",
        [
            f"f = {SIX_HUNDRED} + (sin(6*x)*cos(100*x))**3 - sin(6*x)*cos(100*x)",
            "u_xx + u*(u**2 - 1) = f",
        ],
        TWO_PI, 400, ("0", "sin(12*pi)*cos(200*pi)"), "Steady Allen–Cahn, product of a slow and a fast wave",
    ),
    "poisson-2d-sin100": _on_square(
        "poisson-2d-sin100", ["laplacian(u) = -20000*sin(100*x)*sin(100*y)"], (0.0, TWO_PI), 400,
        ("0", "sin(200*pi)*sin(100*y)", "0", "sin(100*x)*sin(200*pi)"), "Poisson on a square, fast waves", HM,
    ),
    "poisson-2d-sum": _on_square(
        "poisson-2d-sum",
        [
            "laplacian(u) = -436*sin(6*x)*cos(20*x) - 240*cos(6*x)*sin(20*x)"
            " - 436*sin(6*y)*cos(20*y) - 240*cos(6*y)*sin(20*y)"
        ],
        (0.0, TWO_PI), 200,
        ("sin(6*y)*cos(20*y)", "sin(6*y)*cos(20*y)", "sin(6*x)*cos(20*x)", "sin(6*x)*cos(20*x)"),
        "Poisson on a square, a sum of waves", HM,
    ),
    "allen-cahn-2d": _on_square(
        "allen-cahn-2d",
        [
            "f = {2}*{1} + {0}*{3} + ({0}*{1})**3 - {0}*{1}".format(*SQUARE),
            "laplacian(u) + u*(u**2 - 1) = f",
        ],
        (0.0, 1.0), 200,
        (SQUARE[1], f"{AT_ONE}*{SQUARE[1]}", SQUARE[0], f"{SQUARE[0]}*{AT_ONE}"),
        "Steady Allen–Cahn on a square, three scales", HM,
    ),
    "advection-2d": _on_square(
        "advection-2d", ["200*u_x + u_y = 0"], (0.0, 1.0), 200,
        ("sin(-200*y)", "sin(1 - 200*y)", "sin(x)", "sin(x - 200)"), "Advection as a boundary-value problem",
        f"{HM} All four edges are given, two more than the equation needs.",
    ),
    "helmholtz-pig": _on_square(
        "helmholtz-pig", ["laplacian(u) + u = (1 - 17*pi**2)*sin(4*pi*x)*sin(pi*y)"], (-1.0, 1.0), 201,
        ("0", "0", "0", "0"), "Helmholtz",
        "Setting of Kang et al., PIG: Physics-informed Gaussians as adaptive parametric mesh representations"
        " (ICLR 2025), wavenumbers (4, 1).",
    ),
    "darcy-wells": _darcy(
        "darcy-wells", "exp(2*sin(2*pi*x)*sin(2*pi*y))", WELLS, False, "Darcy flow between wells",
        "Pressure in a medium whose permeability varies by a factor of 55; the source belongs to a given pressure.",
    ),
    "darcy-channel": _darcy(
        "darcy-channel", "exp(1.5*cos(2*pi*x + pi*y)*sin(3*pi*y))", CHANNEL, True, "Darcy flow along a channel",
        "A drop of pressure along x, walls at the ends of y, a permeability that varies by a factor of 20.",
    ),
    "advection": advection,
}  # fmt: skip
EXACT = {
    "poisson-sin100": "sin(100*x)",
    "poisson-xsin200": "x*sin(200*x)",
    "poisson-sin6cos100": "sin(6*x)*cos(100*x)",
    "poisson-two-scale": "sin(x) + 0.1*sin(20*x) + 0.05*sin(100*x)",
    "poisson-sin500": "sin(500*x) - 2*(x - 0.5)**2",
    "allen-cahn-sin100": "sin(100*x)",
    "allen-cahn-sin6cos100": "sin(6*x)*cos(100*x)",
    "poisson-2d-sin100": "sin(100*x)*sin(100*y)",
    "poisson-2d-sum": "sin(6*x)*cos(20*x) + sin(6*y)*cos(20*y)",
    "allen-cahn-2d": f"{SQUARE[0]}*{SQUARE[1]}",
    "advection-2d": "sin(x - 200*y)",
    "helmholtz-pig": "sin(4*pi*x)*sin(pi*y)",
    "darcy-wells": WELLS,
    "darcy-channel": CHANNEL,
    "advection": "exp(-(x + 1.5 - c*t)**2/0.02)",
}
