"""Defaults on problems they were not chosen on: `python benchmarks/held_out.py`.

One-dimensional equations with other coefficients and initial data than those that ship, some of other kinds. The
truth is etdrk4 in extended precision; its error is estimated against a looser tolerance.
"""

from __future__ import annotations

import math
import time

import numpy as np

from sciml import Axis, Equation, Grid, Problem, Run, registry
from sciml.metrics.norms import relative_l2

PROBLEMS = {
    "KS, other waves": ("-6*u*u_x - 0.4*u_xx - 0.0016*u_xxxx", "sin(2*x) + 0.5*cos(3*x)", 2 * math.pi, 0.5),
    "Burgers, thicker front": ("-u*u_x + 0.01*u_xx", "0.5*cos(x) - sin(2*x)", 2 * math.pi, 1.5),
    "KdV, two humps": ("-u*u_x - 0.001*u_xxx", "cos(pi*x) + 0.3*sin(2*pi*x)", 2.0, 0.8),
    "Swift-Hohenberg": ("0.3*u - u - 2*u_xx - u_xxxx + u**2 - u**3", "0.2*cos(x) + 0.1*sin(x/2)", 8 * math.pi, 10.0),
    "Fisher-KPP": ("0.02*u_xx + 4*u*(1 - u)", "0.5 + 0.4*sin(x)", 2 * math.pi, 2.0),
    "damped, forced advection": ("-u_x - 0.2*u + sin(t)*cos(x)**2", "exp(sin(x))", 2 * math.pi, 3.0),
}


def main() -> None:
    print("| problem | estimated error of the truth | etdrk4 | s | pinn-causal | s |\n|---|---|---|---|---|---|")
    for name, (rate, initial, length, end) in PROBLEMS.items():
        equation = Equation.parse([f"u_t = {rate}"], ["u"], ["x"])
        grid = Grid((Axis("x", 0.0, length, 256),), np.linspace(0.0, end, 51))
        problem = Problem("held-out", equation, grid, initial_text={"u": initial})
        sharp, loose = (
            registry.get_solver("etdrk4").build(precision="extended", tolerance=t).solve(problem, Run()).values["u"]
            for t in (1e-13, 1e-12)
        )
        row = [name, f"{relative_l2(loose, sharp):.1e}"]
        for solver in ("etdrk4", "pinn-causal"):
            began = time.monotonic()
            solution = registry.get_solver(solver).build().solve(problem, Run())
            row += [f"{relative_l2(solution.values['u'], sharp):.1e}", f"{time.monotonic() - began:.1f}"]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
