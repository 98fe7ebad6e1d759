"""A family of problems, and results of its members."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from .. import family, registry
from ..errors import UsageError
from ..evidence import About, Evidence
from ..evidence.of_family import about_family, evidence_of_family
from ..family import Family
from ..files import ensemble
from ..files.ensemble import EnsembleResult
from ..files.hdf5 import sound
from ..learning import LearnedSolver
from ..learning.models import lacks_model
from ..metrics.attractor_distance import attractor_columns
from ..row import Row
from ..solver import Solver
from .kind import Kind, Outcome


class FamilyKind(Kind):
    word: ClassVar[str] = "family"
    asks: ClassVar[type] = Family

    def check(self, path: Path) -> tuple[str, str]:
        with sound(path):
            if self.is_result(path):
                ensemble.read(path)
                return "result", " of a family"
            family.read(path)
            return "family", ""

    def text(self, path: Path) -> str:
        with sound(path):
            from ..showing.family import ensemble_text, family_text

            return ensemble_text(ensemble.read(path)) if self.is_result(path) else family_text(family.read(path))

    def data(self, path: Path) -> dict[str, Any]:
        with sound(path):
            if self.is_result(path):
                result = ensemble.read(path)
                return {key: getattr(result, key) for key in ensemble.PLAIN}
            found = family.read(path)
            return found.describe() | {"content_hash": found.content_hash}

    def plot(self, path: Path, output: Path, against: Path | None) -> None:
        from ..files.atomic import write_bytes
        from ..plotting.family import draw_family

        if against is not None:
            raise UsageError(f"{path} is scored already; leave --against out.")
        if not self.is_result(path):
            raise UsageError(f"{path} describes a family: there is nothing to draw before a result of it.")
        write_bytes(output, draw_family(ensemble.read(path)))

    def read(self, path: Path) -> Family:
        return family.read(path)

    def write(self, path: Path, task: Family) -> None:
        family.write(path, task)

    def read_result(self, path: Path) -> EnsembleResult:
        return ensemble.read(path)

    def entry(self, path: Path) -> tuple[str, str, str]:
        found = self.read(path).description
        size, end = " x ".join(str(axis.size) for axis in found.axes), found.splits["test"].end
        return size, f"{end or 0:g}", f"family: {found.title or found.name}"

    def reasons(self, task: Family, solver: Solver, store: Path) -> list[str]:
        why = registry.reasons(solver, task.draw("test", 0))
        return lacks_model(solver, task, store) if isinstance(solver, LearnedSolver) and not why else why

    def require(self, task: Family, solver: Solver, asked: dict[str, Any]) -> None:
        if asked["dtype"] != "float64":
            raise UsageError("families are solved in float64 only (networks keep their own); leave --dtype out.")

    def solve(
        self, path: Path | None, task: Family, solver: Solver, asked: dict[str, Any],
        on_progress: Callable[[float, str], None], on_notice: Callable[[str], None],
    ) -> tuple[EnsembleResult, Path]:  # fmt: skip
        from ..solving.family import solve_family

        plain = {key: value for key, value in asked.items() if key != "dtype"}
        return solve_family(task, solver, on_progress=on_progress, on_notice=on_notice, **plain)

    def outcome(self, result: EnsembleResult, kept: Path) -> Outcome:
        from ..showing.family import ensemble_text

        data = {
            "path": str(kept), "status": result.status, "message": result.message, "scores": result.scores,
            "cost": result.ledger, "model": result.model, "cell": result.cell,
        }  # fmt: skip
        return Outcome(f"{ensemble_text(result)}\nkept as {kept}", data, 1 if result.status == "PARTIAL" else 0)

    def row(self, path: Path, task: Family, solver: Solver, head: dict[str, Any], arguments: dict[str, Any]) -> Row:
        from ..solving.family import solve_family

        plain = {key: value for key, value in arguments.items() if key != "dtype"}
        result, _ = solve_family(task, solver, seed=head["seed"], **plain)
        scores, ledger = result.scores, result.ledger
        floor, chaos = scores["floor"], scores.get("attractor")
        return Row(
            **head, outcome="ok" if result.status == "OK" else result.message, error=scores["relative_l2"]["mean"],
            spread=scores["relative_l2"]["error"], floor=math.nan if floor is None else floor,
            seconds=ledger["seconds"], cpu_seconds=ledger["cpu_seconds"], peak_bytes=ledger["peak_bytes"],
            cell=result.cell, members=result.count,
            correlated=scores.get("high_correlation_0.8", {}).get("mean", math.nan),
            valid=scores.get("valid_time", {}).get("mean", math.nan),
            state_space=scores.get("state_space", {}).get("mean", math.nan),
            training=result.model["seconds"] if result.model else math.nan, more=attractor_columns(chaos),
            trivial=scores.get("trivial", {}),
        )  # fmt: skip

    def about(self, path: Path, task: Family) -> About:
        return about_family(task)

    def evidence(self, path: Path, kept: Path) -> Evidence:
        return evidence_of_family(kept)

    def reference(self, path: Path, build: bool, on_notice: Callable[[str], None]) -> dict[str, Any]:
        raise UsageError(f"{path}: describes a family of problems; `sciml data` makes the solutions of its members.")
