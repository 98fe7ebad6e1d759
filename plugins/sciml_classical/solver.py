"""The manifests of the classical solvers: names, abilities, options. No numerics, no torch."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from sciml.errors import UsageError
from sciml.problem import Problem
from sciml.run import Run
from sciml.solution import Solution
from sciml.solver import Solver, Solves

PERIODIC = Solves(
    kind={"evolution"}, dim={"1", "2", "3"}, boundary={"periodic"}, fields={"system"},
    term={"nonlocal", "space-dependent", "time-dependent", "non-polynomial"},
)  # fmt: skip
LINE = Solves(
    kind={"evolution"}, dim={"1"}, boundary={"periodic"}, fields={"system"},
    term={"nonlocal", "space-dependent", "time-dependent", "non-polynomial"},
)  # fmt: skip
ODE = Solves(kind={"evolution"}, dim={"0"}, fields={"system"}, term={"time-dependent", "non-polynomial"})
SDE = Solves(
    kind={"evolution"}, dim={"0"}, fields={"system"}, term={"time-dependent", "non-polynomial"}, paths={"random"}
)  # fmt: skip
BOX = Solves(
    kind={"steady", "evolution"}, dim={"1", "2"}, boundary={"dirichlet", "neumann", "open"}, fields={"system"},
    term={"space-dependent", "time-dependent", "non-polynomial"},
)  # fmt: skip
ELLIPTIC = Solves(
    kind={"steady"}, dim={"2"}, boundary={"dirichlet", "neumann"}, term={"space-dependent"}, data={"values"}
)  # fmt: skip
CELLS = Solves(
    kind={"evolution"}, dim={"1", "2"}, boundary={"periodic", "dirichlet", "open"}, fields={"system"},
    term={"nonlocal", "space-dependent", "time-dependent", "non-polynomial"},
)  # fmt: skip
JORBA_ZOU = (
    "@article{JorbaZou2005, author={Jorba, {\\`A}. and Zou, M.}, title={A software package for the numerical"
    " integration of ODEs by means of high-order Taylor methods}, journal={Experimental Mathematics},"
    " volume={14}, pages={99--117}, year={2005}}"
)


class SpectralSolver(Solver):
    """Options that all Fourier solvers share."""

    modes: int = Field(0, ge=0, description="modes per axis; 0: as many as the spectrum needs, adapted")
    max_modes: int = Field(0, ge=0, description="upper limit of adapted modes; 0: 6144, 384, 96 in 1-D, 2-D, 3-D")
    tail: float = Field(
        0.0, ge=0, lt=1, description="relative size of top modes that counts as resolved; 0: 1e-13 in 1-D, else 1e-9"
    )
    precision: Literal["double", "extended"] = Field(
        "double", description="extended: 64-bit mantissa (x86), in 1-D on a CPU, for references"
    )

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if self.precision == "extended" and len(problem.grid.axes) != 1:
            reasons.append("precision=extended works in one space dimension only")
        return reasons


class Etdrk4(SpectralSolver):
    """Fourth-order exponential time differencing, de-aliased, with step doubling."""

    name: ClassVar[str] = "etdrk4"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "exponential Runge–Kutta in Fourier space, adaptive in time and modes"
    version: ClassVar[str] = "3"
    solves: ClassVar[Solves] = PERIODIC
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    order: ClassVar[int | None] = 4
    citation: ClassVar[str] = (
        "@article{Krogstad2005, author={Krogstad, S.}, title={Generalized integrating factor methods for stiff PDEs},"
        " journal={J. Comput. Phys.}, volume={203}, pages={72--88}, year={2005}}"
    )
    tolerance: float = Field(
        0.0, ge=0, le=1,
        description="estimated relative error of one step, before extrapolation; 0: 1e-11 in 1-D, else 1e-8",
    )  # fmt: skip
    step: float = Field(0.0, ge=0, description="fixed step (the nearest that divides the output interval); 0: adaptive")

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .marching import solve

        return solve(self, problem, run)


class IntegratingFactor(SpectralSolver):
    """Lawson's integrating factor with an eighth-order Runge–Kutta pair: independent of etdrk4's formulae."""

    name: ClassVar[str] = "if-dop853"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "integrating factor with Dormand–Prince 8(5,3) in Fourier space: the cross-check"
    solves: ClassVar[Solves] = PERIODIC
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    citation: ClassVar[str] = (
        "@article{Lawson1967, author={Lawson, J. D.}, title={Generalized Runge-Kutta processes for stable systems"
        " with large Lipschitz constants}, journal={SIAM J. Numer. Anal.}, volume={4}, pages={372--380}, year={1967}}"
    )
    tolerance: float = Field(1e-12, gt=0, le=1, description="relative local error of one step")

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .integrating_factor import solve

        return solve(self, problem, run)


class SpectralTaylor(SpectralSolver):
    """Taylor series in time of the Fourier coefficients: independent of exponentials and of Runge–Kutta formulae."""

    name: ClassVar[str] = "spectral-taylor"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "Taylor series of high order in Fourier space, explicit (1-D): the second method"
    solves: ClassVar[Solves] = LINE
    citation: ClassVar[str] = JORBA_ZOU
    series_order: int = Field(24, ge=2, le=200, description="order of the series")
    tolerance: float = Field(1e-17, gt=0, le=1, description="size of the last terms relative to the state")

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .spectral_taylor import solve

        return solve(self, problem, run)


class Taylor(Solver):
    """Taylor series of high order with a step from their decay."""

    name: ClassVar[str] = "taylor"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "Taylor series by recurrence through the equation (ODE)"
    solves: ClassVar[Solves] = ODE
    citation: ClassVar[str] = JORBA_ZOU
    series_order: int = Field(24, ge=2, le=200, description="order of the series")
    tolerance: float = Field(1e-17, gt=0, le=1, description="size of the last terms relative to the state")
    digits: int = Field(0, ge=0, le=500, description="decimal digits of the arithmetic; 0: double precision")

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .ode import solve_taylor

        return solve_taylor(self, problem, run)


class Dop853(Solver):
    """SciPy's Dormand–Prince 8(5,3)."""

    name: ClassVar[str] = "dop853"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "Dormand–Prince 8(5,3) from SciPy (ODE)"
    solves: ClassVar[Solves] = ODE
    citation: ClassVar[str] = (
        "@book{HairerNorsettWanner1993, author={Hairer, E. and N{\\o}rsett, S. P. and Wanner, G.}, title={Solving"
        " Ordinary Differential Equations I}, publisher={Springer}, year={1993}}"
    )
    tolerance: float = Field(1e-13, gt=0, le=1, description="relative and absolute tolerance of one step")

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .ode import solve_dop853

        return solve_dop853(self, problem, run)


