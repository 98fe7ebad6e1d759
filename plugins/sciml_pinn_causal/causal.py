"""Causal weights and the ladder of their steepness (Wang, Sankaran & Perdikaris, Respecting causality is all you
need for training physics-informed neural networks, 2022: eqs. 3.8–3.9 and Algorithm 1).

The steepness ε is a value at run time, never baked into a compiled loss: in the released code the ladder reaches
only the stopping test (see README.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LADDER = (1e-2, 1.0, 1e2, 1e4, 1e8)
ENOUGH = 0.99  # a rung is done when every weight is above this


def causal_weights(losses: Tensor, epsilon: float) -> Tensor:
    """w_i = exp(-ε Σ_{j<i} L_j), shape (times,); no gradient flows through them. losses: L_i, (times,)."""
    losses = losses.detach()
    before = torch.cat([losses.new_zeros(1), torch.cumsum(losses, 0)[:-1]])
    return torch.exp(-epsilon * before)


@dataclass
class Ladder:
    """Climbs the rungs; with `active` false all weights are one and there is nothing to climb."""

    rungs: tuple[float, ...] = LADDER
    active: bool = True
    rung: int = 0

    @classmethod
    def for_tolerance(cls, tolerance: float, times: int, active: bool, first: float = LADDER[0]) -> Ladder:
        """Without the rungs whose weights would stay below ENOUGH even where every residual is at the tolerance.

        first: the rung to begin with. The paper's 0.01 is for residuals that are not scaled by the window's length
        and the solution's size; methods that bear faint weights may begin at 1, where it about lies in ours.
        """
        limit = (1 - ENOUGH) / (times * tolerance**2)
        return cls(tuple(e for e in LADDER if first <= e < limit) or (limit,), active)

    def weights(self, losses: Tensor) -> Tensor:
        if not self.active:
            return torch.ones_like(losses)
        return causal_weights(losses, self.rungs[self.rung])

    def force(self) -> None:
        """One rung up, whatever the weights: a rung's share of the iterations is spent."""
        self.rung = min(self.rung + 1, len(self.rungs) - 1)

    def climb(self, losses: Tensor) -> bool:
        """Go up while the weights of the present losses are all above ENOUGH; True once at the top."""
        if not self.active:
            return True
        while float(self.weights(losses).min()) > ENOUGH:
            if self.rung == len(self.rungs) - 1:
                return True
            self.rung += 1
        return False
