"""Entropic transport between two clouds of n points without ever storing n² costs: time, memory, error.

    OMP_NUM_THREADS=1 python benchmarks/transport_streaming.py --points 100000 --eta 20 --tolerance 1e-6

Uniform points in the unit square against a ring of normal ones, equal weights, squared Euclidean cost, by the solver
sinkhorn-newton with path=streaming. --certify adds the bounds of the value (some five passes more, not on the clock);
marginal errors are measured in any case, by one product.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from sciml_sinkhorn_newton.solver import SinkhornNewton

from sciml import Measure, Run, Transport
from sciml.transport.routes import task_of
from sciml.transport.scoring import measured


def clouds(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    angle = rng.uniform(0.0, 2 * np.pi, n)
    ring = 0.5 + 0.35 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.04 * rng.normal(size=(n, 2))
    return rng.random((n, 2)), ring


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--eta", type=float, default=20.0)
    parser.add_argument("--tolerance", type=float, default=1e-6)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, help="seconds")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--certify", action="store_true")
    a = parser.parse_args()
    n, began = a.points, time.perf_counter()
    weights, (x, y) = np.full(a.points, 1.0 / a.points), clouds(a.points)
    problem = Transport("clouds", Measure(weights, x), Measure(weights, y), 1.0 / a.eta, "squared euclidean")
    solver = SinkhornNewton(tolerance=a.tolerance, path="streaming", threads=a.threads)

    def shown(fraction: float, note: str) -> None:
        print(f"{time.perf_counter() - began:8.1f} s  {note}", flush=True)

    cpu = time.process_time()
    solution = solver.transport(problem, Run(budget=a.budget, on_progress=shown, device=a.device))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    error = solution.history["marginal_error"][-1]
    passes = solution.cost["work"]
    print(f"{n} to {n} points, eta = {a.eta:g}, {a.threads} thread(s) on {a.device}: {solution.message}; marginal error"
          f" {error:.1e} after {passes:.0f} passes ({solution.cost['newton']:.0f} Newton steps), {seconds:.0f} s wall,"
          f" {cpu:.0f} s CPU, {1e9 * seconds / passes / n**2:.2f} ns a pair and pass, {peak:.0f} MB")  # fmt: skip
    if a.certify:
        scores, _ = measured(problem, solution, task_of(problem, "streaming", a.threads, a.device))
        print(f"value {scores.lower:.10g} to {scores.upper:.10g} (gap {scores.gap:.1e}), W2 of the plan"
              f" {scores.distance['W2']:.8g}, marginals measured anew {scores.marginal_error:.1e}")  # fmt: skip


if __name__ == "__main__":
    main()
