"""The manifest of `insr`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution
from sciml.solver import Solver, Solves

TERMS = {"nonlocal", "space-dependent", "time-dependent", "non-polynomial"}


class Insr(Solver):
    """The field is a network over space only; its weights follow a classical time integrator."""

    name: ClassVar[str] = "insr"
    summary: ClassVar[str] = "implicit neural spatial representation, marched by Gauss–Legendre or Runge–Kutta"
    solves: ClassVar[Solves] = Solves(
        kind={"evolution"}, dim={"1", "2"}, boundary={"periodic", "dirichlet", "neumann", "open"}, fields={"system"},
        term=TERMS,
    )  # fmt: skip
    citation: ClassVar[str] = (
        "@inproceedings{ChenWuGrinspunZhengChen2023, author={Chen, H. and Wu, R. and Grinspun, E. and Zheng, C. and"
        " Chen, P. Y.}, title={Implicit Neural Spatial Representations for Time-dependent {PDE}s},"
        " booktitle={ICML}, year={2023}}"
    )
    network: Literal["siren", "gaussians"] = Field(
        "siren", description="siren: sines in every layer; gaussians: a sum of Gaussians, centres and widths trained"
    )
    width: int = Field(0, ge=0, le=2000, description="units in a hidden layer, or Gaussians; 0: by dimension")
    depth: int = Field(0, ge=0, le=12, description="hidden layers of network=siren; 0: by dimension")
    omega: float = Field(0.0, ge=0, description="frequency factor of network=siren; 0: 30 in 1-D, 10 in 2-D")
    integrator: Literal["radau5", "gl4", "gl6", "midpoint", "exprb43", "rk4"] = Field(
        "radau5",
        description="radau5: Radau IIA, for stiff equations too; gl4, gl6: Gauss–Legendre, symmetric; midpoint: as"
        " published; exprb43: exponential Rosenbrock; rk4: explicit",
    )
    pressure: Literal["stage", "split", "incremental"] = Field(
        "stage",
        description="stage: solved for in every stage; split: flows are advanced without it, then projected, as"
        " published (order 1); incremental: advanced with the last step's (order 2)",
    )
    step: float = Field(
        0.0, ge=0, description="fixed time step (the nearest that divides the output interval); 0: adaptive"
    )
    tolerance: float = Field(
        1e-5, gt=0, le=0.1, description="relative error that all time steps together may add; a fit aims at its share"
    )
    inner: Literal["lm", "adam"] = Field("lm", description="lm: Levenberg–Marquardt; adam: as published")
    iterations: int = Field(0, ge=0, description="most iterations of a fit; 0: 12 for lm, 20000 for adam")
    points: int = Field(0, ge=0, le=100000, description="collocation points per axis; 0: by the number of weights")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if "nonlocal" in problem.equation.terms and any(not axis.periodic for axis in problem.grid.axes):
            reasons.append("nonlocal terms need periodic axes")
        if self.network == "gaussians" and (self.depth or self.omega):
            reasons.append("depth and omega belong to network=siren, not to gaussians")
        if self.pressure != "stage":
            if not self.step:
                reasons.append(f"pressure={self.pressure} needs a fixed step, as every step tried would cost a fit")
            if not reasons:
                from .incompressible import refusals

                reasons += refusals(problem)
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .marching import solve

        return solve(self, problem, run)
