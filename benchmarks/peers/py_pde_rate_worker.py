"""py-pde in an environment of its own: the rate of change of an advection–diffusion equation, compiled by numba.

Second-order central differences, what a user gets who types the equation in. Compiling is not on the clock.
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
    rates: dict[int, Any] = {}
    for line in sys.stdin:
        case: dict[str, Any] = json.loads(line)
        n = case["cells"]
        data = np.load(case["state"])
        if n not in rates:
            grid = pde.CartesianGrid([[0, 2 * np.pi]] * 2, [n, n], periodic=True)
            equation = pde.PDE({"u": case["rate"]}, bc="periodic")
            rates[n] = equation.make_pde_rhs(pde.ScalarField(grid, data), backend="numba")
            rates[n](data, 0.0)
        began = time.perf_counter()
        for _ in range(case["repeats"]):
            found = rates[n](data, 0.0)
        seconds = time.perf_counter() - began
        if case.get("save"):
            np.save(case["save"], found)
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
