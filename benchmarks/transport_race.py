"""Entropic transport to a given error: Sinkhorn-Newton against Sinkhorn's algorithm (ours, POT's, OTT-JAX's), in turn.

POT and OTT-JAX need environments of their own:

    python -m venv pot-env && pot-env/bin/pip install pot
    python -m venv ott-env && ott-env/bin/pip install ott-jax
    python benchmarks/transport_race.py --pot pot-env/bin/python --ott ott-env/bin/python

Three tables, float64, costs with largest entry 1, error = Σ|P1 - r| + Σ|Pᵀ1 - c|:

1. Random assignment, n = 500, eta = 1200, to 1e-11. Peers run `--capped` iterations; a sweep of theirs is one of ours
   mathematically, so their time to the tolerance is their time per iteration times the sweeps ours takes
   (--whole lets OTT-JAX run to the end instead). Medians over rounds in which the sides take turns.
2. Two synthetic images (blurred strokes over a floor, so that every pixel has mass), L1 and squared Euclidean costs, to
   1e-9. Both sides use the same separable kernels. Sinkhorn is stopped after --sweeps; ratios are then lower bounds.
3. Cost of the entropic plan, and value with its entropy, less the cost of the exact plan (POT's network simplex), as
   eps halves. The value's difference is of first order: over eps it tends to the least KL(P | r⊗c) of an optimal plan.
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
from sciml_sinkhorn_newton.solve import solve
from scipy.ndimage import gaussian_filter

from sciml.numerics.transport import sinkhorn
from sciml.numerics.transport.exact import costs
from sciml.numerics.transport.result import Transported
from sciml.numerics.transport.task import Task, on_grids, with_matrix

Array = np.ndarray


def assignment(n: int, threads: int, seed: int = 0) -> Task:
    uniform = np.full(n, 1.0 / n)
    return with_matrix(uniform, uniform, np.random.default_rng(seed).random((n, n)), threads=threads)


def image(n: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    pixels = np.zeros((n, n))
    for _ in range(3):
        a, b = rng.uniform(0.2, 0.8, (2, 2))
        for t in np.linspace(0, 1, 4 * n):
            pixels[tuple(((a + t * (b - a)) * n).astype(int))] += 1
    pixels = gaussian_filter(pixels, n / 14, mode="constant", truncate=8)
    pixels = pixels / pixels.sum() + 1e-4 / n**2
    return np.asarray(pixels / pixels.sum())


def images(n: int, cost: str) -> Task:
    axis = (np.sqrt(0.5) if cost == "squared euclidean" else 0.5) * np.linspace(0, 1, n)
    return on_grids(image(n, 1), image(n, 2), (axis, axis), (axis, axis), cost)


def timed(call: Callable[[], Transported]) -> tuple[float, Transported]:
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def error(result: Transported) -> float:
    return result.row_error + result.column_error


def median(values: list[float]) -> float:
    return statistics.median(values)


def assignments(a: argparse.Namespace, pot: Peer, ott: Peer, folder: Path) -> dict[str, Any]:
    task, eta, tolerance = assignment(500, a.threads), 1200.0, 1e-11
    file = str(folder / "assignment.npz")
    np.savez(file, r=task.r, c=task.c, matrix=costs(task))
    asked = {"file": file, "eta": eta, "most": a.capped}
    rows: dict[str, list[Any]] = {"sinkhorn-newton": [], "sinkhorn, ours": [], pot.version: [], ott.version: []}
    for k in range(a.rounds + 1):
        mine = timed(lambda: solve(task, 1 / eta, tolerance))
        theirs = pot.run(asked | {"tolerance": tolerance, "method": "sinkhorn_log"})
        whole = {"most": 10**6, "tolerance": tolerance} if a.whole and k else {"tolerance": 0.0}
        others = ott.run(asked | whole)
        if not k:  # not timed: compiling, first touches
            continue
        own = timed(lambda: sinkhorn.solve(task, 1 / eta, tolerance))
        for name, (seconds, result), key in zip(rows, (mine, own), ("work", "sweeps"), strict=False):
            rows[name].append((seconds, result.counts[key], error(result), ""))
        for name, answer in ((pot.version, theirs), (ott.version, others)):
            factor = 1.0 if name == ott.version and a.whole else own[1].counts["sweeps"] / answer["iterations"]
            text = f"{answer['seconds']:.2f} s for {answer['iterations']} iterations, error {answer['error']:.0e} then"
            rows[name].append((answer["seconds"] * factor, answer["iterations"] * factor, answer["error"], text))
    print("\n| assignment, n = 500, eta = 1200 | s to 1e-11 | passes or iterations | error | ratio, its range | |")
    print("|---|---|---|---|---|---|")
    record = {}
    for name, rounds in rows.items():
        ratios = [r[0] / m[0] for r, m in zip(rounds, rows["sinkhorn-newton"], strict=True)]
        seconds, work, last = median([r[0] for r in rounds]), rounds[-1][1], rounds[-1][2]
        low, middle, high = min(ratios), median(ratios), max(ratios)
        record[name] = {"seconds": seconds, "work": work, "error": last, "ratio": [middle, low, high]}
        spread = f"{middle:.0f} ({low:.0f} to {high:.0f})"
        print(f"| {name} | {seconds:.2f} | {work:.0f} | {last:.0e} | {spread} | {rounds[-1][3]} |", flush=True)
    return record


def densities(a: argparse.Namespace) -> list[dict[str, Any]]:
    print("\n| images | cost | eta | ours, s | sweeps + Newton (products) | error "
          "| Sinkhorn, s | sweeps | error | ratio |")  # fmt: skip
    print("|---" * 10 + "|")
    rows = []
    for n in a.sizes:
        for cost in ("squared euclidean", "l1"):
            task = images(n, cost)
            for eta in a.etas:
                mine, theirs = [], []
                for _ in range(a.rounds):
                    mine.append(timed(lambda t=task, e=eta: solve(t, 1 / e, 1e-9)))
                    if len(theirs) and theirs[0][0] > 5:
                        continue  # slow enough for one round to tell
                    theirs.append(timed(lambda t=task, e=eta: sinkhorn.solve(t, 1 / e, 1e-9, a.sweeps)))
                ours, other = median([m[0] for m in mine]), median([t[0] for t in theirs])
                counts, result = mine[0][1].counts, theirs[0][1]
                done = f"{counts['sweeps']:.0f} + {counts['newton']:.0f} ({counts['products']:.0f})"
                bound = "" if result.converged else "at least "
                rows.append({"n": n, "cost": cost, "eta": eta, "ours": ours, "sinkhorn": other, "counts": counts,
                             "error": error(mine[0][1]), "their error": error(result), "ended": result.converged,
                             "converged": all(m[1].converged for m in mine)})  # fmt: skip
                print(f"| {n}² | {cost} | {eta:.0f} | {ours:.3f} | {done} | {error(mine[0][1]):.0e} | {other:.3f} |"
                      f" {result.counts['sweeps']:.0f} | {error(result):.0e} | {bound}{other / ours:.1f} |",
                      flush=True)  # fmt: skip
    total = sum(r["sinkhorn"] for r in rows) / sum(r["ours"] for r in rows)
    ended = [r for r in rows if r["ended"]]
    common = sum(r["sinkhorn"] for r in ended) / max(sum(r["ours"] for r in ended), 1e-9)
    slowest = min(r["sinkhorn"] / r["ours"] for r in rows)
    print(f"\nall converged: {all(r['converged'] for r in rows)}; total time, Sinkhorn (as far as it came) / ours:"
          f" {total:.1f}; where both ended {common:.1f}; smallest ratio {slowest:.2f}", flush=True)  # fmt: skip
    return rows


def limits(pot: Peer, folder: Path) -> list[dict[str, Any]]:
    print("\n| above the exact cost | exact | " + " | ".join(f"eps = 1/{2**k}" for k in range(9, 14)) + " |")
    print("|---" * 7 + "|")
    rows = []
    cases = {"assignment, n = 200": assignment(200, 1)}
    cases |= {f"28², {cost}": images(28, cost) for cost in ("squared euclidean", "l1")}
    for name, task in cases.items():
        file = str(folder / "exact.npz")
        np.savez(file, r=task.r, c=task.c, matrix=costs(task))
        exact = pot.run({"file": file, "method": "emd"})["cost"]
        results = [solve(task, 2.0**-k, 1e-8) for k in range(9, 14)]
        assert all(result.converged for result in results)
        excess = [result.cost - exact for result in results]
        entropy = [(result.value - exact) * 2**k for k, result in zip(range(9, 14), results, strict=True)]
        rows.append({"case": name, "exact": exact, "cost": excess, "value": entropy})
        print(f"| {name}: cost | {exact:.8f} | " + " | ".join(f"{e:.1e}" for e in excess) + " |")
        print(f"| {name}: value, over eps | | " + " | ".join(f"{e:.3f}" for e in entropy) + " |", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pot", required=True, help="interpreter of the environment that has POT")
    parser.add_argument("--ott", required=True, help="interpreter of the environment that has OTT-JAX")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--capped", type=int, default=300, help="iterations of the peers")
    parser.add_argument("--whole", action="store_true", help="let OTT-JAX run to the end")
    parser.add_argument("--sweeps", type=int, default=10_000, help="most sweeps of Sinkhorn on images")
    parser.add_argument("--sizes", type=int, nargs="*", default=[28, 64])
    parser.add_argument("--etas", type=float, nargs="*", default=[200.0, 1200.0, 5000.0])
    parser.add_argument("--tables", default="123", help="which of the three")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    a = parser.parse_args()
    pot, ott = Peer(a.pot, "pot", a.threads), Peer(a.ott, "ott", a.threads)
    print(f"{pot.version}, {ott.version}; {a.threads} thread(s)", flush=True)
    record: dict[str, Any] = {"peers": [pot.version, ott.version], "threads": a.threads}
    with tempfile.TemporaryDirectory() as folder:
        if "1" in a.tables:
            record["assignment"] = assignments(a, pot, ott, Path(folder))
        if "2" in a.tables:
            record["images"] = densities(a)
        if "3" in a.tables:
            record["limits"] = limits(pot, Path(folder))
    if a.json:
        a.json.write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
