"""What is checked: a solver class with options, and the manufactured problems that it accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..run import Run
from ..solution import Solution
from ..solver import Solver
from .manufactured import Manufactured, manufactured


class Failed(Exception):
    """A check did not hold; the message says where and what to do."""


class Skipped(Exception):
    """A check has nothing to look at; the message says why."""


class Subject:
    """`tolerance`: relative L2 error that a finished answer may have. `most`: how many problems are solved."""

    def __init__(
        self, solver: type[Solver], *, options: Mapping[str, Any] | None = None, tolerance: float = 1e-2, most: int = 3
    ) -> None:
        self.solver, self.options, self.tolerance, self.most = solver, dict(options or {}), tolerance, most
        self.built = solver.build(**self.options)
        self.tasks = manufactured()
        self.accepted = [task for task in self.tasks if not self.reasons(task.problem)]
        self._found: dict[str, Solution] = {}

    def reasons(self, problem: Any) -> list[str]:
        """Why the solver refuses a problem."""
        return self.built.refuses(problem)

    def solve(self, task: Manufactured, again: bool = False) -> Solution:
        """The answer, kept from an earlier check unless it is wanted again."""
        name = task.problem.name
        if again:
            return self.built.solve(task.problem, Run())
        if name not in self._found:
            self._found[name] = self.built.solve(task.problem, Run())
        return self._found[name]

    def cheapest(self) -> Manufactured:
        """The first accepted one: they are sorted by cost."""
        return next(self.each())

    def each(self) -> Iterator[Manufactured]:
        """At most `most` accepted ones, of as many shapes as there are: first, last, and from between."""
        if not self.accepted:
            raise Skipped("it accepts none of the manufactured problems")
        count = len(self.accepted)
        wanted = min(self.most, count)
        places = sorted({round(i * (count - 1) / max(wanted - 1, 1)) for i in range(wanted)})
        yield from (self.accepted[i] for i in places)
