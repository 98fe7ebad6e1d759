"""From functions to weights: the initial data, the target of every step, the auxiliary fields."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from sciml.problem import Problem
from sciml.run import Run

from . import presets
from .fit import Fitted, Goal, adam, levenberg
from .model import Model
from .pressure import Pressure
from .solver import Insr

INITIAL_ITERATIONS, INITIAL_PATIENCE, INITIAL_DAMPING, STARTS = 400, 40, 1e-2, 4
PATIENCE, DAMPING = 2, 1e-9
FIT_SHARE = 0.1  # of the tolerance, that fits may add to the error
FLOOR = 1e-8


class Fitter:
    """`tick` is called once in an iteration: budget and Ctrl-C act inside a fit too."""

    def __init__(self, options: Insr, problem: Problem, model: Model, tick: Callable[[], None]) -> None:
        self.options, self.problem, self.model, self.tick = options, problem, model, tick
        self.limit = presets.iterations(options)
        self.fields = model.wanted[: model.fields]
        self.auxiliary = [presets.network(options, problem, 1) for _ in model.sources.expressions]

    def goal(self, share: float) -> float:
        """Relative error at which a fit stops, for a step over this share of the time span."""
        return max(FLOOR, FIT_SHARE * self.options.tolerance * share)

    def values(self, theta: Tensor) -> Tensor:
        """The fields on the collocation points. (m·N,)"""
        return self.model.network.values(theta, self.model.samples.points, self.fields).reshape(-1)

    def fit(self, theta: Tensor, target: Tensor, t: float, goal: float, initial: bool = False) -> Fitted:
        """Weights whose function is `target` (m·N,) on the collocation points and obeys the conditions at time t."""
        model, points = self.model, self.model.samples.points
        unit, data = 1 / model.size(target), model.face_data(t)

        def residual(th: Tensor) -> Tensor:
            return unit * torch.cat([self.values(th) - target, model.condition_values(th) - data])

        def jacobian(th: Tensor) -> Tensor:
            slopes = model.network.jacobian(th, points, self.fields)[1]
            return unit * torch.cat([slopes.reshape(-1, slopes.shape[2]), model.conditions(th)[1]])

        if self.options.inner == "adam":
            return adam(residual, theta, Goal(goal, self.limit, tick=self.tick))
        limit, patience = (INITIAL_ITERATIONS, INITIAL_PATIENCE) if initial else (self.limit, PATIENCE)
        aim = Goal(goal, limit, patience, self.tick)
        return levenberg(residual, jacobian, theta, aim, INITIAL_DAMPING if initial else DAMPING)

    def initial(self, run: Run) -> Fitted:
        """The best of a few random starts: some get stuck."""
        cells, axes, t = self.model.samples.per_axis, self.problem.grid.axes, float(self.problem.grid.times[0])
        fine = self.problem.initial(tuple(2 * cells if axis.periodic else 2 * cells + 1 for axis in axes))
        centres = fine[(slice(None), *(slice(1, None, 2) for _ in axes))]  # of the cells of a grid half as fine
        target = torch.as_tensor(np.ascontiguousarray(centres)).reshape(-1)
        best: Fitted | None = None
        for attempt in range(STARTS):
            start = self.model.network.draw(run.rng(f"insr/weights/{attempt}"))
            found = self.fit(start, target, t, FIT_SHARE * self.goal(1.0), initial=True)
            if best is None or found.error < best.error:
                best = found
            if best.error <= self.options.tolerance or self.options.inner == "adam":
                break
        assert best is not None
        return best

    def pressure(self, theta: Tensor, auxiliary: list[Tensor], t: float, initial: bool = False) -> list[Fitted]:
        """Weights of the auxiliary fields that belong to θ, from those at an earlier time."""
        fields = self.model.network.values(theta, self.model.samples.points, self.model.wanted).detach()
        atoms = torch.stack(self.model.atoms(fields))
        return Pressure(self.model, self.auxiliary, auxiliary).refitted(atoms, t, self.pressure_goal(initial))

    def pressure_goal(self, initial: bool = False) -> Goal:
        """Where the fit of an auxiliary field stops; errors are relative to its source."""
        limit = INITIAL_ITERATIONS if initial else self.limit
        return Goal(FIT_SHARE * self.options.tolerance, limit, max(2, limit // 10), self.tick)

    def nearer(self, one: Tensor, other: Tensor, target: Tensor) -> Tensor:
        """Which weights are the better start."""
        with torch.no_grad():
            first, second = (float((self.values(theta) - target).norm()) for theta in (one, other))
        return other if second < first else one
