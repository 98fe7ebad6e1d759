"""DeepXDE and our solvers on Burgers' equation: time to a relative L2 error of 1e-4 over space and time.

DeepXDE is no dependency of this project. It needs an environment of its own, with the torch that the project has:

    python -m venv deepxde-env
    deepxde-env/bin/pip install torch==2.13.0 deepxde
    OMP_NUM_THREADS=1 python benchmarks/deepxde_burgers.py --python deepxde-env/bin/python [--budget 900]

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
from peers.race import Point, Result, best, first_below, ours, peer

from sciml.files.problem_file import read as read_problem
from sciml.reference.values import read_reference

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
    hit, last, top = first_below(curve, arguments.level), curve[-1], best(curve)
    print(f"| method | error at its end | s | CPU s | DeepXDE to {arguments.level:g} takes, s | CPU s |")
    print("|---" * 6 + "|")
    print(f"| DeepXDE, {arguments.precision} | {last.error:.1e} | {last.seconds:.0f} | {last.cpu:.0f} | 1 | 1 |")
    for result in mine:
        print(row(result, arguments.level, hit or last, hit is not None))
    if hit:
        print(f"\nDeepXDE reaches {arguments.level:g} after {hit.seconds:.0f} s ({hit.cpu:.0f} CPU s).")
    else:
        print(f"\nDeepXDE does not reach {arguments.level:g}: the ratios are lower bounds.")
    print(f"Its best error is {top.error:.2e}, after {top.seconds:.0f} s ({top.phase}, iteration {top.iteration}).")


def row(result: Result, level: float, peer: Point, reached: bool) -> str:
    """Ratios count ours to its end. peer: where DeepXDE reached the level, or where it was stopped."""
    numbers = f"| {result.name} | {result.error:.1e} | {result.seconds:.1f} | {result.cpu:.1f} |"
    if result.error > level:
        return f"{numbers} not reached | |"
    sign = "" if reached else "> "
    return f"{numbers} {sign}{peer.seconds / result.seconds:.0f} x | {sign}{peer.cpu / result.cpu:.0f} x |"


if __name__ == "__main__":
    main()
