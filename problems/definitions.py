"""The problems that ship with sciml, as they are asked. `build.py` adds the references."""

from __future__ import annotations

import math

import boundary_value
import finite_volume
import high_dimensional
import numpy as np
import systems

from sciml import Axis, Equation, Grid, Problem
from sciml.problem import Array

TWO_PI = 2 * math.pi
VORTICITY = (
    "psi = inverse_laplacian(-w)",
    "u = psi_y",
    "v = -psi_x",
)


def _line(lower: float, upper: float, size: int, times: int, end: float = 1.0) -> Grid:
    return Grid((Axis("x", lower, upper, size),), np.linspace(0.0, end, times))


def lorenz() -> Problem:
    equation = Equation.parse(
        ["x_t = sigma*(y - x)", "y_t = x*(rho - z) - y", "z_t = x*y - beta*z"],
        ["x", "y", "z"], [], {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3},
    )  # fmt: skip
    return Problem(
        "lorenz", equation, Grid((), np.linspace(0.0, 20.0, 2001)), initial_text={"x": "1", "y": "1", "z": "1"},
        title="Lorenz 1963", lyapunov=0.9056,
        about="Chaotic ODE from (1, 1, 1), T = 20: the errors of a step grow by some 1e6 to 1e8.",
    )  # fmt: skip


def _kuramoto(
    name: str, coefficients: tuple[float, float, float], grid: Grid, initial: str, title: str,
    lyapunov: float | None = None,
) -> Problem:  # fmt: skip
    equation = Equation.parse(
        ["u_t = -a*u*u_x - b*u_xx - c*u_xxxx"], ["u"], ["x"], dict(zip("abc", coefficients, strict=True))
    )
    about = "Setting of Wang, Sankaran & Perdikaris, Respecting causality (2022), section 4."
    return Problem(
        name, equation, grid, initial_text={"u": initial}, title=title, about=about, invariants={"mean": "u"},
        lyapunov=lyapunov,
    )  # fmt: skip


def ks() -> Problem:
    return _kuramoto(
        "ks", (100 / 16, 100 / 16**2, 100 / 16**4), _line(0.0, TWO_PI, 512, 251), "cos(x)*(1 + sin(x))",
        "Kuramoto–Sivashinsky, chaotic",
        lyapunov=8.8,  # ours: 0.088 ± 0.004 in the usual units, 100 to one of these, over 2300 of them
    )  # fmt: skip


def ks_regular() -> Problem:
    return _kuramoto(
        "ks-regular", (5.0, 0.5, 0.005), _line(-1.0, 1.0, 512, 251), "-sin(pi*x)",
        "Kuramoto–Sivashinsky, regular",
    )  # fmt: skip


def allen_cahn() -> Problem:
    equation = Equation.parse(["u_t = d*u_xx + 5*u - 5*u**3"], ["u"], ["x"], {"d": 1e-4})
    return Problem(
        "allen-cahn", equation, _line(-1.0, 1.0, 512, 201), initial_text={"u": "x**2*cos(pi*x)"},
        title="Allen–Cahn", about="The initial data have a kink at x = ±1 when made periodic.",
    )  # fmt: skip


def burgers() -> Problem:
    equation = Equation.parse(["u_t = -u*u_x + nu*u_xx"], ["u"], ["x"], {"nu": 0.01 / math.pi})
    return Problem(
        "burgers", equation, _line(-1.0, 1.0, 512, 101), initial_text={"u": "-sin(pi*x)"},
        title="Viscous Burgers", about="Odd about 0, so periodic and Dirichlet solutions agree.",
        invariants={"mean": "u"},
    )  # fmt: skip


def kdv() -> Problem:
    equation = Equation.parse(["u_t = -u*u_x - mu**2*u_xxx"], ["u"], ["x"], {"mu": 0.022})
    return Problem(
        "kdv", equation, _line(-1.0, 1.0, 512, 201), initial_text={"u": "cos(pi*x)"},
        title="Korteweg–de Vries", about="Zabusky & Kruskal (1965): a cosine breaks into solitons.",
        invariants={"mean": "u", "energy": "u**2"},
    )  # fmt: skip


