"""Strong-stability-preserving Runge–Kutta of order three (Shu & Osher, J. Comput. Phys. 77, 1988).

A step is the Courant number over Σ speed/width, shortened to reach the next output time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sciml.errors import RunFailed
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution

from .balance import Balance
from .ghosts import Moment
from .law import Law
from .mesh import Mesh
from .sampling import Sampling

if TYPE_CHECKING:
    from ..solver import FiniteVolume

REAL_AXIS = 2.5  # how far the scheme is stable along the negative real axis
SOURCE = 1.0  # largest step times the rate of a source
USUAL = 0.5  # Courant number below which the other limits shrink with it
MOST_STEPS = 10**8  # between two outputs


def solve(options: FiniteVolume, problem: Problem, run: Run) -> Solution:
    """Raises RunFailed where the solution does not stay finite."""
    times, names = problem.grid.times, problem.equation.fields
    law, mesh = Law.of(problem), Mesh.of(problem, options.cells)
    balance = Balance(options, law, mesh, run.device)
    sampling = Sampling(options, mesh, balance.ghosts)
    run.took("finite volumes", "torch")
    outputs = np.empty((len(names), len(times), *problem.grid.shape))
    outputs[:, 0] = problem.initial()
    saved = run.restore()
    if saved is None:
        u, time, done, steps, start = torch.as_tensor(mesh.initial(), device=run.device), float(times[0]), 1, 0, None
    else:
        u, time = torch.as_tensor(saved["u"], device=run.device), float(saved["time"])
        done, steps, start = int(saved["done"]), int(saved["steps"]), saved["mass"]
        outputs[:, :done] = saved["outputs"]
    cell = math.prod(mesh.widths)
    mass = (u.reshape(len(names), -1).sum(1) * cell).cpu().numpy() if start is None else np.asarray(start)

    def kept() -> dict[str, Any]:
        return {
            "u": u.cpu().numpy(), "time": time, "done": done, "steps": steps, "mass": mass,
            "outputs": outputs[:, :done],
        }  # fmt: skip

    while done < len(times):
        target = float(times[done])
        slope = balance.rate(u, Moment(time))
        h = _step(options, balance, target - time, time)
        last = h == target - time
        one = u + h * slope
        two = (0.75 * u).add_(one + h * balance.rate(one, Moment(time, h, 1)), alpha=0.25)
        three = balance.rate(two, Moment(time, h, 2))
        u = (u / 3).add_(two + h * three, alpha=2 / 3)
        time, steps = target if last else time + h, steps + 1
        if last:
            if not bool(torch.isfinite(u).all()):
                raise RunFailed(f"finite-volume: the solution is not finite at t={time:g}.")
            outputs[:, done] = sampling.values(u, time)
            done += 1
        share = (time - times[0]) / problem.grid.duration
        run.step(1.0 if done == len(times) else min(share, 1 - 1e-12), kept, f"t={time:.4g}")
    change = np.abs((u.reshape(len(names), -1).sum(1) * cell).cpu().numpy() - mass)
    return Solution(
        values={name: outputs[i] for i, name in enumerate(names)},
        cost={
            "steps": steps, "rhs_evaluations": 3 * steps, "cells": math.prod(mesh.cells),
            "change_of_integral": float(change.max()),
        },
        message="errors are not estimated: compare with more cells and a smaller cfl",
    )  # fmt: skip


def _step(options: FiniteVolume, balance: Balance, left: float, time: float) -> float:
    """The longest stable step that divides what is left, by the limits of the latest rate."""
    speeds, source = balance.limits
    finer = max(1.0, USUAL / options.cfl)  # so that a smaller number means smaller steps for every equation
    need = speeds / options.cfl + finer * (balance.stiffness / REAL_AXIS + source / SOURCE)
    if not math.isfinite(need):
        raise RunFailed(f"finite-volume: the solution is not finite at t={time:g}.")
    count = max(1, math.ceil(left * need * (1 - 1e-12)))
    if count > MOST_STEPS:
        raise RunFailed(f"finite-volume: the step became too small at t={time:g}.")
    return left / count
