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
    summary: ClassVar[str] = "causal PINN over adaptive time windows"
    solves: ClassVar[Solves] = Solves(
        kind={"evolution"}, dim={"0", "1", "2", "3"}, boundary={"periodic"}, fields={"system"}, term=TERMS
    )
    citation: ClassVar[str] = (
        "@article{WangSankaranPerdikaris2024, author={Wang, S. and Sankaran, S. and Perdikaris, P.}, title={Respecting"
        " causality for training physics-informed neural networks}, journal={Comput. Methods Appl. Mech. Engrg.},"
        " volume={421}, pages={116813}, year={2024}}"
    )
    ansatz: Literal["separable", "joint", "mlp", "gaussians"] = Field(
        "separable",
        description="separable: a network in time for every Fourier mode in space; joint: one network in (t, x),"
        " hidden layer frozen at random; mlp: one network in (t, x), all weights trained;"
        " gaussians: a sum of Gaussians in (t, x), centres, widths and amplitudes trained",
    )
    method: Literal["gauss-newton", "ssbroyden", "adam"] = Field(
        "gauss-newton",
        description="gauss-newton: least squares; ssbroyden: a self-scaled quasi-Newton method; adam: as in the paper",
    )
    tolerance: float = Field(
        0.0, ge=0, lt=1, description="largest relative residual of an accepted window; 0: by ansatz and dimension"
    )
    causal: bool = Field(True, description="weight residuals causally; false: all weights one")
    window: float = Field(0.0, ge=0, description="fixed window length; 0: adaptive")
    features: int = Field(
        0, ge=0, le=20000, description="hidden tanh units, in a layer, or Gaussians; 0: by ansatz and dimension"
    )
    depth: int = Field(1, ge=1, le=12, description="hidden layers of ansatz=mlp")
    gated: bool = Field(True, description="ansatz=mlp: the paper's modified perceptron; false: a plain one")
    times: int = Field(0, ge=0, le=400, description="collocation times in a window; 0: by ansatz and dimension")
    slope: float = Field(0.0, ge=0, description="slope of the hidden units in time, per window; 0: by ansatz")
    filter_power: float = Field(
        0.5, ge=0, le=1, description="power p in the residual's filter Tw/(1 + Tw|λ|)^p for stiff modes"
    )
    iterations: int = Field(0, ge=0, description="most iterations in a window; 0: by ansatz and method")
    modes: int = Field(0, ge=0, description="Fourier modes per axis; 0: as many as the spectrum needs, adapted")
    max_modes: int = Field(0, ge=0, description="upper limit of adapted modes; 0: by ansatz and dimension")
    tail: float = Field(
        0.0, ge=0, lt=1, description="relative size of top modes that counts as resolved; 0: by tolerance"
    )

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        dim = len(problem.grid.axes)
        if self.ansatz == "separable" and self.features and self.times and self.times <= self.features:
            reasons.append(f"times={self.times} collocation times cannot determine features={self.features}")
        if self.ansatz != "separable":
            if dim != 1:
                reasons.append(f"ansatz={self.ansatz} works in one space dimension, not {dim}")
            if "nonlocal" in problem.equation.terms:
                reasons.append(f"ansatz={self.ansatz} cannot take nonlocal terms")
        if self.ansatz != "mlp" and (self.depth != 1 or not self.gated):
            reasons.append(f"depth and gated belong to ansatz=mlp, not to {self.ansatz}")
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .training import solve

        return solve(self, problem, run)
