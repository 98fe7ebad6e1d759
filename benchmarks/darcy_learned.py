"""Learned operators for Darcy flow, all trained for the same time, beside classical multigrid.

    python benchmarks/darcy_learned.py [--budget 600] [--threads 2] [--rows mgno,fno] [--data sciml-data]

One row a network: seconds and steps of training, errors on the family's test members, milliseconds a member. Then
multigrid on the members' own grid, a coarser and a finer one, each to the accuracy its grid has. Errors
are against the family's data, whose own error is printed. Below: how many members have to be solved before training
pays, against the fastest multigrid row that is at least as accurate.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from sciml_classical.solver import Multigrid
from sciml_mgno.solver import Mgno

from sciml import family
from sciml.dataset import Dataset, make
from sciml.learning.trainer import train
from sciml.metrics.breakeven import breakeven
from sciml.run import Run
from sciml.scoring.family import score_family

ROOT = Path(__file__).parents[1]
ROWS = {
    "mgno": Mgno.build(iterations=0),
    "mgno-24x4": Mgno.build(iterations=0, channels=24, layers=4),
    "fno": Mgno.build(iterations=0, network="fno", channels=20, layers=4, learning_rate=1e-3),
    "fno-32": Mgno.build(iterations=0, network="fno", channels=32, layers=4, learning_rate=1e-3),
}
REPEATS = 3


def scored(values: list[np.ndarray], truth: Dataset) -> tuple[float, float]:
    """Mean relative L2 and H1 errors."""
    scores = score_family({"u": np.stack(values)}, {}, [math.inf] * truth.count, truth)
    return scores["relative_l2"]["mean"], scores["relative_h1"]["mean"]


def learned(name: str, budget: float, data: tuple[Dataset, Dataset, Dataset], seed: int) -> tuple[float, float, float]:
    """Train, solve, print. Training seconds, seconds a member, relative L2 error."""
    solver, (training, validation, test) = ROWS[name], data
    start = time.perf_counter()
    model = train(solver, training, validation, Run(seed=seed, dtype="float32", budget=budget))
    trained = time.perf_counter() - start
    best = math.inf
    for _ in range(REPEATS):
        run = Run()
        run.model = model
        start = time.perf_counter()
        answers = solver.solve_all(test.problems, run)
        best = min(best, (time.perf_counter() - start) / test.count)
    l2, h1 = scored([answer.values["u"] for answer in answers], test)
    print(
        f"| {name} | {model.card.parameters} | {trained:.0f} s, {model.card.iterations} steps | {l2:.2e} | {h1:.2e} |"
        f" {1e3 * best:.1f} ms |", flush=True,
    )  # fmt: skip
    return trained, best, l2


def classical(points: int, test: Dataset) -> tuple[float, float]:
    """Solve by multigrid on a grid of `points`, print. Seconds a member, relative L2 error."""
    finer = points > test.values["u"].shape[-1]
    solver = Multigrid.build(points=points, accuracy=0.9, extrapolate=finer, tolerance=1e-6)
    best = math.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        answers = [solver.solve(problem, Run()).values["u"] for problem in test.problems]
        best = min(best, (time.perf_counter() - start) / test.count)
    l2, h1 = scored(answers, test)
    print(f"| multigrid, {points}² | – | – | {l2:.2e} | {h1:.2e} | {1e3 * best:.1f} ms |", flush=True)
    return best, l2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=600.0, help="seconds of training, for every row")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", default="mgno,fno")
    parser.add_argument("--family", type=Path, default=ROOT / "problems/darcy-smooth.h5")
    parser.add_argument("--data", type=Path, default=Path("sciml-data"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    flow = family.read(asked.family)
    data = (make(flow, "train", asked.data), make(flow, "valid", asked.data), make(flow, "test", asked.data))
    size = data[2].values["u"].shape[-1]
    floor = np.sqrt(np.mean(data[2].error ** 2))
    print(f"{flow.name}, {data[2].count} test members, {size}²; the data's own error {floor:.1e}")
    print("| | parameters | training | relative L2 | relative H1 | a member |\n|---|---|---|---|---|---|")
    networks = {name: learned(name, asked.budget, data, asked.seed) for name in asked.rows.split(",")}
    grids = [classical(points, data[2]) for points in ((size + 1) // 2, size, 2 * size - 1)]
    for name, (seconds, each, error) in networks.items():
        as_good = [taken for taken, other in grids if other <= error]
        pays = breakeven(seconds, each, min(as_good)) if as_good else math.nan
        after = f"after {pays:.0f} members" if math.isfinite(pays) else "never"
        print(f"{name}: training pays {after}")


if __name__ == "__main__":
    main()
