"""Batched solvers of ordinary differential equations: ours, torchdiffeq, torchode and diffrax in turns.

    python -m venv ode-env && ode-env/bin/pip install torch==2.13.0 torchdiffeq torchode "diffrax" "jax[cpu]"
    python benchmarks/ode_solvers.py --peer-python ode-env/bin/python

The Lorenz system from 0 to 100 at tolerance 1e-8, float64, one thread each: a single trajectory, and 1000 of them.
Tsit5 everywhere but in torchdiffeq, which has Dormand and Prince's pair of the same order, and one step size for all
samples; rows "8" are methods of order 8 (our dop853, diffrax's and torchdiffeq's Dopri8). Ours twice: a field that can
be read as formulas marches in one loop compiled ahead ("native"); one that cannot, here for a `clone` in it, goes
through torch.compile ("compiled"). The first call is told apart: it compiles (ours of the second kind, diffrax). Who
takes more than --slow seconds has one round.

Processor time is what a method costs, whoever else is on the machine; ratios are of it.

Beyond t = 20 nobody knows the trajectory: errors are medians over samples at t = 10 of separate runs, against our
dop853 at 1e-13.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peers.turns import Peer

from sciml import Equation
from sciml.numerics.ode import Separate, of_equation, solve_ode

LORENZ = Equation.parse(["x_t = 10*(y - x)", "y_t = x*(28 - z) - y", "z_t = x*y - 8/3*z"], ["x", "y", "z"])
OTHER = "ours, not read"
ROWS = (("ours", "tsit5"), (OTHER, "tsit5"), ("diffrax", "tsit5"), ("torchode", "tsit5"), ("torchdiffeq", "tsit5"),
        ("ours", "dop853"), ("diffrax", "dop853"), ("torchdiffeq", "dop853"))  # fmt: skip


def starts(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 3)) + np.array([0.0, 0.0, 25.0])


def rates(t: torch.Tensor, u: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    x, y, z = u[0].clone(), u[1], u[2]  # what costs a compiler nothing, and is no arithmetic
    return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z


class Race:
    def __init__(self, peer: Peer, folder: Path, tolerance: float) -> None:
        self.peer, self.folder, self.tolerance = peer, folder, tolerance
        self.fields: dict[Any, Separate] = {}

    def run(self, who: str, method: str, y0: np.ndarray, end: float) -> dict[str, Any]:
        """seconds, processor seconds, steps of a sample, end states, and which path was taken."""
        if who in ("ours", OTHER):
            made = of_equation(LORENZ) if who == "ours" else Separate(rates)
            field = self.fields.setdefault((who, method, len(y0)), made)
            times = torch.tensor([0.0, end], dtype=torch.float64)
            began, worked = time.perf_counter(), time.process_time()
            path = solve_ode(
                field, torch.from_numpy(y0), times, method=method, relative=self.tolerance, absolute=self.tolerance,
                compiled="yes",
            )  # fmt: skip
            seconds, processor = time.perf_counter() - began, time.process_time() - worked
            steps = float((path.accepted + path.rejected).double().mean())
            return {
                "seconds": seconds, "processor": processor, "steps": steps, "end": path.values[:, -1].numpy(),
                "path": path.path,
            }  # fmt: skip
        file, save = str(self.folder / "starts.npy"), str(self.folder / "ends.npy")
        np.save(file, y0)
        case = {"peer": who, "method": method, "file": file, "save": save, "end": end, "tolerance": self.tolerance}
        return self.peer.run(case) | {"end": np.load(save)}


def race(a: argparse.Namespace, racing: Race, count: int) -> list[dict[str, Any]]:
    y0 = starts(count)
    exact = solve_ode(
        of_equation(LORENZ), torch.from_numpy(y0), torch.tensor([0.0, 10.0]).double(), method="dop853",
        relative=1e-13, absolute=1e-13,
    ).values[:, -1].numpy()  # fmt: skip
    rows: list[dict[str, Any]] = []
    for who, method in ROWS:
        began = time.perf_counter()
        short = racing.run(who, method, y0, 10.0)
        rows.append({
            "who": who, "method": method, "first": time.perf_counter() - began, "seconds": [], "processor": [],
            "samples": count, "path": short.get("path", ""),
            "error": float(np.median(np.abs(short["end"] - exact).max(1))),
        })  # fmt: skip
        if who == "diffrax":  # which compiles for another end again
            racing.run(who, method, y0, a.end)
    for _ in range(a.rounds):
        for row in rows:
            if row["seconds"] and row["seconds"][0] > a.slow:
                continue
            found = racing.run(row["who"], row["method"], y0, a.end)
            row["seconds"].append(found["seconds"])
            row["processor"].append(found["processor"])
            row["steps"] = found["steps"]
    ours = {row["method"]: statistics.median(row["processor"]) for row in rows if row["who"] == "ours"}
    print(f"\n| {count} trajectories to {a.end:g} | order | processor s, {a.rounds} rounds | s | over ours | steps |"
          " error at 10 | first call, s |\n" + "|---" * 8 + "|")  # fmt: skip
    for row in rows:
        processor, order = row["processor"], "5" if row["method"] == "tsit5" else "8"
        middle, wall = statistics.median(processor), statistics.median(row["seconds"])
        row["ratio"] = middle / ours[row["method"]]
        who = f"{row['who']} ({row['path']})" if row["path"] else row["who"]
        spread = f" ({min(processor):.3g} to {max(processor):.3g})" if len(processor) > 1 else ""
        print(f"| {who} | {order} | {middle:.3g}{spread} | {wall:.3g} | {row['ratio']:.3g} |"
              f" {row['steps']:.0f} | {row['error']:.1e} | {row['first']:.1f} |", flush=True)  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", required=True, help="interpreter of the environment that has the peers")
    parser.add_argument("--samples", type=int, nargs="*", default=[1, 1000])
    parser.add_argument("--end", type=float, default=100.0)
    parser.add_argument("--tolerance", type=float, default=1e-8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow", type=float, default=20.0, help="seconds above which one round is enough")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    a = parser.parse_args()
    torch.set_num_threads(1)
    peer = Peer(a.peer_python, "ode")
    print(f"{peer.version}; one thread each", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        racing = Race(peer, Path(folder), a.tolerance)
        rows = [row for count in a.samples for row in race(a, racing, count)]
    if a.json:
        a.json.write_text(json.dumps({"peers": peer.version, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
