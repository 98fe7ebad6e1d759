"""The network's grid, which may have fewer points than the data's. Then the network sees and says the waves that its
own points tell apart. Point values on a coarse grid would not do: what they do not resolve is folded onto what they do,
and a network that learns to answer that, too, hands it to the waves that carry on.
"""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from sciml.numerics.fourier import FourierBasis
from sciml.problem import Axis, Problem

from .coarse import basis


class Resolution:
    """points: of the network along every axis; 0: as many as the data have."""

    def __init__(self, problem: Problem, points: int, device: str = "cpu") -> None:
        self.data = problem.grid.shape
        self.network = tuple(points or n for n in self.data)
        self.coarser = self.network != self.data
        self.basis = basis(problem, [(n - 1) // 2 for n in self.network], device)

    def reduced(self, values: Tensor) -> Tensor:
        """(…, *data) to (…, *network)."""
        if not self.coarser:
            return values
        return self.basis.sample(self.basis.from_grid(values), self.network)

    def full(self, values: Tensor) -> Tensor:
        """(…, *network) to (…, *data)."""
        if not self.coarser:
            return values
        return self.basis.sample(self.basis.from_grid(values), self.data)

    def seen(self, state: Tensor, of: FourierBasis) -> Tensor:
        """Coefficients to (…, *network)."""
        if not self.coarser:
            return of.sample(state, self.network)
        return self.basis.sample(of.resize(state, self.basis), self.network)

    def axes(self, problem: Problem) -> tuple[Axis, ...]:
        """The problem's, with the network's points."""
        return tuple(replace(a, size=n) for a, n in zip(problem.grid.axes, self.network, strict=True))
