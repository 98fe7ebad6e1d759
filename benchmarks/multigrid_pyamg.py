"""Seconds to a relative residual of 1e-8: compiled multigrid against PyAMG, in turn, in one run, on the same systems.

PyAMG is no dependency of this project. It needs an environment of its own:

    python -m venv pyamg-env && pyamg-env/bin/pip install pyamg
    python benchmarks/multigrid_pyamg.py --python pyamg-env/bin/python [--threads 1]

Both sides: the same five-point matrix and right side (random: all waves), float64, conjugate gradients with a V-cycle
as preconditioner, from 0, to the same residual, which is computed anew afterwards. Set-up is everything from the
coefficients (ours) or the assembled matrix (PyAMG) on. PyAMG's methods, Ruge–Stüben and smoothed aggregation, run with
their defaults; the faster one of a round counts. PyAMG uses one thread. Ratios are medians over rounds in which the
sides take turns. Before: how many steps ours takes on grids of different sizes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers.turns import Peer

from sciml.kernels.multigrid import Multigrid

TOLERANCE = 1e-8
METHODS = ("ruge-stuben", "smoothed aggregation")
FIXED = (True, True, True, True)
Coefficient = Callable[[np.ndarray, np.ndarray], np.ndarray]


def constant(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.ones(np.broadcast_shapes(x.shape, y.shape))


def lognormal(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """exp of a sum of 60 waves with random phases, standard deviation 1, correlated over a tenth of the square."""
    rng = np.random.default_rng(7)
    total = np.zeros(np.broadcast_shapes(x.shape, y.shape))
    for _ in range(60):
        (p, q), phase = rng.normal(scale=10.0, size=2), rng.uniform(0, 2 * np.pi)
        total += np.cos(p * x + q * y + phase)
    return np.exp(total * np.sqrt(2 / 60))


CASES: dict[str, Coefficient] = {"Poisson": constant, "Darcy": lognormal}


def system(n: int, coefficient: Coefficient) -> dict[str, np.ndarray]:
    """Links and right side on n intervals each way, values given on all faces."""
    x = np.linspace(0.0, 1.0, n + 1)
    middle = x[:-1] + 0.5 / n
    b = np.pad(np.random.default_rng(0).normal(size=(n - 1, n - 1)), 1)
    return {"ax": coefficient(middle[:, None], x[None]), "by": coefficient(x[:, None], middle[None]), "b": b}


def ours(data: dict[str, np.ndarray], sweeps: int, threads: int) -> tuple[dict[str, float], np.ndarray]:
    b = data["b"]
    began = time.perf_counter()
    solver = Multigrid(data["ax"], data["by"], None, FIXED, sweeps=sweeps, threads=threads)
    ready = time.perf_counter()
    first = norm = solver.start(b, np.zeros_like(b))
    steps = 0
    while norm > TOLERANCE * first:
        norm, steps = solver.conjugate_step(), steps + 1
    x = solver.solution()
    done = time.perf_counter()
    residual = solver.start(b, x) / first
    return {"setup": ready - began, "solve": done - ready, "steps": steps, "residual": residual}, x


def table_of_steps(sweeps: int, threads: int) -> None:
    sizes = (128, 256, 512, 1024, 2048)
    print("| steps to 1e-8 | " + " | ".join(f"{n + 1}²" for n in sizes) + " |")
    print("|---" * (len(sizes) + 1) + "|")
    for name, coefficient in CASES.items():
        steps = [int(ours(system(n, coefficient), sweeps, threads)[0]["steps"]) for n in sizes]
        print(f"| {name} | " + " | ".join(map(str, steps)) + " |", flush=True)


def compared(name: str, peer: Peer, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    data = system(arguments.intervals, CASES[name])
    file = str(folder / f"{name}.npz")
    np.savez(file, **data)
    rounds = []
    for k in range(arguments.rounds + 1):
        mine, x = ours(data, arguments.sweeps, arguments.threads)
        asked = {"file": file, "tolerance": TOLERANCE, "save": "" if k else str(folder / "x.npy")}
        theirs = [peer.run(asked | {"method": method}) for method in METHODS]
        if not k:  # not timed
            last = np.load(folder / "x.npy").reshape(x[1:-1, 1:-1].shape)
            difference = float(np.linalg.norm(last - x[1:-1, 1:-1]) / np.linalg.norm(x))
            continue
        assert max(mine["residual"], *(t["residual"] for t in theirs)) < 1.01 * TOLERANCE
        rounds.append((mine, theirs))

    def median(of: Callable[[Any], float]) -> float:
        return statistics.median(of(r) for r in rounds)

    with_setup = [min(t["setup"] + t["solve"] for t in theirs) / (m["setup"] + m["solve"]) for m, theirs in rounds]
    without = [min(t["solve"] for t in theirs) / m["solve"] for m, theirs in rounds]
    sides = {"ours": lambda r: r[0], **{method: lambda r, i=i: r[1][i] for i, method in enumerate(METHODS)}}
    return {
        "case": name, "difference": difference,
        "sides": {
            side: {key: median(lambda r, pick=pick, key=key: pick(r)[key]) for key in ("setup", "solve", "steps")}
            for side, pick in sides.items()
        },
        "ratios": {
            "set-up and solve": [statistics.median(with_setup), min(with_setup), max(with_setup)],
            "solve": [statistics.median(without), min(without), max(without)],
        },
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="interpreter of the environment that has pyamg")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--sweeps", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--intervals", type=int, default=1024)
    parser.add_argument("--json", type=Path, help="write the numbers here")
    arguments = parser.parse_args()
    table_of_steps(arguments.sweeps, arguments.threads)
    peer = Peer(arguments.python, "pyamg")
    print(f"\n{peer.version}; ours with {arguments.threads} thread(s); {arguments.intervals + 1}² points\n")
    print("| case | solver | set-up, s | solve, s | steps |\n|---|---|---|---|---|")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in CASES:
            rows.append(compared(name, peer, arguments, Path(folder)))
            for side, numbers in rows[-1]["sides"].items():
                print(
                    f"| {name} | {side} | {numbers['setup']:.3f} | {numbers['solve']:.3f} | {numbers['steps']:.0f} |",
                    flush=True,
                )
    print("\n| case | clock | PyAMG's best / ours | range of ratios | solutions differ by |\n|---|---|---|---|---|")
    for row in rows:
        for clock, (middle, low, high) in row["ratios"].items():
            print(f"| {row['case']} | {clock} | {middle:.1f} | {low:.1f} to {high:.1f} | {row['difference']:.0e} |")
    if arguments.json:
        record = {"peer": peer.version, "threads": arguments.threads, "rows": rows}
        arguments.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
