"""Problems that take no time, and runs that stop, for tests of everything around them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sciml import Axis, Equation, Grid, Problem, Run


def stopping(folder: Path, reports: int = 3) -> Run:
    """A run that is interrupted at that many reports, however fast the machine is."""
    heard = 0

    def count(fraction: float, note: str) -> None:
        nonlocal heard
        heard += 1
        run._interrupted = heard == reports

    run = Run(seed=0, folder=folder, on_progress=count)
    return run


def small_ks() -> Problem:
    equation = Equation.parse(["u_t = -a*u*u_x - u_xx - 0.05*u_xxxx"], ["u"], ["x"], {"a": 1.0})
    grid = Grid((Axis("x", 0.0, 2 * np.pi, 32),), np.linspace(0.0, 0.2, 11))
    return Problem("small-ks", equation, grid, initial_text={"u": "cos(x)*(1 + sin(x))"}, invariants={"mean": "u"})


def small_ode() -> Problem:
    equation = Equation.parse(["x_t = -y", "y_t = x"], ["x", "y"])
    return Problem("circle", equation, Grid((), np.linspace(0.0, 2.0, 21)), initial_text={"x": "1", "y": "0"})


def small_plane() -> Problem:
    equation = Equation.parse(["w_t = 0.1*laplacian(w) - w*w_x"], ["w"], ["x", "y"])
    axes = (Axis("x", 0.0, 2 * np.pi, 16), Axis("y", 0.0, 2 * np.pi, 8))
    values = np.random.default_rng(0).normal(size=(16, 8))
    return Problem("plane", equation, Grid(axes, np.linspace(0.0, 0.1, 3)), initial_values={"w": values})