class Radau(Solver):
    """SciPy's implicit Radau IIA, for stiff equations."""

    name: ClassVar[str] = "radau"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "implicit Radau IIA of order 5 from SciPy, exact Jacobians (stiff ODE)"
    solves: ClassVar[Solves] = ODE
    citation: ClassVar[str] = (
        "@book{HairerWanner1996, author={Hairer, E. and Wanner, G.}, title={Solving Ordinary Differential Equations"
        " {II}}, publisher={Springer}, year={1996}}"
    )
    tolerance: float = Field(1e-9, gt=0, le=1, description="relative and absolute tolerance of one step")

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .implicit import solve_radau

        return solve_radau(self, problem, run)


class Milstein(Solver):
    """Many paths of an Ito equation with diagonal noise: their mean and standard deviation."""

    name: ClassVar[str] = "milstein"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "Runge–Kutta for the drift, Milstein for the noise, paths' mean and deviation (Ito SDE)"
    solves: ClassVar[Solves] = SDE
    citation: ClassVar[str] = (
        "@book{KloedenPlaten1992, author={Kloeden, P. E. and Platen, E.}, title={Numerical Solution of Stochastic"
        " Differential Equations}, publisher={Springer}, year={1992}}"
    )
    scheme: Literal["milstein", "euler-maruyama"] = Field(
        "milstein",
        description="step of the noise: strong order 1, where each diffusion depends on its own field only, or 1/2",
    )
    step: float = Field(5e-3, gt=0, description="largest step; the nearest that divides the output interval is taken")
    paths: int = Field(4096, ge=1, le=10**7, description="paths; of one path there is no standard deviation")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if not reasons and not problem.stochastic:
            reasons.append("it is for equations with a diffusion; take dop853 or taylor")
        if not reasons and self.scheme == "milstein":
            from .stochastic import foreign_noise

            reasons += [
                f"the diffusion of {name} depends on {', '.join(others)}: take scheme=euler-maruyama"
                for name, others in foreign_noise(problem).items()
            ]
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .stochastic import solve_milstein

        return solve_milstein(self, problem, run)


class Chebyshev(Solver):
    """Chebyshev series between two ends: the row for problems that are not periodic."""

    name: ClassVar[str] = "chebyshev"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "Chebyshev series on intervals and rectangles: boundary values, evolution in 1-D"
    solves: ClassVar[Solves] = BOX
    citation: ClassVar[str] = (
        "@article{OlverTownsend2013, author={Olver, S. and Townsend, A.}, title={A fast and well-conditioned spectral"
        " method}, journal={SIAM Review}, volume={55}, pages={462--489}, year={2013}}"
    )
    modes: int = Field(0, ge=0, description="coefficients per axis; 0: as many as the series needs, adapted")
    max_modes: int = Field(
        0, ge=0, description="upper limit of adapted modes; 0: 8192, 1024 in 1-D, 2-D, and 512 for an evolution"
    )
    tail: float = Field(
        0.0, ge=0, lt=1,
        description="relative size of the last coefficients that counts as resolved; 0: 1e-13 in 1-D, 1e-11 in 2-D",
    )  # fmt: skip
    tolerance: float = Field(
        1e-12, gt=0, le=1, description="relative size of Newton's last correction; relative error of a time step"
    )

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if len(problem.grid.axes) == 2 and problem.kind == "evolution":
            reasons.append("it marches in time in one space dimension only")
        if len(problem.grid.axes) == 2 and len(problem.equation.fields) > 1:
            reasons.append("it solves systems in one space dimension only")
        if 0 < self.modes < 8:
            reasons.append("modes must be 0 or at least 8")
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        if problem.kind == "steady":
            from .chebyshev.steady import solve

            return solve(self, problem, run)
        from .chebyshev.lines import solve as march

        return march(self, problem, run)


