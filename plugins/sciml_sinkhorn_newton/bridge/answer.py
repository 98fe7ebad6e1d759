"""`light-sb` as a solver. The bridge of eps/2 couples as transport with cost |x0 - x1|² and eps does; its density is

    π(x0, x1) = r(x0) exp(<x0, x1>/(eps/2)) v(x1)/c(x0),   so that   phi(x0) = |x0|² - eps log c(x0)

up to a constant; psi is the soft c-transform of phi on the target's points, which makes columns exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sciml.run import Run
from sciml.transport import Transport, TransportSolution
from sciml.transport.routes import task_of

from .training import fit

if TYPE_CHECKING:
    from ..solver import LightBridge


def answer(solver: LightBridge, problem: Transport, run: Run) -> TransportSolution:
    x, y, task = problem.source.places, problem.target.places, task_of(problem)
    assert x is not None and y is not None
    losses: list[float] = []

    def report(loss: float, done: int) -> None:
        losses.append(loss)
        run.step(done / (solver.rounds + 1), None, f"round {done}, objective {loss:.6g}")

    potential = fit(
        x, y, 0.5 * problem.eps, solver.components, solver.rounds, solver.iterations, solver.tolerance, run.seed,
        report, (task.r, task.c),
    )  # fmt: skip
    start = torch.as_tensor(np.ascontiguousarray(x))
    phi = (start**2).sum(1).numpy() - problem.eps * potential.log_c(start).numpy()
    psi = task.geometry.potential(task.r, phi, 1.0 / problem.eps)
    shift = 0.5 * float(task.r @ phi - task.c @ psi)
    factor = potential.factor()
    mixture = {
        "bridge_logits": potential.logits.numpy(), "bridge_means": potential.means.numpy(),
        "bridge_factors": factor.numpy(), "objective": np.asarray(losses),
    }  # fmt: skip
    used = len(losses) == solver.rounds
    steps = "its rounds are used up" if used else f"a round gained less than {solver.tolerance:g}"
    return TransportSolution(
        phi - shift, psi + shift, problem.eps, message=f"{steps}; scored by its potential on the points",
        cost={"parameters": float(sum(p.numel() for p in potential.parameters())), "rounds": float(len(losses))},
        history=mixture,
    )  # fmt: skip
