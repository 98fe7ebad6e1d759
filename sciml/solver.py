"""The protocol of a solver. The class is the manifest: options are its fields, abilities are `solves`.

    class HeatEuler(Solver):
        name: ClassVar[str] = "heat-euler"
        solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"1"}, boundary={"periodic"})
        citation: ClassVar[str] = "@book{…}"
        substeps: int = Field(10, ge=1, description="Euler steps between two output times")

        def solve(self, problem, run): ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Protocol

from .options import Options
from .problem import Problem
from .solution import Solution

if TYPE_CHECKING:
    from .run import Run

API_VERSION = 1  # raised when a plugin written for an older core would break

REASONS = {
    "kind": "it does not solve problems of kind {}",
    "dim": "it does not work in {} space dimension(s)",
    "boundary": "it does not handle {} boundaries",
    "term": "it does not handle {} terms",
    "fields": "it does not solve a {} of equations",
    "data": "it does not take coefficients given as {} on a grid",
    "cost": "it does not take the cost {}",
    "form": "it does not take measures given as {}",
    "paths": "it does not follow {} paths (stochastic equations)",
}


class Task(Protocol):
    """What is asked, of whatever kind: a Problem, a transport problem."""

    @property
    def name(self) -> str: ...
    @property
    def features(self) -> Mapping[str, frozenset[str]]: ...


class Solves:
    """What a solver accepts, axis by axis. An axis not mentioned accepts only its neutral (empty) value,
    so a new feature of the problem language never silently widens an old plugin."""

    def __init__(self, **accepts: Iterable[str]) -> None:
        self.accepts: Mapping[str, frozenset[str]] = {axis: frozenset(v) for axis, v in accepts.items()}

    def refuses(self, problem: Task) -> list[str]:
        """Every reason why not, as sentences without a subject; empty means yes."""
        reasons: list[str] = []
        for axis, needed in problem.features.items():
            missing = sorted(needed - self.accepts.get(axis, frozenset()))
            if axis == "boundary" and axis not in self.accepts and reasons:
                continue  # an ODE solver that was handed a PDE has said so already
            if missing:
                reasons.append(REASONS.get(axis, f"it does not accept {axis} = {{}}").format(", ".join(missing)))
        return reasons


class Solver(Options, ABC):
    """Base of every solver plugin. Frozen; options are pydantic fields with a description each."""

    solves: ClassVar[Solves]
    citation: ClassVar[str] = ""
    version: ClassVar[str] = "1"  # part of the cell hash: raise it when results change
    devices: ClassVar[frozenset[str]] = frozenset({"cpu"})  # "cuda" too, where `solve` computes on `run.device`
    classical: ClassVar[bool] = False  # an established numerical method: reports want one beside every other row
    needs_model: ClassVar[bool] = False  # True: it answers only what it was trained for
    order: ClassVar[int | None] = None  # claimed, in the option `step` (of time); therefore tested

    @abstractmethod
    def solve(self, problem: Problem, run: Run) -> Solution:
        """Answer the problem. Called only if `refuses` is empty."""

    def solve_all(self, problems: Sequence[Problem], run: Run) -> list[Solution]:
        """Answer the members of a family, here one after the other; a solver that can take them together does."""
        from .one_by_one import solve_one_by_one

        return solve_one_by_one(self.solve, problems, run)

    def refuses(self, problem: Problem) -> list[str]:
        """Every reason why this solver, with these options, cannot take the problem."""
        return self.solves.refuses(problem)
