"""PyAMG in an environment of its own: sets up and solves on request. One JSON request a line on stdin, one answer on
stdout.

The matrix comes as links between vertices (see multigrid_pyamg.py) and is assembled on nobody's clock.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
import pyamg
import scipy.sparse as sparse

METHODS = {"ruge-stuben": pyamg.ruge_stuben_solver, "smoothed aggregation": pyamg.smoothed_aggregation_solver}


def assembled(ax: Any, by: Any) -> Any:
    """Of the vertices inside a square with values given on all faces. ax: (n, n+1), by: (n+1, n)."""
    ax, by = ax[:, 1:-1], by[1:-1]
    n = ax.shape[1]
    diagonal = (ax[:-1] + ax[1:] + by[:, :-1] + by[:, 1:]).ravel()
    below = -ax[1:-1].ravel()
    beside = -by[:, 1:].copy()
    beside[:, -1] = 0.0
    right = beside.ravel()[:-1]
    return sparse.diags([below, right, diagonal, right, below], [-n, -1, 0, 1, n], format="csr")


def main() -> None:
    print(json.dumps({"version": f"PyAMG {pyamg.__version__}"}), flush=True)
    kept: dict[str, Any] = {}
    for line in sys.stdin:
        case = json.loads(line)
        if kept.get("file") != case["file"]:
            with np.load(case["file"]) as data:
                a, b = assembled(data["ax"], data["by"]), data["b"][1:-1, 1:-1].ravel()
            kept = {"file": case["file"], "a": a, "b": b}
        a, b, residuals = kept["a"], kept["b"], list[float]()
        began = time.perf_counter()
        hierarchy = METHODS[case["method"]](a)
        ready = time.perf_counter()
        x = hierarchy.solve(b, tol=case["tolerance"], accel="cg", residuals=residuals, maxiter=100)
        done = time.perf_counter()
        answer = {
            "setup": ready - began, "solve": done - ready, "steps": len(residuals) - 1,
            "residual": float(np.linalg.norm(b - a @ x) / np.linalg.norm(b)),
        }  # fmt: skip
        if case.get("save"):
            np.save(case["save"], x)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
