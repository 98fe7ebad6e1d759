"""jax-cfd in an environment of its own: times steps of 2-D vorticity on request, as exponax_worker.py does.

Its pseudo-spectral Navier–Stokes with crank_nicolson_rk4, float64, 2/3 rule, all steps in one compiled loop.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

import jax_cfd.base as cfd  # noqa: E402  (after the flag, which it reads)
import jax_cfd.spectral as spectral  # noqa: E402


def main() -> None:
    known: dict[str, Any] = {}
    print(json.dumps({"version": f"jax-cfd {version('jax-cfd')} on jax {jax.__version__}"}), flush=True)
    for line in sys.stdin:
        case: dict[str, Any] = json.loads(line)
        n, length, steps = case["points"], case["length"], case["steps"]
        key = json.dumps({k: v for k, v in case.items() if k != "save"})
        state = jnp.fft.rfftn(jnp.asarray(np.load(case["state"]))[0, 0])
        if key not in known:
            grid = cfd.grids.Grid((n, n), domain=((0, length), (0, length)))
            flow = spectral.equations.NavierStokes2D(case["viscosity"], grid, smooth=True)
            step = spectral.time_stepping.crank_nicolson_rk4(flow, case["step"])
            known[key] = jax.jit(cfd.funcutils.repeated(step, steps))
            known[key](state).block_until_ready()
        began = time.perf_counter()
        end = known[key](state).block_until_ready()
        seconds = time.perf_counter() - began
        if case.get("save"):
            np.save(case["save"], np.asarray(jnp.fft.irfftn(end))[None, None])
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
