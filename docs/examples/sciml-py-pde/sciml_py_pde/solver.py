"""The manifest: what the solver is called, what it solves, and its options. py-pde is imported inside solve()."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sciml import Problem, Run, Solution, Solver, Solves


class PyPde(Solver):
    """Method of lines by py-pde: central differences of second order, then one of its time steppers."""

    name: ClassVar[str] = "py-pde"
    summary: ClassVar[str] = "finite differences of second order by py-pde (periodic, 1-D and 2-D)"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"1", "2"}, boundary={"periodic"})
    citation: ClassVar[str] = (
        "@article{Zwicker2020, author={Zwicker, D.}, title={py-pde: A Python package for solving partial differential"
        " equations}, journal={Journal of Open Source Software}, volume={5}, pages={2158}, year={2020}}"
    )
    classical: ClassVar[bool] = True

    refine: int = Field(1, ge=1, le=64, description="grid points of py-pde for every point of the problem's grid")
    stepper: Literal["runge-kutta", "euler"] = Field("runge-kutta", description="py-pde's explicit time stepper")
    dt: float = Field(0.0, ge=0, description="time step; 0: py-pde chooses and adapts it")
    tolerance: float = Field(1e-6, gt=0, description="of py-pde's control of adaptive steps")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if not reasons:
            from .translate import untranslatable

            reasons += untranslatable(problem)
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .marching import march

        return march(self, problem, run)
