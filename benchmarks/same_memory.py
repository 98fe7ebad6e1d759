"""Memory against memory: a network's velocity field, and grids that hold as many numbers.

    python benchmarks/same_memory.py [--problems taylor-green-euler taylor-green-two-scale] [--steps 100]

The INSR paper claims accuracy for memory. The field of `insr` is its weights (velocity, and apart from that the
pressure, which a grid solver need not keep); the grids here hold as many numbers as both together. Two solvers use
them: stable fluids (Stam, SIGGRAPH 1999: semi-Lagrangian advection, linear interpolation, projection), the kind the
paper compares with, and a pseudo-spectral one (`etdrk4` with that many modes), which the paper does not. Errors are
relative L2 of the velocity over space and time, on the problem's own grid, against its reference.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates

from sciml import Run, registry
from sciml.files import problem_file
from sciml.problem import Array, Problem
from sciml.reference.values import read_reference

PROBLEMS = Path(__file__).parents[1] / "problems"


def projected(u: Array, v: Array, k: Array) -> tuple[Array, Array]:
    """The part without divergence."""
    kx, ky = k[:, None], k[None, :]
    square = kx**2 + ky**2
    square[square == 0] = 1.0  # no gradient there
    a, b = np.fft.fft2(u), np.fft.fft2(v)
    along = (kx * a + ky * b) / square
    return np.fft.ifft2(a - kx * along).real, np.fft.ifft2(b - ky * along).real


def stable_fluids(problem: Problem, size: int, steps: int) -> Array:
    """Semi-Lagrangian advection and projection on size² points; (2, times, *grid), interpolated linearly."""
    first, _ = problem.grid.axes
    u, v = problem.initial((size, size))
    h, dt = first.length / size, problem.grid.duration / steps
    k = 2 * math.pi / first.length * np.fft.fftfreq(size, 1 / size)
    k[size // 2 : size // 2 + (size % 2 == 0)] = 0.0  # the Nyquist mode has no derivative
    index = np.indices((size, size), dtype=float)
    fine = np.indices(problem.grid.shape) * (size / np.array(problem.grid.shape))[:, None, None]
    shown, due = [np.stack([map_coordinates(f, fine, order=1, mode="grid-wrap") for f in (u, v)])], 1
    for n in range(1, steps + 1):
        back = [index[0] - dt * u / h, index[1] - dt * v / h]
        u, v = (map_coordinates(f, back, order=1, mode="grid-wrap") for f in (u, v))
        u, v = projected(u, v, k)
        if n * dt >= problem.grid.times[due] - problem.grid.times[0] - 1e-9:
            shown.append(np.stack([map_coordinates(f, fine, order=1, mode="grid-wrap") for f in (u, v)]))
            due += 1
    return np.stack(shown, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=["taylor-green-euler", "taylor-green-two-scale"])
    parser.add_argument("--steps", type=int, default=100)
    arguments = parser.parse_args()
    print(f"{'problem':24} {'solver':28} {'numbers':>8} {'error':>9} {'seconds':>8}")
    for name in arguments.problems:
        path = PROBLEMS / f"{name}.h5"
        problem = problem_file.read(path)
        reference = read_reference(path, problem)
        assert reference is not None
        exact = np.stack([reference.values[f] for f in "uv"])

        def report(label: str, numbers: float, values: Array, start: float) -> None:
            error = np.linalg.norm(values - exact) / np.linalg.norm(exact)  # noqa: B023
            print(f"{name:24} {label:28} {numbers:8.0f} {error:9.1e} {time.monotonic() - start:8.1f}", flush=True)  # noqa: B023

        start = time.monotonic()
        step = problem.grid.duration / arguments.steps
        found = registry.get_solver("insr").build(step=step).solve(problem, Run())
        count = found.cost["parameters"] + found.cost["auxiliary_parameters"]
        report("insr, radau5", count, np.stack([found.values[f] for f in "uv"]), start)
        size = math.isqrt(int(count) // 2)
        start = time.monotonic()
        report(f"stable fluids, {size}²", 2 * size**2, stable_fluids(problem, size, arguments.steps), start)
        start = time.monotonic()
        spectral = registry.get_solver("etdrk4").build(modes=(size - 1) // 2).solve(problem, Run())
        report(f"etdrk4, {(size - 1) // 2} modes", 2 * size**2, np.stack([spectral.values[f] for f in "uv"]), start)


if __name__ == "__main__":
    main()
