"""The protocol of solvers of transport problems: a Solver with `transport` in the place of `solve`.

    class Mine(TransportSolver):
        name: ClassVar[str] = "mine"
        solves: ClassVar[Solves] = Solves(kind={"transport"}, cost={"euclidean"}, form={"points"})

        def transport(self, problem, run): ...    # -> TransportSolution
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, final

from ..errors import RunFailed
from ..problem import Problem
from ..solution import Solution
from ..solver import Solver
from .problem import Transport
from .solution import TransportSolution

if TYPE_CHECKING:
    from ..run import Run


class TransportSolver(Solver, ABC):
    """Abstract. Options, citation and names as of every Solver."""

    @abstractmethod
    def transport(self, problem: Transport, run: Run) -> TransportSolution:
        """Answer the problem. Called only if `cannot` is empty."""

    def cannot(self, problem: Transport) -> list[str]:
        """Every reason why this solver, with these options, cannot take the problem."""
        return self.solves.refuses(problem)

    @final
    def solve(self, problem: Problem, run: Run) -> Solution:
        raise RunFailed(f"{self.name} answers transport problems, and {problem.name} is none.")  # refused before