def _square(size: int, times: Array) -> Grid:
    return Grid((Axis("x", 0.0, TWO_PI, size), Axis("y", 0.0, TWO_PI, size)), times)


def random_vorticity(size: int, peak: float, seed: int, velocity: float = 1.0) -> Array:
    """Band-limited Gaussian vorticity: energy spectrum k^4 exp(-2 (k/peak)²), |k| <= 3 peak, and a
    root-mean-square velocity (per component pair, sqrt(mean(u² + v²))) of `velocity`."""
    rng = np.random.default_rng(seed)
    cutoff = int(3 * peak)
    x = TWO_PI / size * np.arange(size)
    stream = np.zeros((size, size))
    for kx in range(-cutoff, cutoff + 1):
        for ky in range(cutoff + 1):
            k = math.hypot(kx, ky)
            amplitude, phase = rng.normal(), rng.uniform(0, TWO_PI)
            if 0 < k <= cutoff and (ky > 0 or kx > 0):
                energy = k**4 * math.exp(-2 * (k / peak) ** 2)
                stream += amplitude * math.sqrt(energy / k) / k * np.cos(kx * x[:, None] + ky * x[None, :] + phase)
    k1 = np.fft.fftfreq(size, 1 / size)
    spectrum = np.fft.fft2(stream)
    square = k1[:, None] ** 2 + k1[None, :] ** 2
    speed = math.sqrt(float((square * np.abs(spectrum / size**2) ** 2).sum()))
    vorticity: Array = np.fft.ifft2(square * spectrum).real * (velocity / speed)
    return vorticity


def navier_stokes() -> Problem:
    equation = Equation.parse(
        [*VORTICITY, "w_t = -u*w_x - v*w_y + nu*laplacian(w)"], ["w"], ["x", "y"], {"nu": 0.01}
    )
    return Problem(
        "navier-stokes", equation, _square(128, np.linspace(0.0, 10.0, 11)),
        initial_values={"w": random_vorticity(128, 4.0, seed=2022)}, title="Decaying turbulence on the torus, Re = 100",
        about="Vorticity form; unit root-mean-square velocity, unit length, nu = 0.01. The initial field is ours:"
        " the one behind the published figures is not public.",
        invariants={"mean vorticity": "w"},
    )  # fmt: skip


def kolmogorov() -> Problem:
    equation = Equation.parse(
        [*VORTICITY, "w_t = -u*w_x - v*w_y + nu*laplacian(w) - drag*w - k*cos(k*y)"],
        ["w"], ["x", "y"], {"nu": 0.05, "drag": 0.1, "k": 4.0},
    )  # fmt: skip
    return Problem(
        "kolmogorov", equation, _square(64, np.linspace(0.0, 10.0, 21)),
        initial_values={"w": random_vorticity(64, 4.0, seed=1959)}, title="Kolmogorov flow",
        about="Forced at wavenumber 4 with linear drag.", invariants={"mean vorticity": "w"},
    )  # fmt: skip


def taylor_green() -> Problem:
    equation = Equation.parse(
        [*VORTICITY, "w_t = -u*w_x - v*w_y + nu*laplacian(w)"], ["w"], ["x", "y"], {"nu": 0.1}
    )
    return Problem(
        "taylor-green", equation, _square(64, np.linspace(0.0, 2.0, 21)), initial_text={"w": "2*cos(x)*cos(y)"},
        title="Taylor–Green vortex", about="Exact: w = 2 cos x cos y exp(-2 nu t).",
    )  # fmt: skip


ALL = {
    f().name: f
    for f in (lorenz, ks, ks_regular, allen_cahn, burgers, kdv, navier_stokes, kolmogorov, taylor_green)
} | boundary_value.LIST | systems.LIST | high_dimensional.LIST | finite_volume.LIST
