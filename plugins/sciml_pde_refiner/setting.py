"""What training fixes and a rollout needs beside the weights: the step, units of every input and of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.problem import Problem

CHOSEN = ("levels", "calibration")
SPREAD = 2.0  # standardised parameters are embedded in these units: the fastest sine turns by about a radian


@dataclass(frozen=True)
class Setting:
    """As JSON in the model's header.

    step: time between two states. mean, spread: of each field. unit: standard deviation of each field's target.
    sizes: root mean square of each further input. parameters: names of the numbers the network is told, axis lengths
    as "length x", with their centre and scale. levels: of variances=adaptive, the noise levels chosen, ascending to 1.
    calibration: of the spread of samples (`spread.Spread`).
    """

    step: float
    fields: list[str]
    mean: list[float]
    spread: list[float]
    unit: list[float]
    sizes: list[float]
    parameters: list[str]
    centre: list[float]
    scale: list[float]
    levels: list[float] = field(default_factory=list)
    calibration: dict[str, Any] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Without what a training did not choose."""
        return {name: value for name, value in asdict(self).items() if value or name not in CHOSEN}

    def told(self, problems: Sequence[Problem], device: str = "cpu") -> Tensor:
        """Parameters as the network reads them, (B, P), float32."""
        rows = [[numbers(p)[name] for name in self.parameters] for p in problems]
        values = (np.array(rows).reshape(len(problems), -1) - self.centre) / np.array(self.scale)
        return torch.as_tensor(SPREAD * values, dtype=torch.float32, device=device)

    def column(self, name: str, dim: int, device: str = "cpu") -> Tensor:
        """mean, spread or unit, to be combined with (…, fields, *grid)."""
        return torch.tensor(getattr(self, name), dtype=torch.float64, device=device).reshape(-1, *[1] * dim)


def numbers(problem: Problem) -> dict[str, float]:
    """Every number a problem has beside its initial data."""
    lengths = {f"length {a.name}": a.length for a in problem.grid.axes}
    return lengths | {k: float(v) for k, v in problem.equation.parameters.items()}


def varying(problems: Sequence[Problem]) -> tuple[list[str], list[float], list[float]]:
    """Names, means and standard deviations of the numbers that differ; of equal columns only the first."""
    table = {name: np.array([numbers(p)[name] for p in problems]) for name in numbers(problems[0])}
    names: list[str] = []
    for name, column in table.items():
        if column.std() > 1e-12 * abs(column).max() and not any(np.array_equal(column, table[n]) for n in names):
            names.append(name)
    return names, [float(table[n].mean()) for n in names], [float(table[n].std()) for n in names]
