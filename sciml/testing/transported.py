"""The checks of solvers of transport problems: on small problems whose optimum is known by other means."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RunFailed, Stopped
from ..run import Run
from ..solution import Status
from ..transport import Transport, TransportSolution, TransportSolver
from ..transport.routes import task_of
from ..transport.scores import TransportScores
from ..transport.scoring import measured
from . import checks
from .checks import fails_closed, light_import, manifest
from .measures import Posed, small_measures
from .subject import Failed, Skipped
from .watching import StopAfter, changed, global_random_numbers, global_state

RESUMED = 1e-7  # relative; of a value after a resumed run: a solver may come to it by other steps


class TransportSubject:
    """A solver class with options, and the small problems that it accepts. tolerance: relative, of the value."""

    def __init__(
        self, solver: type[TransportSolver], options: Mapping[str, Any] | None = None, tolerance: float = 1e-2
    ) -> None:
        self.solver, self.tolerance, self.built = solver, tolerance, solver.build(**(options or {}))
        self.tasks = small_measures()
        self.accepted = [task for task in self.tasks if not self.reasons(task.problem)]
        self._found: dict[str, TransportSolution] = {}

    def reasons(self, problem: Any) -> list[str]:
        """Why the solver refuses a problem."""
        return self.built.cannot(problem)

    def solve(self, task: Posed, run: Run | None = None) -> TransportSolution:
        """The answer; without a run, the one of an earlier check."""
        name = task.problem.name
        if run is not None:
            return self.built.transport(task.problem, run)
        if name not in self._found:
            self._found[name] = self.built.transport(task.problem, Run())
        return self._found[name]

    def scores(self, task: Posed) -> TransportScores:
        """Measured by the core from potentials or plan."""
        return measured(task.problem, self.solve(task), task_of(task.problem))[0]

    def each(self, sound: bool = True) -> list[Posed]:
        found = [task for task in self.accepted if task.sound is sound]
        if not found:
            raise Skipped("it accepts none of the small problems")
        return found


def answers(subject: TransportSubject) -> None:
    """Potentials (n,) and (m,) in float64, all finite; at eps = 0 a plan without negative entries; the problem is left
    as it was."""
    for task in subject.each():
        before = task.problem.content_hash
        try:
            subject.solve(task).check(task.problem)
        except RunFailed as error:
            raise Failed(f"{task.problem.name}: {error}") from None
        if _hash_anew(task.problem) != before:
            raise Failed(f"{task.problem.name}: the problem was changed")


def accurate(subject: TransportSubject) -> None:
    """What ends as OK is right: value and both marginals within the tolerance."""
    for task in subject.each():
        solution, scores = subject.solve(task), subject.scores(task)
        if solution.status is not Status.OK:
            raise Failed(f"{task.problem.name}: ended as {solution.status.name}: {solution.message}")
        value, got = task.value(scores.eps), scores.lower if scores.eps else scores.cost
        off = abs(got - value) / abs(value)
        if not off <= subject.tolerance:
            raise Failed(f"{task.problem.name}: the value is off by {off:.1e}, asked were {subject.tolerance:.0e}")
        if not scores.marginal_error <= subject.tolerance:
            raise Failed(f"{task.problem.name}: its marginals are off by {scores.marginal_error:.1e} of the mass")


def takes_odd_measures(subject: TransportSubject) -> None:
    """A point without weight, masses of 3, one point alone: answered within the tolerance, or refused in sentences."""
    for task in (task for task in subject.tasks if not task.sound):
        if subject.reasons(task.problem):
            continue
        solution = subject.solve(task)
        solution.check(task.problem)
        scores = subject.scores(task)
        value, got = task.value(scores.eps), scores.lower if scores.eps else scores.cost
        off = abs(got - value) / abs(value)
        if solution.status is Status.OK and not off <= subject.tolerance:
            raise Failed(f"{task.problem.name}: relative error of the value {off:.1e}, and it says that all is well")


def repeatable(subject: TransportSubject) -> None:
    """The same seed gives the same bits, whatever the global random numbers are."""
    task, found = subject.each()[0], []
    for seed in (1, 2):
        with global_random_numbers(seed):
            found.append(subject.solve(task, Run()))
    if not all(np.array_equal(getattr(found[0], n), getattr(found[1], n)) for n in ("phi", "psi")):
        raise Failed(f"{task.problem.name}: two runs with one seed differ")


def tidy(subject: TransportSubject) -> None:
    """Nothing global is left changed: precision, threads, random numbers, warnings, working folder, environment."""
    task = subject.each()[0]
    subject.solve(task)  # what is imported once is imported now
    before = global_state()
    subject.solve(task, Run())
    if names := changed(before):
        raise Failed(f"{task.problem.name}: solving changes {', '.join(names)}")


def stops_for_its_budget(subject: TransportSubject) -> None:
    """A budget that is spent ends the run, in a sentence, or finds it finished."""
    task, start = subject.each()[0], time.monotonic()
    with suppress(Stopped):
        subject.solve(task, Run(budget=1e-6))
    taken = time.monotonic() - start
    if taken > checks.PATIENCE:
        raise Failed(f"{task.problem.name}: went on for {taken:.0f} s after its budget was spent; call run.step()")


def stops_for_ctrl_c(subject: TransportSubject) -> None:
    """Ctrl-C at the first step ends the run."""
    task, run = subject.each()[0], StopAfter(1)
    try:
        subject.solve(task, run)
    except Stopped:
        return
    if run.calls:
        raise Failed(f"{task.problem.name}: Ctrl-C was swallowed")
    raise Failed(f"{task.problem.name}: run.step() is never called: no progress, budget or Ctrl-C")


def resumes(subject: TransportSubject) -> None:
    """Stopped a quarter, half and three quarters of the way and run again, it ends at the same value."""
    task = subject.each()[0]
    counted = StopAfter(0)
    whole = subject.solve(task, counted)
    if counted.calls < 2:
        raise Skipped("it takes one step only")
    value = _dual(task.problem, whole)
    for part in sorted({max(1, round(counted.calls * share)) for share in (0.25, 0.5, 0.75)}):
        with tempfile.TemporaryDirectory() as folder:
            with suppress(Stopped):
                subject.solve(task, StopAfter(part, folder=Path(folder)))
            found = subject.solve(task, Run(folder=Path(folder)))
        off = abs(_dual(task.problem, found) - value) / abs(value)
        if found.status is not whole.status or not off <= RESUMED:
            raise Failed(f"{task.problem.name}: stopped at step {part} of {counted.calls} and resumed, values differ by"
                         f" {off:.1e}")  # fmt: skip


def _dual(problem: Transport, solution: TransportSolution) -> float:
    r, c = problem.weights
    return float(r @ solution.phi + c @ solution.psi)


def _hash_anew(problem: Transport) -> str:
    return Transport(**{name: getattr(problem, name) for name in problem.__dataclass_fields__}).content_hash


TRANSPORT_CHECKS: tuple[Callable[[Any], None], ...] = (
    manifest, light_import, fails_closed, answers, accurate, takes_odd_measures, repeatable, tidy,
    stops_for_its_budget, stops_for_ctrl_c, resumes,
)  # fmt: skip
