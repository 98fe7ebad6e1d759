"""The rate of change of finite volumes: compiled against the torch path, in turn, in one run, on the same states.

    OMP_NUM_THREADS=1 python benchmarks/finite_volume_rates.py [--cells 128] [--python PY-PDE-ENV/bin/python] [--memory]

One thread each, float64. The ratio is the median over rounds in which the two take turns; so is each time. `differ`:
the largest difference of the two rates over the largest rate. With --python also against py-pde (numba) on advection
and diffusion: its rate is a second-order central difference, ours an upwind flux of limited or fifth-order values, so
that this compares costs, not methods. --memory: what a first rate adds to the peak of the process.
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from peers.turns import Peer
from sciml_classical.finite_volume.balance import Balance
from sciml_classical.finite_volume.compiled import Compiled
from sciml_classical.finite_volume.ghosts import Moment
from sciml_classical.finite_volume.law import Law
from sciml_classical.finite_volume.mesh import Mesh
from sciml_classical.solver import FiniteVolume

from sciml import Axis, Equation, Grid, Problem

TAU = 2 * math.pi
START = Moment(0.0)
WAVE = "0.5*sin(x + y)*cos(y) + 0.2*cos(2*x)"
DIFFUSION = "-d_dx(u) - 0.5 * d_dy(u) + 0.01 * laplace(u)"  # as py-pde spells it
STREAM = ["psi = inverse_laplacian(-w)", "w_t = -dot_grad(psi_y, -psi_x, w)"]
ADVECTED = ["u_t = -u_x - 0.5*u_y + 0.01*laplacian(u)"]
CASES: dict[str, tuple[list[str], str]] = {
    "advection and diffusion": (ADVECTED, "u"),
    "given velocity": (["u_t = -sin(x)*cos(y)*u_x + cos(x)*sin(y)*u_y"], "u"),
    "burgers": (["u_t = -u*u_x - d_y(u**2/2)"], "u"),
    "flow of its own vorticity": (STREAM, "w"),
}
OURS = 30  # rates in a turn; those of others take about as long, so that who interrupts hits both alike
SCHEMES = ("weno5", "weno-z", "muscl")


class Both:
    """One case on n² cells, by both paths."""

    def __init__(self, rates: list[str], field: str, scheme: str, n: int) -> None:
        axes = tuple(Axis(a, 0.0, TAU, n) for a in "xy")
        equation = Equation.parse(rates, [field], ["x", "y"])
        problem = Problem("p", equation, Grid(axes, np.array([0.0, 1.0])), initial_text={field: WAVE})
        mesh = Mesh.of(problem, 0)
        self.u = mesh.initial()
        self.tensor = torch.from_numpy(self.u)
        self.balance = Balance(FiniteVolume(reconstruction=scheme), Law.of(problem), mesh, "cpu")
        self.out = np.empty_like(self.u)

    @cached_property
    def fast(self) -> Compiled:
        return Compiled(self.balance)

    def compiled(self) -> np.ndarray:
        return self.fast.rate(self.u, START, self.out)

    def torch(self) -> np.ndarray:
        return self.balance.rate(self.tensor, START).numpy()


def seconds(act: Callable[[], object], repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        act()
    return (time.perf_counter() - began) / repeats


def row(name: str, pairs: list[tuple[float, float]], differ: float) -> str:
    ratios = [b / a for a, b in pairs]
    ours, theirs = (1e3 * statistics.median(p[k] for p in pairs) for k in (0, 1))
    return (
        f"| {name} | {ours:.3f} | {theirs:.3f} | {statistics.median(ratios):.2f} |"
        f" {min(ratios):.2f} to {max(ratios):.2f} | {differ:.0e} |"
    )


def relative(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


def against_torch(n: int, rounds: int) -> None:
    for name, (rates, field) in CASES.items():
        for scheme in SCHEMES:
            both = Both(rates, field, scheme, n)
            differ = relative(both.compiled(), both.torch())
            pairs = [(seconds(both.compiled, OURS), seconds(both.torch, 2)) for _ in range(rounds)]
            print(row(f"{name}, {scheme}, {n}², torch", pairs, differ), flush=True)


def against_peer(python: str, n: int, rounds: int) -> None:
    peer, repeats = Peer(python, "py_pde_rate"), 4 * OURS
    with tempfile.TemporaryDirectory() as folder:
        state, end = Path(folder, "state.npy"), Path(folder, "rate.npy")
        for scheme in SCHEMES:
            both = Both(ADVECTED, "u", scheme, n)
            np.save(state, both.u[0])
            request = {"cells": n, "rate": DIFFUSION, "state": str(state), "repeats": repeats}
            peer.run(request | {"save": str(end)})
            differ = relative(both.compiled()[0], np.load(end))
            pairs = [(seconds(both.compiled, OURS), peer.run(request)["seconds"] / repeats) for _ in range(rounds)]
            print(row(f"advection and diffusion, {scheme}, {n}², {peer.version}", pairs, differ), flush=True)


def memory(n: int) -> None:
    """In a process for each path: the peak after a rate minus that before, in states."""
    for path in ("compiled", "torch"):
        command = [sys.executable, __file__, "--cells", str(n), "--peak-of", path]
        grown = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        states = grown * 1e6 / 8 / n**2
        print(f"{path}: a rate of {STREAM[-1]!r}, weno-z, {n}², adds {grown:.0f} MB, {states:.0f} states")


def peak_of(path: str, n: int) -> None:
    both = Both(*CASES["flow of its own vorticity"], "weno-z", n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    both.compiled() if path == "compiled" else both.torch()
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--python", help="interpreter of py-pde's environment")
    parser.add_argument("--memory", action="store_true", help="measure memory instead of time")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.peak_of:
        return peak_of(arguments.peak_of, arguments.cells)
    if arguments.memory:
        return memory(arguments.cells)
    print("| case, against | ours, ms a rate | theirs | ratio | range of ratios | differ |")
    print("|---" * 6 + "|")
    against_torch(arguments.cells, arguments.rounds)
    if arguments.python:
        against_peer(arguments.python, arguments.cells, arguments.rounds)


if __name__ == "__main__":
    main()
