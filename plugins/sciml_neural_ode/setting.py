"""Units and inputs that training fixes and prediction needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sciml.dataset import Dataset
from sciml.equation import tree
from sciml.errors import UsageError
from sciml.problem import Array, Problem

BEYOND = 10.0  # of scaling=asinh: the network's largest rate, in largest rates seen between neighbouring outputs


@dataclass(frozen=True)
class Setting:
    """As JSON in the model's header. The network sees z = (u - mean)/spread, says dz/dt in units of `rate` (1/time),
    and is told t/span of an equation that depends on it, and the parameters that vary, less centre over scale.

    With `soft` (a size of each field) z is made of asinh(u/soft) instead of u, and what the network says is N in
    dz/dt = speeds sinh(N), |N| < ceilings: relative accuracy over orders of magnitude of state and rate.
    """

    fields: list[str]
    mean: list[float]
    spread: list[float]
    rate: float
    span: float
    timed: bool
    parameters: list[str]
    centre: list[float]
    scale: list[float]
    tolerance: float = 0.0  # for prediction, chosen on validation data
    soft: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    ceilings: list[float] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        return asdict(self)

    def told(self, problems: Sequence[Problem]) -> Tensor:
        """(members, parameters)."""
        rows = [[p.equation.parameters[name] for name in self.parameters] for p in problems]
        return torch.from_numpy((np.array(rows).reshape(len(rows), -1) - self.centre) / np.array(self.scale))

    def scaled(self, values: Array) -> Tensor:
        """(…, fields) in units of the network."""
        values = np.arcsinh(values / np.array(self.soft)) if self.soft else values
        return torch.from_numpy((values - self.mean) / np.array(self.spread))

    def unscaled(self, values: Tensor) -> Array:
        found = values.numpy() * np.array(self.spread) + self.mean
        return np.asarray(np.sinh(found) * np.array(self.soft) if self.soft else found, dtype=np.float64)


def setting_of(data: Dataset, horizon: int, scaling: str = "linear") -> Setting:
    """Raises UsageError for series too short to learn from."""
    fields = list(data.family.description.fields)
    values = together(data)
    if values.shape[1] <= horizon:
        raise UsageError(
            f"neural-ode: series of {values.shape[1]} outputs are too short for windows of {horizon} intervals; take a"
            " smaller horizon."
        )
    soft = np.median(np.abs(values), (0, 1)) if scaling == "asinh" else np.zeros(0)
    if not (soft > 0).all():
        raise UsageError(f"neural-ode: {fields[int(soft.argmin())]!r} is 0 half of the time; take scaling=linear.")
    values = np.arcsinh(values / soft) if len(soft) else values
    mean, spread = values.mean((0, 1)), values.std((0, 1))
    if not (spread > 0).all():
        raise UsageError(f"neural-ode: {fields[int(spread.argmin())]!r} does not vary in the training data.")
    speeds = np.diff(values / spread, axis=1) / np.diff(data.times)[:, None]
    table = {n: np.array([p.equation.parameters[n] for p in data.problems]) for n in _named(data.problems[0])}
    varying = [n for n, column in table.items() if column.std() > 1e-12 * np.abs(column).max()]
    setting = Setting(
        fields, mean.tolist(), spread.tolist(), float(np.sqrt((speeds**2).mean())), float(data.times[-1]),
        "time-dependent" in data.problems[0].equation.terms, varying, [float(table[n].mean()) for n in varying],
        [float(table[n].std()) for n in varying],
    )  # fmt: skip
    return _softly(setting, soft, np.abs(speeds)) if len(soft) else setting


def _softly(setting: Setting, soft: Array, speeds: Array) -> Setting:
    """speeds: (members, intervals, fields), |dz/dt| from one output to the next."""
    typical = np.array([np.median(column[column > 0]) for column in speeds.reshape(-1, len(soft)).T])
    ceilings = np.arcsinh(BEYOND * speeds.max((0, 1)) / typical)
    return replace(setting, soft=soft.tolist(), speeds=typical.tolist(), ceilings=ceilings.tolist())


def _named(problem: Problem) -> list[str]:
    """Parameters that the equation contains; others only say where a member begins."""
    rates = problem.equation.rates.values()
    found = {node.name for rate in rates for node in tree.walk(rate) if isinstance(node, tree.Parameter)}
    return sorted(found)


def together(data: Dataset) -> Array:
    """(members, times, fields)."""
    return np.stack([data.values[name] for name in data.family.description.fields], -1)
