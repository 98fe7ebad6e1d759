"""The manifest of `pinn-causal`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution
from sciml.solver import Solver, Solves

TERMS = {"nonlocal", "space-dependent", "time-dependent", "non-polynomial"}


class PinnCausal(Solver):
    """A network marched over time windows, its residuals weighted so that the past is learnt first."""

    name: ClassVar[str] = "pinn-causal"
    summary: ClassVar[str] = "causal PINN over adaptive time windows, trained by Gauss–Newton"
    solves: ClassVar[Solves] = Solves(
        kind={"evolution"}, dim={"0", "1", "2", "3"}, boundary={"periodic"}, fields={"system"}, term=TERMS
    )
    citation: ClassVar[str] = (
        "@article{WangSankaranPerdikaris2024, author={Wang, S. and Sankaran, S. and Perdikaris, P.}, title={Respecting"
        " causality for training physics-informed neural networks}, journal={Comput. Methods Appl. Mech. Engrg.},"
        " volume={421}, pages={116813}, year={2024}}"
    )
    ansatz: Literal["separable"] = Field(
        "separable", description="separable: a network in time for every Fourier mode in space"
    )
    method: Literal["gauss-newton"] = Field(
        "gauss-newton", description="how the network is trained: least squares in double precision"
    )
    tolerance: float = Field(1e-11, gt=0, lt=1, description="largest relative residual of an accepted window")
    causal: bool = Field(True, description="weight residuals causally; false: all weights one")
    window: float = Field(0.0, ge=0, description="fixed window length; 0: adaptive")
    features: int = Field(24, ge=2, le=200, description="hidden tanh units in time")
    times: int = Field(36, ge=4, le=400, description="collocation times in a window")
    slope: float = Field(2.5, gt=0, description="largest slope of the hidden units, per window length")
    filter_power: float = Field(
        0.5, ge=0, le=1, description="power p in the residual's filter Tw/(1 + Tw|λ|)^p for stiff modes"
    )
    iterations: int = Field(12, ge=1, description="most Gauss–Newton iterations in a window")
    inner: int = Field(40, ge=1, description="most CGLS iterations in a Gauss–Newton iteration")
    modes: int = Field(0, ge=0, description="Fourier modes per axis; 0: as many as the spectrum needs, adapted")
    max_modes: int = Field(0, ge=0, description="upper limit of adapted modes; 0: 4096, 96, 24 in 1-D, 2-D, 3-D")
    tail: float = Field(1e-12, gt=0, lt=1, description="relative size of the top modes that counts as resolved")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if self.times < self.features:
            reasons.append(f"times={self.times} collocation times cannot determine features={self.features}")
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .training import solve

        return solve(self, problem, run)
