"""A sound solver, and for every check of the conformance kit one that breaks just that promise."""

from __future__ import annotations

import contextlib
import time
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from sciml import Problem, Run, Solution, Solver, Solves
from sciml.errors import Stopped


class Euler(Solver):
    """x' = f(x) by Heun's method, `step` long; sound."""

    name: ClassVar[str] = "heun"
    summary: ClassVar[str] = "Heun's method, for tests"
    citation: ClassVar[str] = "@article{Heun1900, author={Heun, K.}, year={1900}}"
    solves: ClassVar[Solves] = Solves(kind={"evolution"}, dim={"0"}, fields={"system"}, term={"non-polynomial"})
    order: ClassVar[int | None] = 2
    step: float = Field(0.01, gt=0, description="time step")

    def solve(self, problem: Problem, run: Run) -> Solution:
        times, end = problem.grid.times, float(problem.grid.times[-1])
        state = run.restore() or {"index": 0, "rows": problem.initial()[None]}
        rows = np.asarray(state["rows"])
        for index in range(int(state["index"]) + 1, len(times)):
            rows = np.concatenate([rows, self.advance(problem, rows[-1], times[index] - times[index - 1])[None]])
            run.step(times[index] / end, {"index": index, "rows": rows})
        return self.answered(problem, rows)

    def advance(self, problem: Problem, x: Any, span: float) -> Any:
        steps = max(1, round(span / self.step))
        h = span / steps
        for _ in range(steps):
            k = self.rate(problem, x)
            x = x + h / 2 * (k + self.rate(problem, x + h * k))
        return x

    def rate(self, problem: Problem, x: Any) -> Any:
        fields = problem.equation.fields
        at = dict(zip(fields, x, strict=True))
        return np.stack([rate_of(problem, name, at) for name in fields])

    def answered(self, problem: Problem, rows: Any) -> Solution:
        return Solution({name: np.ascontiguousarray(rows[:, i]) for i, name in enumerate(problem.equation.fields)})


def rate_of(problem: Problem, name: str, at: dict[str, Any]) -> Any:
    """The two manufactured ODEs, by hand: the sound solver of a test needs no parser."""
    if problem.equation.fields == ("x", "y"):
        return -at["y"] if name == "x" else at["x"]
    return at["x"] * (1 - at["x"])


class NoSummary(Euler):
    summary: ClassVar[str] = ""


class AcceptsAnything(Euler):
    def refuses(self, problem: Problem) -> list[str]:
        return [] if "0" in problem.features["dim"] else super().refuses(problem)


class Float32(Euler):
    def answered(self, problem: Problem, rows: Any) -> Solution:
        return super().answered(problem, rows.astype(np.float32))


class Writes(Euler):
    def solve(self, problem: Problem, run: Run) -> Solution:
        problem.grid.times[-1] += 1e-3
        return super().solve(problem, run)


class Wrong(Euler):
    order: ClassVar[int | None] = None

    def rate(self, problem: Problem, x: Any) -> Any:
        return 1.1 * super().rate(problem, x)


class TooSure(Euler):
    def answered(self, problem: Problem, rows: Any) -> Solution:
        values = super().answered(problem, rows * 1.001).values
        return Solution(values, std={name: np.full_like(v, 1e-9) for name, v in values.items()})


class OrderThree(Euler):
    order: ClassVar[int | None] = 3


class Dice(Euler):
    def rate(self, problem: Problem, x: Any) -> Any:
        return super().rate(problem, x) + 1e-6 * np.random.normal()


class Untidy(Euler):
    def solve(self, problem: Problem, run: Run) -> Solution:
        np.random.seed(int(time.time_ns()) % 2**31)
        return super().solve(problem, run)


class Sleeps(Euler):
    def solve(self, problem: Problem, run: Run) -> Solution:
        time.sleep(0.3)
        return super().solve(problem, Run())


class Swallows(Euler):
    def solve(self, problem: Problem, run: Run) -> Solution:
        with contextlib.suppress(Stopped):
            run.step(0.0)
        return super().solve(problem, Run())


class Forgets(Euler):
    """Resumes from the saved index with the initial state."""

    def solve(self, problem: Problem, run: Run) -> Solution:
        saved = run.restore
        run.restore = lambda: (lambda s: s and {**s, "rows": s["rows"] * 1.01})(saved())  # type: ignore[method-assign]
        return super().solve(problem, run)


class Remembers(Euler):
    """Knows the answer by the problem's name."""

    def rate(self, problem: Problem, x: Any) -> Any:
        return super().rate(problem, x) * (1.0 if problem.name in ("rotation", "logistic") else 0.5)


# check -> what breaks it; an import that loads torch is a module of its own
BROKEN = {
    "manifest": NoSummary, "fails-closed": AcceptsAnything, "answers": Float32, "accurate": Wrong,
    "honest-spread": TooSure, "convergence": OrderThree, "repeatable": Dice, "tidy": Untidy,
    "stops-for-its-budget": Sleeps, "stops-for-ctrl-c": Swallows, "resumes": Forgets, "sees-no-reference": Remembers,
}  # fmt: skip
