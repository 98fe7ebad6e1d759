"""The manifest of `gp-hm`: abilities and options. No numerics, no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution
from sciml.solver import Solver, Solves


class GpHm(Solver):
    """A Gaussian process conditioned on the equation and the boundary data, kernel by marginal likelihood."""

    name: ClassVar[str] = "gp-hm"
    summary: ClassVar[str] = "Gaussian process with a spectral-mixture kernel (boundary-value problems)"
    solves: ClassVar[Solves] = Solves(
        kind={"steady"}, dim={"1", "2"}, boundary={"dirichlet", "neumann", "open"},
        term={"space-dependent", "non-polynomial"},
    )  # fmt: skip
    citation: ClassVar[str] = (
        "@inproceedings{FangEtAl2024, author={Fang, S. and Cooley, M. and Long, D. and Li, S. and Kirby, R. M. and"
        " Zhe, S.}, title={Solving high frequency and multi-scale {PDE}s with {G}aussian processes},"
        " booktitle={ICLR}, year={2024}}"
    )
    kernel: Literal["likelihood", "student-t", "gaussian"] = Field(
        "likelihood",
        description="spectrum of one component: student-t (a Matérn envelope, as in the paper) or gaussian;"
        " likelihood: the more likely of both",
    )
    smoothness: float = Field(2.5, ge=2.5, le=20, description="Matérn order of student-t; 2.5 in the paper")
    components: int = Field(
        12, ge=0, le=30, description="most frequencies an axis, the strongest in source and boundary data"
    )
    width: int = Field(
        0, ge=0, le=2000,
        description="harmonics kept on each side of a frequency; 0: 30, doubled while the estimated error is too large",
    )  # fmt: skip
    period: float = Field(2.0, ge=1.25, le=4, description="period of the harmonics, in lengths of the axis")
    points: int = Field(
        0, ge=0, le=4000,
        description="collocation points an axis; 0: as the grid, at least 48 and 3.5 a wavelength of the source",
    )  # fmt: skip
    iterations: int = Field(60, ge=1, description="most quasi-Newton steps of one maximisation of the likelihood")
    newton: int = Field(20, ge=1, description="most Gauss–Newton steps")
    tolerance: float = Field(1e-5, gt=0, lt=1, description="largest estimated relative error that counts as solved")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if reasons:
            return reasons
        orders = [sum(n for _, n in orders) for _, orders in problem.equation.strong.derivatives]
        if max(orders, default=0) > 2:
            reasons.append("it does not take derivatives above the second: they need two data on a face")
        faces = {face for axis in problem.grid.axes for face in axis.faces}
        if faces == {"open"}:
            reasons.append("it needs data on at least one face")
        elif "dirichlet" not in faces and len(problem.grid.axes) == 2:
            reasons.append("in two dimensions it needs values (dirichlet) on at least one face")
        return reasons

    @property
    def envelopes(self) -> list[float]:
        """Matérn orders to try; infinity is the Gaussian."""
        student, gaussian = [self.smoothness], [float("inf")]
        return {"student-t": student, "gaussian": gaussian, "likelihood": student + gaussian}[self.kernel]

    def solve(self, problem: Problem, run: Run) -> Solution:
        if len(problem.grid.axes) == 1:
            from .line_solve import solve
        else:
            from .plane import solve
        return solve(self, problem, run)
