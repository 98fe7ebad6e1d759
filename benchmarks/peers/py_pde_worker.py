"""py-pde in an environment of its own: Kuramoto–Sivashinsky over the same time span, as exponax_worker.py does.

Second-order differences on the same points, its adaptive explicit Runge–Kutta solver, compiled by numba: what a user
gets who types the equation in. Its steps are its own, many more than were asked for; the time is to the same end.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import pde


def main() -> None:
    print(json.dumps({"version": f"py-pde {version('py-pde')}"}), flush=True)
    equation = pde.PDE({"u": "-u * d_dx(u) - laplace(u + laplace(u))"}, bc="periodic")
    for line in sys.stdin:
        case: dict[str, Any] = json.loads(line)
        grid = pde.CartesianGrid([[0, case["length"]]], case["points"], periodic=True)
        data = np.load(case["state"])[0, 0]

        def run(span: float, grid: Any = grid, data: Any = data) -> Any:
            state = pde.ScalarField(grid, data)
            return equation.solve(state, t_range=span, dt=1e-5, adaptive=True, solver="runge-kutta", tracker=None)

        run(1e-4)
        began = time.perf_counter()
        end = run(case["step"] * case["steps"])
        seconds = time.perf_counter() - began
        if case.get("save"):
            np.save(case["save"], end.data[None, None])
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
