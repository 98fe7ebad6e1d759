"""Learned steppers of Kuramoto–Sivashinsky under one budget, beside ETDRK4: `python benchmarks/ks_learned.py --budget
600`.

Each method is trained for the budget on ks-ensemble (or read from a model file, `--model FILE`, repeatable) and
rolled out over the test members. Of each: iterations, relative error of one step of 0.8, how long the correlation
with the truth stays above 0.9 and 0.8 (mean over members of the first fall with its standard error, then of the
members' mean correlation; in seconds and, for 0.8, in Lyapunov times), milliseconds and evaluations of the right-hand
side of a step of one member, and the share of points inside the stated spread where there is one. ETDRK4 is the
coarse step of method=hybrid, batched.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sciml_pde_refiner.coarse import Batch
from sciml_pde_refiner.solver import PdeRefiner

from sciml import Run, family
from sciml.dataset import Dataset, make
from sciml.learning import Model
from sciml.metrics.calibration import coverage
from sciml.metrics.correlation import correlation, first_crossing, mean_and_error
from sciml.solving.training import train_model

ROOT = Path(__file__).parents[1]
METHODS: dict[str, dict[str, Any]] = {
    "hybrid": {"method": "hybrid", "indicator": "doubling"},
    "mse": {"method": "mse"},
    "refiner": {"method": "refiner", "refinement_steps": 2, "min_noise": 1e-4},
}
STEPS = (0.8, 0.4, 0.2, 0.1, 0.05)
HEAD = "method | iterations | one-step error | T0.9 s | T0.8 s | of mean: T0.9, T0.8 s | T0.8 λ | ms | evals | coverage"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=0.0, help="seconds of training a method; 0: only models given")
    parser.add_argument("--model", type=Path, action="append", default=[], help="a trained model; repeatable")
    parser.add_argument("--data", type=Path, default=Path("sciml-data"))
    parser.add_argument("--store", type=Path, default=Path("sciml-results"))
    parser.add_argument("--split", choices=["valid", "test"], default="test")
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--samples", type=int, default=8, help="rollouts of a refiner, for its spread")
    parser.add_argument("--sweeps", type=int, default=0, help="residual corrections of hybrid models, an extra row")
    chosen = parser.parse_args()
    found = family.read(ROOT / "problems" / "ks-ensemble.h5")
    data = make(found, chosen.split, chosen.data, count=chosen.members)
    print(f"| {HEAD} |\n|{'---|' * (HEAD.count('|') + 1)}", flush=True)
    for step in STEPS:
        etdrk4(data, step)
    paths = list(chosen.model)
    for options in METHODS.values() if chosen.budget else ():
        solver = PdeRefiner.build(**options, iterations=0)
        paths.append(train_model(found, solver, budget=chosen.budget, store=chosen.store, data=chosen.data))
    for path in paths:
        model = Model.read(path)
        learned(data, model, {})
        known = _options(model, {})
        if known.refinements() and chosen.samples > 1:
            learned(data, model, {"samples": chosen.samples})
        if known.method == "hybrid" and chosen.sweeps:
            learned(data, model, {"sweeps": chosen.sweeps})


def etdrk4(data: Dataset, h: float) -> None:
    """The base alone."""
    interval = float(data.times[1] - data.times[0])
    points, count = data.values["u"].shape[-1], round(interval / h)
    batch = Batch(data.problems, [points - 1])
    truth = torch.from_numpy(data.values["u"])[:, :, None]
    state = batch.coefficients(truth[:, 0])
    path, began = [truth[:, 0]], time.perf_counter()
    for _ in data.times[1:]:
        state = batch.march(state, h, count)
        path.append(batch.values(state, (points,)))
    seconds, evaluations = time.perf_counter() - began, 4 * count

    def one_step(now: torch.Tensor) -> torch.Tensor:
        return batch.values(batch.march(batch.completed(now, interval), h, count), (points,))

    values = torch.stack(path, 1)[:, :, 0].numpy()
    row(f"ETDRK4 h={h:g}", 0, data, values, one_step_error(data, one_step), seconds, evaluations, None)


def learned(data: Dataset, model: Model, extra: dict[str, Any]) -> None:
    """A model's rollout."""
    from sciml_pde_refiner.rollout import load
    from sciml_pde_refiner.setting import Setting
    from sciml_pde_refiner.stepping import Stepper

    solver, run = _options(model, extra), Run(seed=0)
    run.model = model
    began = time.perf_counter()
    solutions = solver.solve_all(data.problems, run)
    seconds = (time.perf_counter() - began) / solver.samples
    values = np.nan_to_num(np.stack([s.values["u"] for s in solutions]))
    std = np.stack([s.std["u"] for s in solutions]) if solver.samples > 1 else None
    setting = Setting(**model.card.extra)
    stepper = Stepper(solver, load(solver, model, setting, data.problems[0], "cpu"), setting, data.problems, "cpu")
    generator = torch.Generator().manual_seed(0)

    def one_step(now: torch.Tensor) -> torch.Tensor:
        state = stepper.base.batch.completed(now, setting.step) if stepper.base else now
        return stepper.values(stepper.advance(state, generator))

    named = "".join(f", {key}={value}" for key, value in extra.items())
    evaluations = int(run.costs.get("rhs_evaluations", 0)) // (len(data.times) - 1)
    error = one_step_error(data, one_step)
    row(f"{solver.method}{named}", model.card.iterations, data, values, error, seconds, evaluations, std)


