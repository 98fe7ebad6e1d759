"""Error against time: the compiled ETDRK4 and exponax's, steps halved again and again, in turn, in one run.

    python benchmarks/work_precision.py --python exponax-env/bin/python -o work-precision.png

Both have the same modes; the truth is ours with a quarter of the smallest step, so the error is that of the time
stepping. That exponax converges to the same truth is the check of it, down to where its de-aliasing, which keeps a few
modes fewer, leaves a difference of 1e-7 on the flow.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from peers.turns import Peer
from spectral_steps import FLOW, KS, Ours

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CASES: dict[str, tuple[dict[str, Any], float, float, int]] = {  # case, time span, longest step, halvings
    "KS, 512 points": (KS | {"batch": 1}, 10.0, 0.1, 8),
    "vorticity, 128²": (FLOW | {"batch": 1, "points": 128, "viscosity": 0.01}, 2.0, 0.1, 6),
}
ROUNDS = 3


def curves(case: dict[str, Any], span: float, longest: float, halvings: int, peer: Peer, folder: Path) -> Any:
    """(step, our seconds, our error, their seconds, their error), a row a step."""

    def cut(step: float) -> dict[str, Any]:
        return case | {"step": step, "steps": round(span / step)}

    steps = [longest / 2**i for i in range(halvings)]
    finest = Ours(cut(steps[-1] / 4), threads=2)
    finest.run()
    truth = finest.grid(finest.end)
    np.save(folder / "state.npy", finest.grid(finest.start))
    rows = []
    for step in steps:
        mine, request = Ours(cut(step), threads=2), cut(step) | {"state": str(folder / "state.npy")}
        mine.run(), peer.run(request | {"save": str(folder / "end.npy")})
        pairs = [(mine.run(), peer.run(request)["seconds"]) for _ in range(ROUNDS)]
        ends = mine.grid(mine.end), np.load(folder / "end.npy")
        errors = [np.linalg.norm(end - truth) / np.linalg.norm(truth) for end in ends]
        rows.append((step, min(a for a, _ in pairs), errors[0], min(b for _, b in pairs), errors[1]))
        print(f"| {step:.5f} | {rows[-1][1]:.4f} | {errors[0]:.1e} | {rows[-1][3]:.4f} | {errors[1]:.1e} |", flush=True)
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="interpreter of the environment that has exponax")
    parser.add_argument("-o", "--output", type=Path, default=Path("work-precision.png"))
    arguments = parser.parse_args()
    peer = Peer(arguments.python, "exponax", threads=2)
    figure, axes = plt.subplots(1, len(CASES), figsize=(9, 3.8), layout="constrained")
    for axis, (name, case) in zip(axes, CASES.items(), strict=True):
        print(f"\n{name}, {peer.version}\n\n| step | ours, s | error | exponax, s | error |\n" + "|---" * 5 + "|")
        with tempfile.TemporaryDirectory() as folder:
            rows = curves(*case, peer, Path(folder))
        axis.loglog(rows[:, 1], rows[:, 2], "o-", label="sciml, compiled")
        axis.loglog(rows[:, 3], rows[:, 4], "s-", label="exponax")
        axis.set(title=name, xlabel="seconds", ylabel="relative L2 error at the end")
        axis.grid(alpha=0.3), axis.legend()
    figure.savefig(arguments.output, dpi=150)


if __name__ == "__main__":
    main()
