"""Members of a family solved together with the trained field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from sciml.errors import UsageError
from sciml.learning.model import Model
from sciml.numerics.ode import solve_ode
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .network import Dynamics
from .setting import Setting

if TYPE_CHECKING:
    from .solver import NeuralOde


def predict(solver: NeuralOde, problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
    setting = checked(problems, model)
    network = Dynamics(setting, solver.width, solver.layers, solver.latent).requires_grad_(False)
    model.fill(network)
    field = network.moving(setting.told(problems))
    start = network.start(setting.scaled(np.stack([p.initial() for p in problems])))
    times = torch.from_numpy(np.stack([p.grid.times for p in problems]))
    tolerance = solver.predicted_tolerance or setting.tolerance
    with run.phase("integration"):
        path = solve_ode(
            field, start, times, method=solver.method, relative=tolerance, absolute=tolerance,
            compiled=solver.compiled, progress=lambda share: run.step(share, None, f"{100 * share:.0f} % of the time"),
        )  # fmt: skip
    run.took("neural-ode", path.path)
    message = path.notice
    values = setting.unscaled(network.read(path.values))
    return [
        Solution(
            {name: values[i, :, j].copy() for j, name in enumerate(setting.fields)}, message=message,
            cost={
                "rhs_evaluations": float(path.evaluations[i]), "jacobians": float(path.jacobians[i]),
                "steps": float(path.accepted[i]), "rejected": float(path.rejected[i]),
            },
        )
        for i in range(len(problems))
    ]  # fmt: skip


def checked(problems: Sequence[Problem], model: Model) -> Setting:
    """Raises UsageError for what the model was not trained for."""
    for problem in problems:
        reasons = model.covers(problem)
        if reasons:
            raise UsageError(f"{problem.name}: {'; '.join(reasons)}.")
        if len(problem.grid.times) != len(problems[0].grid.times):
            raise UsageError("neural-ode: problems that are solved together need equally many output times.")
    return Setting(**model.card.extra)