def _options(model: Model, extra: dict[str, Any]) -> PdeRefiner:
    known = {k: v for k, v in model.card.options.items() if k in PdeRefiner.model_fields}
    return PdeRefiner.build(**(known | extra))


def one_step_error(data: Dataset, step: Callable[[torch.Tensor], torch.Tensor]) -> float:
    """Mean of ‖û - u‖/‖u‖ over members and 20 starting times."""
    truth, errors = torch.from_numpy(data.values["u"])[:, :, None], []
    for index in np.linspace(1, len(data.times) - 2, 20).astype(int):
        end = truth[:, index + 1]
        errors.append(((step(truth[:, index]) - end).norm(dim=-1) / end.norm(dim=-1)).mean())
    return float(torch.stack(errors).mean())


def row(
    name: str, iterations: int, data: Dataset, values: Any, error: float, seconds: float, evaluations: int, std: Any
) -> None:
    """One line of the table; seconds: of the whole rollout of all members."""
    found, times = correlation(values, data.values["u"]), data.times
    cells = [name, str(iterations or "–"), f"{error:.1e}"]
    for threshold in (0.9, 0.8):
        mean, spread = mean_and_error(first_crossing(found, times, threshold))
        cells.append(f"{mean:.1f} ± {spread:.1f}")
    together = [float(first_crossing(found.mean(0), times, threshold)) for threshold in (0.9, 0.8)]
    cells.append(f"{together[0]:.1f}, {together[1]:.1f}")
    exponent = data.family.description.lyapunov
    cells.append(f"{first_crossing(found, times, 0.8).mean() * exponent:.1f}" if exponent else "–")
    cells += [f"{1000 * seconds / (len(times) - 1) / data.count:.3f}", str(evaluations or "–")]
    cells.append("–" if std is None else _coverage(values, std, data))
    print("| " + " | ".join(cells) + " |", flush=True)


def _coverage(values: Any, std: Any, data: Dataset) -> str:
    """Over the first 30 s, and over the rest."""
    early = (data.times > 0) & (data.times <= 30)
    late = data.times > 30
    truth = data.values["u"]
    return ", ".join(f"{coverage(values[:, p], std[:, p], truth[:, p]):.2f}" for p in (early, late))


if __name__ == "__main__":
    main()
