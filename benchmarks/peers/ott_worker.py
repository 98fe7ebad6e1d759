"""OTT-JAX in an environment of its own: Sinkhorn's algorithm on request, in its default, logarithmic mode. One JSON
request a line on stdin, one answer on stdout; arrays travel as files. Compiling is on nobody's clock."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import ott  # noqa: E402
from ott.geometry import geometry  # noqa: E402
from ott.problems.linear import linear_problem  # noqa: E402
from ott.solvers.linear import sinkhorn  # noqa: E402


def main() -> None:
    print(json.dumps({"version": f"OTT-JAX {ott.__version__}"}), flush=True)
    compiled: dict[Any, Any] = {}
    for line in sys.stdin:
        case = json.loads(line)
        with np.load(case["file"]) as data:
            r, c, matrix = (jnp.asarray(data[name]) for name in ("r", "c", "matrix"))
        settings = (case["eta"], case["most"], case["tolerance"], matrix.shape)

        def run(r: Any, c: Any, matrix: Any, case: Any = case) -> Any:
            solver = sinkhorn.Sinkhorn(threshold=case["tolerance"], max_iterations=case["most"], inner_iterations=10)
            problem = linear_problem.LinearProblem(geometry.Geometry(matrix, epsilon=1 / case["eta"]), a=r, b=c)
            return solver(problem)

        if settings not in compiled:
            compiled[settings] = jax.jit(run).lower(r, c, matrix).compile()
        began = time.perf_counter()
        out = jax.block_until_ready(compiled[settings](r, c, matrix))
        seconds = time.perf_counter() - began
        plan = np.exp((np.asarray(out.f)[:, None] + np.asarray(out.g) - np.asarray(matrix)) * case["eta"])
        error = float(np.abs(plan.sum(1) - np.asarray(r)).sum() + np.abs(plan.sum(0) - np.asarray(c)).sum())
        print(json.dumps({"seconds": seconds, "iterations": int(out.n_iters), "error": error}), flush=True)


if __name__ == "__main__":
    main()
