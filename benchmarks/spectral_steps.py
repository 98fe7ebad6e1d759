"""Steps a second of the compiled ETDRK4 against exponax (JAX) and others, in turn, in one run, on the same states.

Exponax is no dependency of this project. It needs an environment of its own:

    python -m venv exponax-env && exponax-env/bin/pip install exponax
    python benchmarks/spectral_steps.py --python exponax-env/bin/python [--threads 2]
    python benchmarks/spectral_steps.py --python torch-cfd-env/bin/python --peer torch_cfd    # or jax_cfd, py_pde

Both sides: fourth order, float64, the same step, as many steps in one call, the same modes after de-aliasing (ours
keeps K = (N-1)/3 of them, exponax the 2/3 rule on N points). The ratio is of medians over rounds in which the two take
turns. Also printed: how far the two ends differ, relative L2, after those steps.
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
from sciml.numerics.compiled import compiled, tables
from sciml.numerics.exponential import Etdrk4
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import PseudoSpectral

KS = {"equation": "ks", "length": 100.0, "points": 512, "step": 0.01}
FLOW = {"equation": "vorticity", "length": 2 * np.pi, "step": 1e-3, "viscosity": 1e-3}
CASES: list[dict[str, Any]] = [
    KS | {"batch": 1, "steps": 2000}, KS | {"batch": 64, "steps": 100},
    FLOW | {"batch": 1, "points": 128, "steps": 40}, FLOW | {"batch": 1, "points": 256, "steps": 10},
]  # fmt: skip
PEERS = {
    "exponax": CASES, "torch_cfd": CASES[2:], "jax_cfd": CASES[2:],
    "py_pde": [KS | {"batch": 1, "steps": 20}],  # explicit: its steps are a hundredth of these
}  # fmt: skip


class Ours:
    """One case, ready to run."""

    def __init__(self, case: dict[str, Any], threads: int) -> None:
        n, length = case["points"], case["length"]
        if case["equation"] == "ks":
            statements, fields, axes = ["u_t = -u*u_x - u_xx - u_xxxx"], ["u"], ("x",)
        else:
            rate = f"w_t = -dot_grad(psi_y, -psi_x, w) + {case['viscosity']}*laplacian(w)"
            statements, fields, axes = ["psi = inverse_laplacian(-w)", rate], ["w"], ("x", "y")
        dim = len(axes)
        self.points = (n,) * dim
        basis = FourierBasis(axes, (0.0,) * dim, (length,) * dim, ((n - 1) // 3,) * dim)
        system = PseudoSpectral(Equation.parse(statements, fields, axes), basis)
        assert system.shape == (n,) * dim, system.shape
        self.basis, self.kernel, self.steps = basis, compiled(system, threads), case["steps"]
        self.tables = tables(Etdrk4.build(np.asarray(system.diagonal), case["step"]))
        rng = np.random.default_rng(0)
        rough = torch.from_numpy(rng.standard_normal((case["batch"], 1, *system.shape)))
        decay = sum((kappa / 6) ** 2 for kappa in basis.wavenumbers.values())
        self.start = (basis.from_grid(rough) * (3 if case["equation"] == "ks" else 20) * torch.exp(-decay)).numpy()
        self.start[(..., *(0,) * dim)] = 0

    def grid(self, coefficients: np.ndarray) -> np.ndarray:
        return self.basis.to_grid(torch.from_numpy(coefficients), self.points).numpy()

    def run(self) -> float:
        began = time.perf_counter()
        self.end = self.kernel.advance(self.start, 0.0, self.tables, steps=self.steps)
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="interpreter of the peer's environment")
    parser.add_argument("--peer", choices=list(PEERS), default="exponax")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the numbers here")
    arguments = parser.parse_args()
    peer = Peer(arguments.python, arguments.peer, arguments.threads)
    print(f"{peer.version}; {arguments.threads} thread(s)\n")
    print("| case | ours, µs a step | theirs, µs a step | ratio | range of ratios | ends differ by |")
    print("|---" * 6 + "|")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for case in PEERS[arguments.peer]:
            row = compared(case, peer, arguments, Path(folder))
            rows.append(row)
            print(
                f"| {row['case']} | {row['ours']:.1f} | {row['peer']:.1f} | {row['ratio']:.2f} |"
                f" {row['low']:.2f} to {row['high']:.2f} | {row['difference']:.0e} |", flush=True,
            )  # fmt: skip
    if arguments.json:
        record = {"peer": peer.version, "threads": arguments.threads, "rows": rows}
        arguments.json.write_text(json.dumps(record, indent=1))


def compared(case: dict[str, Any], peer: Peer, arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    mine = Ours(case, arguments.threads)
    np.save(folder / "state.npy", mine.grid(mine.start))
    request = case | {"state": str(folder / "state.npy")}
    mine.run(), peer.run(request | {"save": str(folder / "end.npy")})
    theirs = np.load(folder / "end.npy")
    difference = np.linalg.norm(mine.grid(mine.end) - theirs) / np.linalg.norm(theirs)
    pairs = [(mine.run(), peer.run(request)["seconds"]) for _ in range(arguments.rounds)]
    (folder / "state.npy").unlink()
    ratios = [b / a for a, b in pairs]
    unit = 1e6 / case["steps"]
    return {
        "case": f"{case['equation']}, {'x'.join([str(case['points'])] * mine.basis.dim)}, batch {case['batch']}",
        "ours": unit * statistics.median(a for a, _ in pairs), "peer": unit * statistics.median(b for _, b in pairs),
        "ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios), "difference": float(difference),
    }  # fmt: skip


if __name__ == "__main__":
    main()
