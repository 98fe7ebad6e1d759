"""The manifests of `stde`, `radial-fit` and `local-polynomial`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution
from sciml.solver import Solver, Solves

IN_A_BALL = Solves(kind={"ball"}, dim={"high"}, boundary={"dirichlet"}, term={"space-dependent", "non-polynomial"})
POINTS = "random points of the least-squares fit; 0: by the number of unknowns"


class Stde(Solver):
    """A network times 1 - |x|²/R², trained on residuals whose Laplacian is sampled along a few directions."""

    name: ClassVar[str] = "stde"
    summary: ClassVar[str] = "network in many dimensions, Laplacian by the stochastic Taylor derivative estimator"
    solves: ClassVar[Solves] = IN_A_BALL
    citation: ClassVar[str] = (
        "@inproceedings{ShiHuLinKawaguchi2024, author={Shi, Z. and Hu, Z. and Lin, M. and Kawaguchi, K.},"
        " title={Stochastic {T}aylor Derivative Estimator: Efficient amortization for arbitrary differential"
        " operators}, booktitle={NeurIPS}, year={2024}}"
    )
    estimator: Literal["stde", "exact"] = Field(
        "stde", description="stde: the Laplacian from sampled directions; exact: from all d of them"
    )
    directions: Literal["coordinates", "gaussian"] = Field(
        "coordinates", description="coordinates: axes without replacement; gaussian: normal vectors (Hutchinson)"
    )
    samples: int = Field(4, ge=1, le=100_000, description="directions in one estimate; a point takes two estimates")
    width: int = Field(64, ge=1, le=2000, description="units in a hidden layer")
    depth: int = Field(3, ge=1, le=8, description="hidden layers")
    batch: int = Field(300, ge=1, le=100_000, description="new random points in every step")
    steps: int = Field(2000, ge=0, le=10_000_000, description="steps of Adam")
    rate: float = Field(3e-3, gt=0, le=1, description="learning rate at the start; it falls linearly to 0")
    polish: bool = Field(
        True, description="least squares for the last layer at the end, with exact Laplacians; false: Adam only"
    )
    points: int = Field(0, ge=0, le=10_000_000, description=POINTS)

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        drawn = self.samples if self.estimator == "stde" and self.directions == "coordinates" else 0
        if problem.ball is not None and drawn > problem.ball.dimension:
            reasons.append(f"samples={self.samples} axes cannot be drawn from {problem.ball.dimension}")
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .training import solve

        return solve(self, problem, run)


class RadialFit(Solver):
    """u = k(1 - |x|²/R²), the one number k by least squares of the residual: what everybody must beat."""

    name: ClassVar[str] = "radial-fit"
    summary: ClassVar[str] = "one parameter in many dimensions: k(1 - |x|²/R²)"
    solves: ClassVar[Solves] = IN_A_BALL
    points: int = Field(2000, ge=1, le=10_000_000, description="random points of the least-squares fit")

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .linear import solve_radial

        return solve_radial(self, problem, run)


class LocalPolynomial(Solver):
    """1 - |x|²/R² times a sum of polynomials in neighbouring coordinates, neighbours as in the equation's sums."""

    name: ClassVar[str] = "local-polynomial"
    summary: ClassVar[str] = "many dimensions, each coupled to its neighbours only: polynomials, least squares"
    solves: ClassVar[Solves] = IN_A_BALL
    degree: int = Field(0, ge=0, le=12, description="total degree; 0: 5, or less where that is above 6000 unknowns")
    points: int = Field(0, ge=0, le=10_000_000, description=POINTS)

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .linear import solve_local

        return solve_local(self, problem, run)
