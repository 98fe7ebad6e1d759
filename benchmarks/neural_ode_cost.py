"""What regularisation of a neural differential equation saves, and what it costs: several seeds, with intervals.

    python benchmarks/neural_ode_cost.py problems/spiral.h5 --data sciml-data --seeds 5

Every row is trained on the same data from the same seeds, and solves all test members together. Error: relative L2 over
time against the data's values without noise. Evaluations: of the field, mean of a member. Seconds: the least of
--repeats predictions of all members, processor time of one thread. Ratios are of pairs with one seed; the interval is
the mean ± t · standard error at 95 %. Each model is solved twice: to the tolerance it was trained with, and to the one
chosen on validation data (`by validation`), which is what it is used with.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sciml_neural_ode.solver import NeuralOde
from scipy.stats import t as student

from sciml import Run, family
from sciml.dataset import Dataset, make
from sciml.learning import Model
from sciml.learning.trainer import train
from sciml.solution import Solution


def solved(solver: NeuralOde, model: Model, data: Dataset, repeats: int) -> dict[str, float]:
    seconds, solutions = [], list[Solution]()
    for _ in range(repeats):
        run = Run()
        run.model = model
        began = time.process_time()
        solutions = solver.solve_all(data.problems, run)
        seconds.append(time.process_time() - began)
    fields = data.family.description.fields
    exact = np.stack([data.values[n] for n in fields], -1)
    found = np.stack([np.stack([s.values[n] for n in fields], -1) for s in solutions])
    missed = np.linalg.norm((found - exact).reshape(len(exact), -1), axis=1)
    size = np.linalg.norm(exact.reshape(len(exact), -1), axis=1)
    evaluations = float(np.mean([s.cost["rhs_evaluations"] for s in solutions]))
    return {"error": float((missed / size).mean()), "evaluations": evaluations, "seconds": min(seconds)}


def interval(values: list[float]) -> str:
    a = np.array(values)
    half = student.ppf(0.975, len(a) - 1) * a.std(ddof=1) / np.sqrt(len(a)) if len(a) > 1 else np.nan
    return f"{a.mean():.3g} ± {half:.2g}"


def options_of(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split() if part)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", type=Path)
    parser.add_argument("--data", type=Path, default=Path("sciml-data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--common", default="iterations=1500 warm=0.9 batch_size=64", help="options of every row")
    parser.add_argument("--row", action="append", help="options of a row beside those, such as 'regularisation=steer'")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", type=Path, help="write the models of the first seed here")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    a = parser.parse_args()
    torch.set_num_threads(1)
    chosen = family.read(a.family)
    data = {split: make(chosen, split, a.data) for split in ("train", "valid", "test")}
    rows: dict[str, list[dict[str, Any]]] = {}
    for seed in range(a.seeds):
        for text in ["", *(a.row or [])]:
            solver = NeuralOde.from_strings(options_of(a.common) | options_of(text))
            began = time.process_time()
            model = train(solver, data["train"], data["valid"], Run(seed=seed))
            spent = time.process_time() - began
            name = text or "none"
            tight = type(solver).build(**solver.options() | {"predicted_tolerance": solver.tolerance})
            for label, used in ((name, tight), (f"{name}, by validation", solver)):
                found = solved(used, model, data["test"], a.repeats) | {"training": spent}
                found["tolerance"] = used.predicted_tolerance or model.card.extra["tolerance"]
                rows.setdefault(label, []).append(found)
                print(seed, label, found, flush=True)
            if a.models and not seed:
                a.models.mkdir(parents=True, exist_ok=True)
                model.write(a.models / f"{chosen.name}-{name.replace(' ', '-').replace('=', '-')}.safetensors")
            if a.json:
                a.json.write_text(json.dumps(rows, indent=1))
    print(f"\n{chosen.name}, {a.seeds} seeds, {a.common}\n")
    print("| row | relative error | evaluations | s | error / none | evaluations / none | s / none |")
    print("|---" * 7 + "|")
    for name, found in rows.items():
        cells = [interval([r[key] for r in found]) for key in ("error", "evaluations", "seconds")]
        for key in ("error", "evaluations", "seconds"):
            cells.append(interval([r[key] / n[key] for r, n in zip(found, rows["none"], strict=True)]))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
