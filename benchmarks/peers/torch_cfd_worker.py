"""torch-cfd in an environment of its own: times steps of 2-D vorticity on request, as exponax_worker.py does.

torch-cfd's pseudo-spectral Navier–Stokes with its fourth-order stepper (Carpenter–Kennedy Runge–Kutta with
Crank–Nicolson for diffusion), float64, 2/3 rule, eager as it comes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch_cfd.grids import Grid
from torch_cfd.spectral import NavierStokes2DSpectral, RK4CrankNicolsonStepper


def main() -> None:
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(int(os.environ["THREADS"]))
    print(json.dumps({"version": f"torch-cfd {version('torch-cfd')} on torch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        case: dict[str, Any] = json.loads(line)
        n, length = case["points"], case["length"]
        grid = Grid(shape=(n, n), domain=((0, length), (0, length)))
        flow = NavierStokes2DSpectral(case["viscosity"], grid, smooth=True, step_fn=RK4CrankNicolsonStepper()).double()
        state = torch.fft.rfft2(torch.from_numpy(np.load(case["state"]))[:, 0])
        with torch.no_grad():
            flow(state, case["step"], steps=1)
            began = time.perf_counter()
            end, _ = flow(state, case["step"], steps=case["steps"])
            seconds = time.perf_counter() - began
        if case.get("save"):
            np.save(case["save"], torch.fft.irfft2(end, s=(n, n))[:, None].numpy())
        print(json.dumps({"seconds": seconds}), flush=True)


if __name__ == "__main__":
    main()
