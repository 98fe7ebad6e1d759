"""Do causal weights matter? Regular Kuramoto–Sivashinsky marched in long windows, with and without them.

    PYTHONPATH=.:plugins:problems python benchmarks/causality_window.py [--seed 0] [--lengths 0.1 0.2 0.4]

The joint network, with more features in time than short windows need. Every window is taken as it comes, so
that a failure shows. Errors are at the windows' ends, against the same equation marched in windows so short
that weights do not matter.
"""

from __future__ import annotations

import argparse
import time

import definitions  # type: ignore[import-not-found]
import torch
from sciml_pinn_causal.joint.ansatz import Joint, Settings
from torch import Tensor

from sciml.numerics.fourier import FourierBasis
from sciml.numerics.initial import fourier_basis, initial_coefficients
from sciml.run import Run

MODES, FEATURES, SLOPE = 32, 800, 2.5
TOLERANCE = 1e-4  # what such windows can reach: it also ends the ladder, whose steeper rungs no window would climb
SHORT, TIGHT = 2.5e-3, 1e-10


def ends(joint: Joint, start: Tensor, length: float, end: float) -> tuple[dict[float, Tensor], int, float]:
    """State at the end of each window, how many of them converged, and the largest held-out residual."""
    states, converged, worst = {}, 0, 0.0
    for i in range(round(end / length)):
        fit = joint.fit(start, i * length, length)
        start = fit.at(torch.tensor([(i + 1) * length], dtype=torch.float64))[0]
        states[round((i + 1) * length, 9)] = start
        converged, worst = converged + fit.converged, max(worst, fit.worst)
    return states, converged, worst


def distance(a: Tensor, b: Tensor, basis: FourierBasis) -> float:
    """Relative L2."""
    difference, size = ((basis.weights * s.abs() ** 2).sum().sqrt() for s in (a - b, b))
    return float(difference / size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lengths", type=float, nargs="+", default=[0.1, 0.2, 0.4])
    parser.add_argument("--end", type=float, default=1.0)
    arguments = parser.parse_args()
    problem, run = definitions.ks_regular(), Run(seed=arguments.seed)
    basis = fourier_basis(problem, (MODES,))
    start = initial_coefficients(problem, basis)
    truth, _, residual = ends(Joint(problem, basis, run, Settings(TIGHT)), start, SHORT, arguments.end)
    print(f"short windows of {SHORT:g}: largest residual {residual:.1e}")
    print("window  causal  converged  largest residual  first error  last error  seconds")
    for length in arguments.lengths:
        for causal in (True, False):
            began = time.monotonic()
            settings = Settings(TOLERANCE, causal, features=FEATURES, slope=SLOPE)
            joint = Joint(problem, basis, run, settings)
            states, converged, worst = ends(joint, start, length, arguments.end)
            errors = [distance(state, truth[t], basis) for t, state in states.items()]
            print(
                f"{length:6g}  {causal!s:6}  {converged:3d} of {len(errors):2d}  {worst:16.1e}"
                f"  {errors[0]:11.1e}  {errors[-1]:10.1e}  {time.monotonic() - began:7.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
