"""DeepXDE and our solvers on Burgers' equation: time to a relative L2 error of 1e-4 over space and time.

DeepXDE is no dependency of this project. It needs an environment of its own, with the torch that the project has:

    python -m venv /tmp/deepxde
    /tmp/deepxde/bin/pip install torch==2.13.0 deepxde
    OMP_NUM_THREADS=1 python benchmarks/deepxde_burgers.py --python /tmp/deepxde/bin/python [--budget 900]

Both sides have one thread, double precision and the same points to be judged at: those of problems/burgers.h5.
DeepXDE trains as its documentation says (peers/deepxde_worker.py); time spent on measuring its error is not counted,
its best error at any moment is taken, which nobody without the truth could do. Ours run to their own end, with
default options and once with the tolerance a tenth of the level, and the whole of that time is counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from peers.race import Result, best, first_below, ours, peer

from sciml import read_problem
from sciml.reference import read_reference

FILE = Path(__file__).parent.parent / "problems" / "burgers.h5"
OURS: list[tuple[str, dict[str, Any]]] = [("pinn-causal", {}), ("pinn-causal", {"tolerance": 1e-5}), ("insr", {})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="interpreter of the environment that has deepxde")
    parser.add_argument("--budget", type=float, default=900.0, help="seconds of training for DeepXDE")
    parser.add_argument("--level", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0, help="of DeepXDE")
    parser.add_argument("--precision", choices=["float32", "float64"], default="float64", help="of DeepXDE")
    parser.add_argument("--repeats", type=int, default=3, help="runs of ours; the median is taken")
    arguments = parser.parse_args()
    problem = read_problem(FILE)
    reference = read_reference(FILE, problem)
    assert reference is not None
    truth = reference.values["u"]
    x, t = problem.grid.axes[0].points(), problem.grid.times
    points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)

    mine = [ours(name, problem, truth, arguments.repeats, **options) for name, options in OURS]
    options = ["--seed", str(arguments.seed), "--precision", arguments.precision]
    curve = peer(
        arguments.python, "deepxde_worker.py", points, truth.reshape(-1), [str(arguments.budget), *options]
    )
    top, last, hit = best(curve), curve[-1], first_below(curve, arguments.level)
    time = f"{hit.seconds:.0f} s" if hit else f"not reached in {last.seconds:.0f} s"
    print(f"| method | time to {arguments.level:g} | error at its end | s | DeepXDE takes |\n|---|---|---|---|---|")
    print(f"| DeepXDE, {arguments.precision} | {time} | {last.error:.1e} | {last.seconds:.0f} | 1 x |")
    for result in mine:
        print(row(result, arguments.level, hit.seconds if hit else None, last.seconds))
    print(f"\nDeepXDE: best error {top.error:.2e} after {top.seconds:.0f} s ({top.phase}, iteration {top.iteration}).")
    print(f"It had {last.cpu:.0f} s of processor time in {last.seconds:.0f} s.")


def row(result: Result, level: float, hit: float | None, spent: float) -> str:
    """The ratio is a lower bound where DeepXDE did not get there, and always counts ours to its end."""
    if result.error > level:
        return f"| {result.name} | not reached | {result.error:.1e} | {result.seconds:.1f} | - |"
    ratio = f"{hit / result.seconds:.0f} x" if hit else f"> {spent / result.seconds:.0f} x"
    return f"| {result.name} | < {result.seconds:.1f} s | {result.error:.1e} | {result.seconds:.1f} | {ratio} |"


if __name__ == "__main__":
    main()
