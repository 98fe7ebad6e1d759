"""From output to output: steps, samples, checkpoints, the account of what is conserved."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sciml.errors import RunFailed
from sciml.kernels.dispatch import recording
from sciml.kernels.native.compile import must_compile
from sciml.problem import Array, Problem
from sciml.run import Run
from sciml.solution import Solution

from .balance import Balance
from .law import Law
from .mesh import Mesh
from .sampling import Sampling
from .stepping import stepper

if TYPE_CHECKING:
    from ..solver import FiniteVolume


def solve(options: FiniteVolume, problem: Problem, run: Run) -> Solution:
    """Raises RunFailed where the solution does not stay finite."""
    with recording(run.took):  # what kernels on a card took
        return _solved(options, problem, run)


def _solved(options: FiniteVolume, problem: Problem, run: Run) -> Solution:
    times, names = problem.grid.times, problem.equation.fields
    law, mesh = Law.of(problem), Mesh.of(problem, options.cells)
    balance = Balance(options, law, mesh, run.device)
    sampling = Sampling(options, mesh, balance.ghosts)
    if run.device == "cpu" and must_compile("volume"):
        run.step(0.0, None, "compiling the kernel, once per machine")
    outputs = np.empty((len(names), len(times), *problem.grid.shape))
    outputs[:, 0] = problem.initial()
    saved = run.restore()
    if saved is None:
        u, time, done, steps, start = mesh.initial(), float(times[0]), 1, 0, None
    else:
        u, time = saved["u"], float(saved["time"])
        done, steps, start = int(saved["done"]), int(saved["steps"]), saved["mass"]
        outputs[:, :done] = saved["outputs"]
    cell = math.prod(mesh.widths)
    mass = _integrals(u, cell) if start is None else np.asarray(start)
    march = stepper(options, balance, u)
    run.took("finite volumes", march.path)

    def kept() -> dict[str, Any]:
        return {
            "u": march.state, "time": time, "done": done, "steps": steps, "mass": mass,
            "outputs": outputs[:, :done],
        }  # fmt: skip

    while done < len(times):
        target = float(times[done])
        h = march.advance(time, target - time)
        last = h == target - time
        time, steps = target if last else time + h, steps + 1
        if last:
            u = march.state
            if not np.isfinite(u).all():
                raise RunFailed(f"finite-volume: the solution is not finite at t={time:g}.")
            outputs[:, done] = sampling.values(torch.as_tensor(u, device=run.device), time)
            done += 1
        share = (time - times[0]) / problem.grid.duration
        run.step(1.0 if done == len(times) else min(share, 1 - 1e-12), kept, f"t={time:.4g}")
    change = np.abs(_integrals(march.state, cell) - mass)
    return Solution(
        values={name: outputs[i] for i, name in enumerate(names)},
        cost={
            "steps": steps, "rhs_evaluations": 3 * steps, "cells": math.prod(mesh.cells),
            "change_of_integral": float(change.max()),
        },
        message="errors are not estimated: compare with more cells and a smaller cfl",
    )  # fmt: skip


def _integrals(u: Array, cell: float) -> Array:
    """Of each field."""
    found: Array = u.reshape(len(u), -1).sum(1) * cell
    return found
