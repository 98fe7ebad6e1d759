"""One transport problem, and its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from math import nan
from pathlib import Path
from typing import Any, ClassVar

from .. import registry
from ..errors import UsageError
from ..evidence import About, Evidence
from ..evidence.of_transport import about_transport, evidence_of_transport
from ..files.hdf5 import sound
from ..metrics.trivial import INDEPENDENT
from ..row import Row
from ..solution import Status
from ..solver import Solver
from ..transport import Transport, file, result
from ..transport.reference import read_reference
from ..transport.result import TransportResult
from .kind import Kind, Outcome

KEYS = ("solver", "plugin", "options", "seed", "device", "ledger", "scores", "provenance", "cell")


class TransportKind(Kind):
    word: ClassVar[str] = "transport"
    asks: ClassVar[type] = Transport

    def check(self, path: Path) -> tuple[str, str]:
        with sound(path):
            if self.is_result(path):
                result.read(path)
                return "result", " of a transport problem"
            self.read(path)
            known = " a reference" if read_reference(path) else "out a reference"
            return "problem", f" of kind transport, with{known}"

    def text(self, path: Path) -> str:
        with sound(path):
            from ..showing.transport import result_text, transport_text

            if self.is_result(path):
                return result_text(result.read(path))
            return transport_text(self.read(path), read_reference(path))

    def data(self, path: Path) -> dict[str, Any]:
        with sound(path):
            if self.is_result(path):
                found = result.read(path)
                end = found.solution
                own = {"status": end.status.name, "eps": end.eps, "numbers": end.numbers}
                return {key: getattr(found, key) for key in KEYS} | own
            problem, reference = self.read(path), read_reference(path)
            about = None if reference is None else asdict(reference)
            measures = {"source": problem.source.text(), "target": problem.target.text()}
            return problem.describe() | measures | {"content_hash": problem.content_hash, "reference": about}

    def plot(self, path: Path, output: Path, against: Path | None) -> None:
        from ..files.atomic import write_bytes
        from ..plotting.transport import draw_problem, draw_result

        if against is not None:
            raise UsageError("the error of a transport problem is a number, see `sciml show`; leave --against out.")
        drawn = draw_result(result.read(path)) if self.is_result(path) else draw_problem(self.read(path))
        write_bytes(output, drawn)

    def read(self, path: Path) -> Transport:
        return file.read(path)

    def write(self, path: Path, task: Transport) -> None:
        file.write(path, task)

    def read_result(self, path: Path) -> TransportResult:
        return result.read(path)

    def entry(self, path: Path) -> tuple[str, str, str]:
        problem = self.read(path)
        return f"{problem.shape[0]} to {problem.shape[1]}", "–", f"transport: {problem.title or problem.name}"

    def reasons(self, task: Transport, solver: Solver, store: Path) -> list[str]:
        return registry.reasons(solver, task)

    def require(self, task: Transport, solver: Solver, asked: dict[str, Any]) -> None:
        for option in ("members", "model"):
            if asked[option] is not None:
                raise UsageError(f"{task.name} is a transport problem; --{option} is not for it.")
        if asked["dtype"] != "float64":
            raise UsageError("transport problems are solved in float64 only; leave --dtype out.")
        registry.require_able(solver, task)

    def solve(
        self, path: Path | None, task: Transport, solver: Solver, asked: dict[str, Any],
        on_progress: Callable[[float, str], None], on_notice: Callable[[str], None],
    ) -> tuple[TransportResult, Path]:  # fmt: skip
        from ..solving.transport import solve_transport

        plain = {k: asked[k] for k in ("seed", "device", "budget", "store", "fresh")}
        return solve_transport(path or task, solver, on_progress=on_progress, on_notice=on_notice, **plain)

    def outcome(self, result: TransportResult, kept: Path) -> Outcome:
        from ..showing.transport import result_text

        data = {
            "path": str(kept), "status": result.solution.status.name, "message": result.solution.message,
            "scores": result.scores, "numbers": dict(result.solution.numbers),
            "cost": {**result.ledger, **result.solution.cost}, "cell": result.cell,
        }  # fmt: skip
        return Outcome(f"{result_text(result)}\nkept as {kept}", data)

    def row(self, path: Path, task: Transport, solver: Solver, head: dict[str, Any], arguments: dict[str, Any]) -> Row:
        from ..solving.transport import solve_transport
        from ..transport.scores import restored

        plain = {key: value for key, value in arguments.items() if key not in ("data", "dtype")}
        found, _ = solve_transport(path, solver, seed=head["seed"], **plain)
        scores, ok = restored(found.scores), found.solution.status is Status.OK
        return Row(
            **head, outcome="ok" if ok else found.solution.message, error=scores.error,
            floor=nan if scores.floor is None else scores.floor, seconds=found.ledger["seconds"],
            cpu_seconds=found.ledger["cpu_seconds"], peak_bytes=found.ledger["peak_bytes"], cell=found.cell,
            measure="rel. error of the value", more={
                "certified": scores.gap, "marginals": scores.marginal_error,
                "cost above exact": nan if scores.above_exact is None else scores.above_exact,
            },
            trivial={} if scores.independent_error is None else {INDEPENDENT: scores.independent_error},
        )  # fmt: skip

    def about(self, path: Path, task: Transport) -> About:
        return about_transport(path, task)

    def evidence(self, path: Path, kept: Path) -> Evidence:
        return evidence_of_transport(kept)

    def reference(self, path: Path, build: bool, on_notice: Callable[[str], None]) -> dict[str, Any]:
        if build:
            from ..reference.transport import build_reference

            problem = self.read(path)
            file.write(path, problem, build_reference(problem, on_notice))
        else:
            self.read(path)
        reference = read_reference(path)
        if reference is None:
            raise UsageError(f"{path} has no reference; `sciml reference {path} --build` computes one.")
        lines = [reference.method, f"value {reference.value:.12g}, relative error {reference.error:.1e}"]
        if reference.exact is not None and reference.exact_error is not None:
            lines.append(f"without entropy {reference.exact:.12g}, relative error {reference.exact_error:.1e}")
        lines += [f"  against {label}: {value:.1e}" for label, value in reference.checks.items()]
        return asdict(reference) | {"text": "\n".join(lines)}
