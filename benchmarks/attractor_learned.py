"""Learned chaotic dynamics beside the system itself: `python benchmarks/attractor_learned.py [--family lorenz-series]
[--iterations 20000] [--rows "clipped=false" "alpha=0.2" …] [--model FILE]`.

Each row is a training of gtf with these options (or a model file, `--model FILE`, repeatable), then free runs from the
test members' initial states. Of each: seconds of training, state-space divergence and spectral distance on the
validation data (what weights are chosen by; with noise) and on the test data, mean over members with its standard
error, and the time for which the error stays below 0.4, in Lyapunov times. The first row is the floor: test members
against one another. One thread: set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from sciml_gtf.solver import Gtf

from sciml import Run, family
from sciml.dataset import Dataset, make
from sciml.learning import Model
from sciml.learning.trainer import train
from sciml.scoring.family import score_family

PROBLEMS = Path(__file__).parents[1] / "problems"


def scores(model: Model, test: Dataset) -> dict[str, Any]:
    """Of free runs from the test members' initial states."""
    run = Run()
    run.model = model
    found = Gtf().solve_all(test.problems, run)
    values = {name: np.stack([s.values[name] for s in found]) for name in found[0].values}
    return score_family(values, {}, [s.reached for s in found], test)


def line(label: str, model: Model, test: Dataset) -> str:
    found, card = scores(model, test), model.card
    valid = card.metrics
    space, spectral = (found[k] for k in ("state_space", "spectral"))
    return (
        f"| {label} | {card.parameters} | {card.iterations} | {card.seconds:.0f} | {valid['state_space']:.2f},"
        f" {valid['spectral']:.3f} | {space['mean']:.2f} ± {space['error']:.2f} | {spectral['mean']:.3f} ±"
        f" {spectral['error']:.3f} | {found['lyapunov_times']:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", default="lorenz-series")
    parser.add_argument("--data", default="sciml-data")
    parser.add_argument("--iterations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", nargs="*", default=[])
    parser.add_argument("--model", action="append", default=[])
    asked = parser.parse_args()
    found = family.read(PROBLEMS / f"{asked.family}.h5")
    data = {split: make(found, split, asked.data) for split in family.SPLITS}
    print("| row | parameters | steps | s | valid D_stsp, D_H | test D_stsp | test D_H | Lyapunov times |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    floor = score_family(data["test"].values, {}, [np.inf] * data["test"].count, data["test"])
    print(f"| the system itself |  |  |  |  | {floor['state_space_floor']:.2f} | {floor['spectral_floor']:.3f} |  |")
    for path in asked.model:
        model = Model.read(path)
        print(line(Path(path).stem, model, data["test"]), flush=True)
    for row in asked.rows:
        options = dict(pair.split("=", 1) for pair in row.split())
        solver = Gtf.from_strings({"iterations": str(asked.iterations)} | options)
        model = train(solver, data["train"], data["valid"], Run(seed=asked.seed))
        print(line(row or "default", model, data["test"]), flush=True)


if __name__ == "__main__":
    main()
