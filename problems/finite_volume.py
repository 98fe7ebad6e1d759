"""Problems whose solutions jump, with exact references. `build.py` writes them.

A step is z/sqrt(z² + 1e-30): ±1 to the last digit wherever |z| > 1e-7.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from sciml import Axis, Equation, Grid, Problem
from sciml.problem import Array
from sciml.reference.builder import EXACT as EXACT_SOLUTION

HEAT = 1.4  # ratio of specific heats


def _line(size: int, end: float, count: int, boundary: str = "periodic") -> Grid:
    return Grid((Axis("x", 0.0, 1.0, size, boundary),), np.linspace(0.0, end, count))


def _advected(place: str) -> str:
    """A bump about 0.3 and a box of width 0.2006 about 0.7, both of height 1 and of period 1 in `place`."""
    above = f"(cos(2*pi*({place} - 0.7)) - cos(2*pi*0.1003))"
    return f"exp(60*(cos(2*pi*({place} - 0.3)) - 1)) + 0.5 + 0.5*{above}/sqrt({above}**2 + 1e-30)"


def advection_square() -> Problem:
    return Problem(
        "advection-square", Equation.parse(["u_t = -c*u_x"], ["u"], ["x"], {"c": 1.0}), _line(200, 2.0, 21),
        initial_text={"u": _advected("x")}, title="Advection of a bump and a box",
        about="Two periods: the box asks for no new extrema, the bump for little dissipation.",
        invariants={"mean": "u"},
    )  # fmt: skip


def burgers_shock() -> Problem:
    return Problem(
        "burgers-shock", Equation.parse(["u_t = -u*u_x"], ["u"], ["x"]), _line(256, 1.0, 21),
        initial_text={"u": "0.3 + sin(2*pi*x)"}, title="Inviscid Burgers, a shock that moves",
        about="The shock forms at t = 1/(2 pi) in x = 0.5 + 0.3 t and moves with the mean, 0.3, because the data are"
        " odd about it.", invariants={"mean": "u"},
    )  # fmt: skip


def burgers_exact(problem: Problem) -> dict[str, Array]:
    """By characteristics: in the frame of the shock, y in (-1/2, 1/2) beside it at ±1/2, u = sin 2πs with y = s + u t,
    s of the sign of y. The root is the one next to y = 0, where s + t sin 2πs first reaches y."""
    rows = []
    for t in problem.grid.times:
        y = np.mod(problem.grid.axes[0].points() - 0.3 * t + 0.5, 1.0) - 0.5
        rows.append([0.3 + _characteristic(float(one), float(t)) for one in y])
    return {"u": np.array(rows)}


def _characteristic(y: float, t: float) -> float:
    size, k = abs(y), 2 * math.pi
    turning = math.acos(-1 / (k * t)) / k if k * t > 1 else 0.5  # where characteristics stop to fan out
    s = brentq(lambda s: s + t * math.sin(k * s) - size, 0.0, turning, xtol=1e-17, rtol=4 * np.finfo(float).eps)
    return math.copysign(math.sin(k * float(s)), y) if size else 0.0


def sod() -> Problem:
    equation = Equation.parse(
        ["p = (g - 1)*(E - m**2/rho/2)", "rho_t = -m_x", "m_t = -d_x(m**2/rho + p)", "E_t = -d_x(m*(E + p)/rho)"],
        ["rho", "m", "E"], ["x"], {"g": HEAT},
    )  # fmt: skip
    step = "(x - 0.5)/sqrt((x - 0.5)**2 + 1e-30)"
    return Problem(
        "sod", equation, _line(201, 0.2, 11, "open"),
        initial_text={"rho": f"0.5625 - 0.4375*{step}", "m": "0", "E": f"1.375 - 1.125*{step}"},
        title="Shock tube of Sod",
        about="G. A. Sod, J. Comput. Phys. 27 (1978): density 1 and pressure 1 beside density 0.125 and pressure 0.1,"
        " at rest; a rarefaction, a contact and a shock.",
    )  # fmt: skip


def sod_exact(problem: Problem) -> dict[str, Array]:
    """The Riemann problem (Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, 2009, sections 4.2-4.5)."""
    g, left, right = HEAT, (1.0, 1.0), (0.125, 0.1)  # (density, pressure)
    sound_left, sound_right = (math.sqrt(g * p / rho) for rho, p in (left, right))

    def rarefied(p: float) -> float:
        return 2 * sound_left / (g - 1) * (1 - (p / left[1]) ** ((g - 1) / (2 * g)))

    def shocked(p: float) -> float:
        a, b = 2 / ((g + 1) * right[0]), (g - 1) / (g + 1) * right[1]
        return (p - right[1]) * math.sqrt(a / (p + b))

    p = float(brentq(lambda p: shocked(p) - rarefied(p), right[1], left[1], xtol=1e-17, rtol=4 * np.finfo(float).eps))
    u, jump, q = shocked(p), p / right[1], (g - 1) / (g + 1)
    inner = (left[0] * (p / left[1]) ** (1 / g), right[0] * (jump + q) / (q * jump + 1))
    tail = u - sound_left * (p / left[1]) ** ((g - 1) / (2 * g))
    shock = sound_right * math.sqrt((g + 1) / (2 * g) * jump + (g - 1) / (2 * g))
    start = problem.initial()
    rows = [start]
    for t in problem.grid.times[1:]:
        xi = (problem.grid.axes[0].points() - 0.5) / t
        fan = np.clip(2 / (g + 1) - q / sound_left * xi, 0.0, None)
        zones = [xi < -sound_left, xi < tail, xi < u, xi < shock]
        rho = np.select(zones, [left[0], left[0] * fan ** (2 / (g - 1)), inner[0], inner[1]], right[0])
        velocity = np.select(zones, [0.0, 2 / (g + 1) * (sound_left + xi), u, u], 0.0)
        pressure = np.select(zones, [left[1], left[1] * fan ** (2 * g / (g - 1)), p, p], right[1])
        rows.append(np.stack([rho, rho * velocity, pressure / (g - 1) + rho * velocity**2 / 2]))
    return dict(zip(("rho", "m", "E"), np.stack(rows, 1), strict=True))


LIST: dict[str, Callable[[], Problem]] = {
    "advection-square": advection_square, "burgers-shock": burgers_shock, "sod": sod,
}  # fmt: skip
EXACT = {"advection-square": {"u": _advected("(x - c*t)")}}
COMPUTED: dict[str, tuple[Callable[[Problem], dict[str, Array]], str]] = {
    "burgers-shock": (burgers_exact, f"{EXACT_SOLUTION} characteristics, to rounding, beside a shock at 0.5 + 0.3 t."),
    "sod": (sod_exact, f"{EXACT_SOLUTION} the Riemann problem (Toro 2009, chapter 4), solved to rounding."),
}
