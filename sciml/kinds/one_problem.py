"""One problem given by an equation, and its results."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from .. import registry
from ..errors import UsageError
from ..evidence import About, Evidence
from ..evidence.of_problem import about_problem, evidence_of_problem
from ..files import problem_file, result_file
from ..files.hdf5 import sound
from ..files.result_file import Result
from ..learning import LearnedSolver
from ..learning.models import choose, lacks_model
from ..metrics.attractor_distance import attractor_columns
from ..problem import Problem
from ..reference.values import read_reference
from ..row import Row
from ..scoring.measuring import metric_columns
from ..solution import Status
from ..solver import Solver
from .kind import Kind, Outcome

KEYS = ("solver", "plugin", "options", "seed", "device", "dtype", "ledger", "scores", "provenance", "cell")


class ProblemKind(Kind):
    word: ClassVar[str] = "problem"
    asks: ClassVar[type] = Problem

    def check(self, path: Path) -> tuple[str, str]:
        with sound(path):
            if self.is_result(path):
                result_file.read(path)
                return "result", ""
            reference = read_reference(path, self.read(path))
            return "problem", " with a reference" if reference else " without a reference"

    def text(self, path: Path) -> str:
        with sound(path):
            from ..showing.problem import problem_text, result_text

            if self.is_result(path):
                return result_text(result_file.read(path))
            problem = self.read(path)
            return problem_text(problem, read_reference(path, problem))

    def data(self, path: Path) -> dict[str, Any]:
        with sound(path):
            if self.is_result(path):
                result = result_file.read(path)
                return {key: getattr(result, key) for key in KEYS} | {"status": result.solution.status.name}
            problem = self.read(path)
            reference, about = read_reference(path, problem), None
            if reference is not None:
                about = {"method": reference.method, "error": reference.error, "checks": reference.checks}
            return problem.describe() | {"content_hash": problem.content_hash, "reference": about}

    def plot(self, path: Path, output: Path, against: Path | None) -> None:
        from ..plotting.problem import plot_file

        plot_file(path, output, against)

    def read(self, path: Path) -> Problem:
        return problem_file.read(path)

    def write(self, path: Path, task: Problem) -> None:
        problem_file.write(path, task)

    def read_result(self, path: Path) -> Result:
        return result_file.read(path)

    def entry(self, path: Path) -> tuple[str, str, str]:
        problem = self.read(path)
        shape = " x ".join(str(n) for n in problem.grid.shape) or "ODE"
        if problem.ball is not None:
            shape = f"{problem.shape[0]} points in {problem.ball.dimension}-D"
        return shape, f"{problem.grid.times[-1]:g}", problem.title or problem.name

    def reasons(self, task: Problem, solver: Solver, store: Path) -> list[str]:
        why = registry.reasons(solver, task)
        return lacks_model(solver, task, store) if isinstance(solver, LearnedSolver) and not why else why

    def require(self, task: Problem, solver: Solver, asked: dict[str, Any]) -> None:
        if asked["members"] is not None:
            raise UsageError(f"{task.name} is one problem; --members is for families.")
        registry.require_able(solver, task)

    def solve(
        self, path: Path | None, task: Problem, solver: Solver, asked: dict[str, Any],
        on_progress: Callable[[float, str], None], on_notice: Callable[[str], None],
    ) -> tuple[Result, Path]:  # fmt: skip
        from ..solving.problem import solve

        plain = {k: asked[k] for k in ("seed", "device", "dtype", "budget", "store", "fresh")}
        result = solve(
            path or task, solver, model_file=asked["model"], on_progress=on_progress, on_notice=on_notice, **plain
        )  # fmt: skip
        return result, asked["store"] / task.name / f"{solver.name}-{result.cell}.h5"

    def outcome(self, result: Result, kept: Path) -> Outcome:
        from ..showing.problem import result_text

        data = {
            "path": str(kept), "status": result.solution.status.name, "message": result.solution.message,
            "scores": result.scores, "cost": {**result.ledger, **result.solution.cost}, "cell": result.cell,
        }  # fmt: skip
        code = 1 if result.solution.status is Status.PARTIAL else 0
        return Outcome(f"{result_text(result)}\nkept as {kept}", data, code)

    def row(self, path: Path, task: Problem, solver: Solver, head: dict[str, Any], arguments: dict[str, Any]) -> Row:
        from ..solving.problem import DEFAULT_STORE, solve

        registry.require_able(solver, task)
        result = solve(path, solver, seed=head["seed"], **{k: v for k, v in arguments.items() if k != "data"})
        if isinstance(solver, LearnedSolver):
            model, _ = choose(solver, task, Path(arguments.get("store", DEFAULT_STORE)), None)
            head["training"] = model.card.seconds
        scores, ok = result.scores or {}, result.solution.status is Status.OK
        worst = max(scores.get("relative_l2", {}).items(), key=lambda item: item[1], default=("", math.nan))
        return Row(
            **head, outcome="ok" if ok else result.solution.message or result.solution.status.value, error=worst[1],
            floor=scores.get("floor", {}).get(worst[0], math.nan), seconds=result.ledger["seconds"],
            cpu_seconds=result.ledger["cpu_seconds"], peak_bytes=result.ledger["peak_bytes"],
            until=scores.get("until"), baseline=scores.get("baseline", {}).get(worst[0], math.nan), cell=result.cell,
            more=attractor_columns(scores.get("attractor")) | metric_columns(scores.get("metrics", {})),
            trivial=_trivial(scores),
        )  # fmt: skip

    def about(self, path: Path, task: Problem) -> About:
        return about_problem(path, task)

    def evidence(self, path: Path, kept: Path) -> Evidence:
        return evidence_of_problem(path, kept)

    def reference(self, path: Path, build: bool, on_notice: Callable[[str], None]) -> dict[str, Any]:
        problem = self.read(path)
        if build:
            from ..reference.builder import EXACT, build_reference

            known = read_reference(path, problem)
            if known is not None and known.method.startswith(EXACT):
                raise UsageError(f"{path} holds an exact solution as its reference; a computed one would be worse.")
            problem_file.write(path, problem, build_reference(problem, on_notice))
        reference = read_reference(path, problem)
        if reference is None:
            raise UsageError(f"{path} has no reference; `sciml reference {path} --build` computes one.")
        lines = [reference.method]
        lines += [f"relative L2 error of {name}: {error:.1e}" for name, error in reference.error.items()]
        lines += [f"  against {label}: {value:.1e}" for label, value in reference.checks.items()]
        about = {"method": reference.method, "error": reference.error, "checks": reference.checks}
        return about | {"text": "\n".join(lines)}


def _trivial(scores: dict[str, Any]) -> dict[str, float]:
    """Of a ball too, where the baseline is the fit of one parameter."""
    fitted = scores.get("baseline", {})
    return {"k(1-|x|²)": max(fitted.values())} if fitted else dict(scores.get("trivial", {}))
