"""What regularisation of a neural differential equation saves, and what it costs: several seeds, with intervals.

    python benchmarks/neural_ode_cost.py problems/spiral.h5 --data sciml-data --seeds 5

Every row is trained on the same data from the same seeds, and solves all test members together. Error: relative L2 over
time against the data's values without noise. Evaluations: of the field, mean of a member. Seconds: the least of
--repeats predictions of all members, processor time of one thread. Ratios are of pairs with one seed; the interval is
the mean ± t · standard error at 95 %. Each model is solved twice: to the tolerance it was trained with, and to the one
chosen on validation data (`by validation`), which is what it is used with. Of a stochastic family error is that of the
mean over paths, spread that of their standard deviation, and each model is solved once.

A row with `weight=ladder` takes the largest of --ladder's weights with which the error of validation members, trained
from seed 0, is at most 2 % above that without regularisation; the test data have no say.
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

ALLOWED = 1.02  # of the error of validation members without regularisation


def missed(found: Any, exact: Any) -> float:
    """Mean over members of the relative L2 error."""
    off, size = (np.linalg.norm(a.reshape(len(a), -1), axis=1) for a in (found - exact, exact))
    return float((off / size).mean())


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
    evaluations = float(np.mean([s.cost["rhs_evaluations"] for s in solutions]))
    scores = {"error": missed(found, exact), "evaluations": evaluations, "seconds": min(seconds)}
    if data.family.stochastic:
        spread = np.stack([np.stack([s.std[n] for n in fields], -1) for s in solutions])
        scores["spread"] = missed(spread, np.stack([data.std[n] for n in fields], -1))
    return scores


def interval(values: list[float]) -> str:
    a = np.array(values)
    half = student.ppf(0.975, len(a) - 1) * a.std(ddof=1) / np.sqrt(len(a)) if len(a) > 1 else np.nan
    return f"{a.mean():.3g} ± {half:.2g}"


def options_of(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split() if part)


def trained(options: dict[str, str], data: dict[str, Dataset], seed: int) -> tuple[NeuralOde, Model, float]:
    """The solver, its model, and the seconds that its training took."""
    solver = NeuralOde.from_strings(options)
    began = time.process_time()
    model = train(solver, data["train"], data["valid"], Run(seed=seed))
    return solver, model, time.process_time() - began


def validated(options: dict[str, str], data: dict[str, Dataset]) -> float:
    found = trained(options, data, 0)[1].card.metrics
    print("ladder", options, found, flush=True)
    return found["error of members"]


def with_weight(
    common: dict[str, str], text: str, ladder: list[str], data: dict[str, Dataset], allowed: float
) -> str:
    """The row's options with the weight that validation members allow."""
    for weight in sorted(ladder, key=float, reverse=True):
        chosen = text.replace("weight=ladder", f"weight={weight} final_weight={weight}")
        if validated(common | options_of(chosen), data) <= allowed:
            return chosen
    print(f"left out: no weight of {', '.join(ladder)} keeps the error of validation members within 2 %: {text}")
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", type=Path)
    parser.add_argument("--data", type=Path, default=Path("sciml-data"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--common", default="iterations=1500 warm=0.9 batch_size=64", help="options of every row")
    parser.add_argument("--row", action="append", help="options of a row beside those, such as 'regularisation=steer'")
    parser.add_argument("--ladder", default="1e-3 1e-2 1e-1 1 10", help="weights for rows with weight=ladder")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--models", type=Path, help="write the models of the first seed here")
    parser.add_argument("--json", type=Path, help="write the numbers here")
    a = parser.parse_args()
    torch.set_num_threads(1)
    chosen = family.read(a.family)
    data = {split: make(chosen, split, a.data) for split in ("train", "valid", "test")}
    rows: dict[str, list[dict[str, Any]]] = {}
    common, ladder = options_of(a.common), a.ladder.split()
    texts = list(a.row or [])
    if any("weight=ladder" in t for t in texts):
        allowed = ALLOWED * validated(common, data)
        texts = [with_weight(common, t, ladder, data, allowed) if "weight=ladder" in t else t for t in texts]
    for seed in range(a.seeds):
        for text in ["", *filter(None, texts)]:
            solver, model, spent = trained(common | options_of(text), data, seed)
            name = text or "none"
            tight = type(solver).build(**solver.options() | {"predicted_tolerance": solver.tolerance})
            pairs = [(name, tight), (f"{name}, by validation", solver)]
            for label, used in pairs[:1] if chosen.stochastic else pairs:  # there the tolerance is not chosen
                found = solved(used, model, data["test"], a.repeats)
                found |= {"training": spent, "valid": next(iter(model.card.metrics.values()))}
                found["tolerance"] = used.predicted_tolerance or model.card.extra["tolerance"]
                rows.setdefault(label, []).append(found)
                print(seed, label, found, flush=True)
            if a.models and not seed:
                a.models.mkdir(parents=True, exist_ok=True)
                model.write(a.models / f"{chosen.name}-{name.replace(' ', '-').replace('=', '-')}.safetensors")
            if a.json:
                a.json.write_text(json.dumps(rows, indent=1))
    print(f"\n{chosen.name}, {a.seeds} seeds, {a.common}\n")
    errors = ["error", "spread"] if chosen.stochastic else ["error"]
    absolute, ratios = ["valid", *errors, "evaluations", "seconds"], [*errors, "evaluations", "seconds"]
    print("| row | " + " | ".join(absolute + [f"{key} / none" for key in ratios]) + " |")
    print("|---" * (1 + len(absolute) + len(ratios)) + "|")
    for name, found in rows.items():
        cells = [interval([r[key] for r in found]) for key in absolute]
        for key in ratios:
            cells.append(interval([r[key] / n[key] for r, n in zip(found, rows["none"], strict=True)]))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