class Multigrid(Solver):
    """Finite differences of second order, extrapolated to fourth, solved at a cost proportional to the points."""

    name: ClassVar[str] = "multigrid"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "finite differences for d_x(a u_x) + d_y(b u_y) + c u = f on rectangles, by multigrid"
    solves: ClassVar[Solves] = ELLIPTIC
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    citation: ClassVar[str] = (
        '@book{TrottenbergOosterleeSchueller2001, author={Trottenberg, U. and Oosterlee, C. W. and Sch{\\"u}ller, A.},'
        " title={Multigrid}, publisher={Academic Press}, year={2001}}"
    )
    points: int = Field(
        0, ge=0, le=8193, description="points along the axis with fewer, m*2^k + 1; 0: doubled until accurate"
    )
    max_points: int = Field(0, ge=0, le=8193, description="upper limit of doubled points; 0: 2049")
    accuracy: float = Field(1e-6, gt=0, lt=1, description="largest estimated error, relative to the largest value")
    extrapolate: bool = Field(True, description="fourth order, from two grids; false: second order, as discretised")
    tolerance: float = Field(1e-9, gt=0, lt=1, description="relative residual at which a grid counts as solved")
    cycle: Literal["conjugate", "v"] = Field(
        "conjugate", description="conjugate: gradients with a V-cycle as preconditioner; v: V-cycles alone"
    )
    sweeps: int = Field(2, ge=1, le=4, description="red-black Gauss-Seidel sweeps before and after a correction")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if 0 < self.points < 17 or 0 < self.max_points < 17:
            reasons.append("points and max_points must be 0 or at least 17")
        if not reasons:
            from .multigrid.elliptic import refusals

            reasons = refusals(problem)
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .multigrid.steady import solve

        return solve(self, problem, run)


class SpectralElement(Solver):
    """Polynomials on every cell of the problem's grid, one sparse factorisation: waves too, which multigrid cannot."""

    name: ClassVar[str] = "spectral-element"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "spectral elements for d_x(a u_x) + d_y(b u_y) + c u = f, c of any sign, by sparse LU"
    solves: ClassVar[Solves] = ELLIPTIC
    citation: ClassVar[str] = (
        "@article{Patera1984, author={Patera, A. T.}, title={A spectral element method for fluid dynamics: laminar flow"
        " in a channel expansion}, journal={J. Comput. Phys.}, volume={54}, pages={468--488}, year={1984}}"
    )
    degree: int = Field(3, ge=2, le=12, description="of the polynomials on a cell")
    estimate: bool = Field(True, description="solve with one degree less too; the difference is the estimated error")
    accuracy: float = Field(1e-3, gt=0, lt=1, description="largest estimated error, relative to the largest value")

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if not reasons:
            from .multigrid.elliptic import refusals

            reasons = refusals(problem, indefinite=True)
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .spectral_element.steady import solve

        return solve(self, problem, run)


class FiniteVolume(Solver):
    """Cell averages and fluxes through faces, for solutions with jumps."""

    name: ClassVar[str] = "finite-volume"
    classical: ClassVar[bool] = True
    summary: ClassVar[str] = "finite volumes, WENO or with limiters: conservation laws with shocks, flow in 2-D"
    solves: ClassVar[Solves] = CELLS
    devices: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda"})
    citation: ClassVar[str] = (
        "@article{JiangShu1996, author={Jiang, G.-S. and Shu, C.-W.}, title={Efficient implementation of weighted {ENO}"
        " schemes}, journal={J. Comput. Phys.}, volume={126}, pages={202--228}, year={1996}}"
    )
    reconstruction: Literal["weno5", "weno-z", "muscl"] = Field(
        "weno-z", description="values at faces: fifth order with nonlinear weights, or lines with limited slopes"
    )
    limiter: Literal["van-leer", "minmod"] = Field("van-leer", description="of the slopes of muscl")
    cells: int = Field(0, ge=0, le=2**24, description="cells per axis; 0: those of the problem's grid")
    cfl: float = Field(
        0.5, gt=0, le=1,
        description="Courant number, summed over the axes; below 0.5 steps for diffusion and sources shrink with it",
    )  # fmt: skip

    def refuses(self, problem: Problem) -> list[str]:
        reasons = super().refuses(problem)
        if 0 < self.cells < 8:
            reasons.append("cells must be 0 or at least 8")
        if self.cells == 0 and any(axis.size < 9 for axis in problem.grid.axes):
            reasons.append("a grid of fewer than 9 points per axis needs the option cells")
        if not reasons:
            from .finite_volume.law import Law

            try:
                Law.of(problem)
            except UsageError as error:
                reasons.append(str(error).rstrip("."))
        return reasons

    def solve(self, problem: Problem, run: Run) -> Solution:
        from .finite_volume.marching import solve

        return solve(self, problem, run)
