"""Adam with the paper's schedule: learning rate 1e-3, times 0.9 every 5000 steps (Wang, Sankaran & Perdikaris 2022,
§4 and appendix), the causal weights computed anew at every step, the ladder climbed as `causal.Ladder` says, and
also when a rung has had its share of the steps.

The paper draws new random points every step; here they are the points of the ansatz, as for the other methods.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..causal import Ladder
from .objective import Goal, Objective, Trained

RATE, DECAY, EVERY = 1e-3, 0.9, 5000


def train(objective: Objective, theta: Tensor, ladder: Ladder, goal: Goal) -> Trained:
    """Until the goal is reached or the steps are spent."""
    unknowns = theta.clone().requires_grad_()
    optimiser = torch.optim.Adam([unknowns], lr=RATE)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, EVERY, DECAY)
    share = math.ceil(goal.iterations / len(ladder.rungs))
    for step in range(goal.iterations + 1):
        value = objective.losses(unknowns)
        losses = value.detach()
        if goal.reached(ladder, losses) or step == goal.iterations or not bool(torch.isfinite(losses).all()):
            break
        if step and step % share == 0:
            ladder.force()
        goal.tick()
        optimiser.zero_grad()
        (ladder.weights(losses) * value).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    weights = ladder.weights(losses)
    return Trained(unknowns.detach(), losses, weights, ladder.climb(losses), step, step + 1)
