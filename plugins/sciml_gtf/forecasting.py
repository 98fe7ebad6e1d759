"""Free runs of a trained network from the states of problems."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from sciml.errors import UsageError
from sciml.learning.model import Model
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution, Status

from .network import Plrnn
from .recurrence import path, rollout

CHUNK = 10_000  # steps between looks at the budget


def strides(times: Array, step: float) -> NDArray[np.int64]:
    """Steps of the network up to each output time. Raises UsageError where these are no multiples of its step."""
    counts = (times - times[0]) / step
    whole = np.rint(counts)
    if np.abs(counts - whole).max() > 1e-6 * max(1.0, counts[-1]):
        raise UsageError(f"gtf: this model steps by {step:g}; output times must be multiples of that from the first.")
    return np.asarray(whole, dtype=np.int64)


def predict(problems: Sequence[Problem], model: Model, run: Run) -> list[Solution]:
    """All problems together; they share their output times."""
    options, extra = model.card.options, model.card.extra
    mean, std = np.array(extra["mean"]), np.array(extra["std"])
    network = Plrnn(len(mean), int(options["units"]), bool(options["clipped"]))
    model.fill(network)
    weights, times = network.weights(), problems[0].grid.times
    wanted = strides(times, float(extra["step"]))
    z = (np.stack([p.initial() for p in problems]) - mean) / std
    parts, done = [z[None]], 0
    with torch.no_grad():
        while done < wanted[-1]:
            parts.append(rollout(weights, z, int(min(CHUNK, wanted[-1] - done))))
            z, done = parts[-1][-1], done + len(parts[-1])
            run.step(done / wanted[-1], None, f"t={done * float(extra['step']):.4g}")
    run.took("recurrence", path())
    states = np.concatenate(parts)[wanted] * std + mean  # (times, members, fields)
    return [_solution(problem, states[:, i], times, int(wanted[-1])) for i, problem in enumerate(problems)]


def _solution(problem: Problem, states: Array, times: Array, steps: int) -> Solution:
    values = {name: states[:, i].copy() for i, name in enumerate(problem.equation.fields)}
    finite = np.isfinite(states).all(1)
    cost = {"network_calls": float(steps)}
    if finite.all():
        return Solution(values, cost=cost)
    last = float(times[np.argmin(finite) - 1])
    message = f"the network's states grow beyond bounds at t={last:g}"
    return Solution(values, Status.PARTIAL, last, cost=cost, message=message)
