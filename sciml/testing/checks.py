"""The checks. Each takes a Subject and returns, raises Failed with a sentence, or Skipped with a reason."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RunFailed, Stopped, UsageError
from ..grid import Grid
from ..metrics.norms import relative_l2
from ..problem import Problem
from ..run import Run
from ..solution import Status
from .subject import Failed, Skipped, Subject
from .watching import StopAfter, changed, global_random_numbers, global_state

PATIENCE = 30.0  # seconds that a solver may go on after its budget is spent
Check = Callable[[Any], None]


def manifest(subject: Any) -> None:
    """Name, summary, citation and options are what commands and pages print."""
    cls = subject.solver
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cls.name):
        raise Failed(f"the name {cls.name!r} is not lower case with hyphens")
    if not cls.summary:
        raise Failed("there is no summary: `sciml solvers` prints an empty line")
    if cls.citation and not re.match(r"@\w+\{[^,\s]+,", cls.citation):
        raise Failed("the citation is not a BibTeX entry")
    if "kind" not in cls.solves.accepts:
        raise Failed("`solves` names no kind of problem, so every problem is refused")
    texts = {key: str(value) for key, value in cls().options().items()}
    if cls.from_strings(texts) != cls():
        raise Failed("options do not survive `-o key=value` with their own defaults")
    try:
        cls.from_strings({"no_such_option": "1"})
    except UsageError:
        return
    raise Failed("an unknown option is accepted")


def light_import(subject: Any) -> None:
    """The manifest's module loads no torch, and importing it leaves the interpreter as it was."""
    code = (
        "import sys, os, json, random; before = (random.getstate()[1][:5], os.getcwd(), dict(os.environ));"
        f"import {subject.solver.__module__};"
        "after = (random.getstate()[1][:5], os.getcwd(), dict(os.environ));"
        "print(json.dumps([sorted({'torch', 'jax', 'tensorflow'} & set(sys.modules)), before == after]))"
    )
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise Failed(f"importing {subject.solver.__module__} fails: {done.stderr.strip().splitlines()[-1]}")
    heavy, same = json.loads(done.stdout.splitlines()[-1])
    if heavy:
        raise Failed(f"importing {subject.solver.__module__} loads {', '.join(heavy)}; import it inside solve()")
    if not same:
        raise Failed(f"importing {subject.solver.__module__} changes the working folder, environment or random numbers")


def fails_closed(subject: Any) -> None:
    """What a solver does not name it refuses, with reasons; what it accepts it can say so without torch."""
    for task in subject.tasks:
        reasons = subject.reasons(task.problem)
        if not all(isinstance(reason, str) and reason for reason in reasons):
            raise Failed(f"refuses({task.problem.name}) returned {reasons!r}, not a list of sentences")

    for task in subject.accepted:
        if not subject.reasons(_strange(task.problem)):
            raise Failed("a feature of problems that it has never heard of is accepted")
    if not subject.accepted:
        raise Skipped("it accepts none of the small problems")


def answers(subject: Subject) -> None:
    """Shapes, float64, finite values, no negative std; the problem is left as it was."""
    for task in subject.each():
        before, arrays = task.problem.content_hash, _arrays(task.problem)
        solution = subject.solve(task)
        try:
            solution.check(task.problem)
        except RunFailed as error:
            raise Failed(f"{task.problem.name}: {error}") from None
        if task.problem.content_hash != before or any(
            not np.array_equal(a, b) for a, b in zip(arrays, _arrays(task.problem), strict=True)
        ):
            raise Failed(f"{task.problem.name}: the problem was changed")


def accurate(subject: Subject) -> None:
    """A finished answer is right: within the tolerance of the exact solution, or it says that it is not."""
    for task in subject.each():
        solution = subject.solve(task)
        if solution.status is not Status.OK:
            raise Failed(f"{task.problem.name}: ended as {solution.status.name}: {solution.message}")
        exact = task.values()
        worst = max(relative_l2(solution.values[name], exact[name]) for name in exact)
        if not worst <= subject.tolerance:
            raise Failed(f"{task.problem.name}: relative L2 error {worst:.1e}, asked were {subject.tolerance:.0e}")


def honest_spread(subject: Subject) -> None:
    """Where it states a std, 95 % intervals hold at least half of the exact values: spreads are not decoration."""
    stated = 0
    for task in subject.each():
        solution = subject.solve(task)
        for name, std in solution.std.items():
            stated += 1
            off = np.abs(solution.values[name] - task.values()[name])
            held = float((off <= 1.96 * std + 1e-12 * np.abs(task.values()[name]).max()).mean())
            if held < 0.5:
                raise Failed(f"{task.problem.name}: 1.96 std hold {100 * held:.0f} % of {name!r}")
    if not stated:
        raise Skipped("it states no std")


def convergence(subject: Subject) -> None:
    """The claimed order, from steps of `step` = h, h/2, h/4 on a nonlinear problem: within 0.15 of it."""
    order = subject.solver.order
    if order is None:
        raise Skipped("it claims no order")
    if "step" not in subject.solver.model_fields:
        raise Failed("it claims an order and has no option `step` to test it by")
    tasks = [t for t in subject.accepted if t.problem.name in ("burgers", "logistic", "vortices")]
    if not tasks:
        raise Skipped("it accepts none of the nonlinear manufactured problems")
    exact, problem = tasks[0].values(), tasks[0].problem
    span = float(problem.grid.times[-1])
    errors = []
    for parts in (10, 20, 40):
        solver = subject.solver.build(**subject.options, step=span / parts)
        found = solver.solve(problem, Run()).values
        errors.append(max(relative_l2(found[name][-1], exact[name][-1]) for name in exact))
    rate = math.log2(errors[1] / errors[2]) if errors[2] > 0 else math.inf
    if errors[2] < 1e-13:
        raise Skipped("its errors are at rounding already")
    if abs(rate - order) > 0.15:
        shown = ", ".join(f"{e:.1e}" for e in errors)
        raise Failed(f"{problem.name}: order {order} is claimed, errors {shown} say {rate:.2f}")


def repeatable(subject: Subject) -> None:
    """The same seed gives the same bits, whatever the global random numbers are."""
    task = subject.cheapest()
    with global_random_numbers(1):
        first = subject.solve(task, again=True)
    with global_random_numbers(2):
        second = subject.solve(task, again=True)
    if any(not np.array_equal(first.values[n], second.values[n]) for n in first.values):
        raise Failed(f"{task.problem.name}: two runs with one seed differ")


def tidy(subject: Subject) -> None:
    """Nothing global is left changed: precision, threads, random numbers, warnings, working folder, environment."""
    task = subject.cheapest()
    subject.solve(task)  # what is imported once is imported now
    before = global_state()
    subject.solve(task, again=True)
    if names := changed(before):
        raise Failed(f"{task.problem.name}: solving changes {', '.join(names)}")


def stops_for_its_budget(subject: Subject) -> None:
    """A budget that is spent ends the run, in a sentence, or finds it finished."""
    task = subject.cheapest()
    run = Run(budget=1e-6)
    start = time.monotonic()
    with suppress(Stopped):
        subject.built.solve(task.problem, run)
    taken = time.monotonic() - start
    if taken > PATIENCE:
        raise Failed(f"{task.problem.name}: went on for {taken:.0f} s after its budget was spent; call run.step()")


def stops_for_ctrl_c(subject: Subject) -> None:
    """Ctrl-C at the first step ends the run."""
    task = subject.cheapest()
    run = StopAfter(1)
    try:
        subject.built.solve(task.problem, run)
    except Stopped:
        return
    if run.calls:
        raise Failed(f"{task.problem.name}: Ctrl-C was swallowed")
    raise Failed(f"{task.problem.name}: run.step() is never called: no progress, budget or Ctrl-C")


def resumes(subject: Subject) -> None:
    """Stopped a quarter, half and three quarters of the way and run again, it ends with the same bits."""
    task = subject.cheapest()
    counted = StopAfter(0)
    whole = subject.built.solve(task.problem, counted)
    if counted.calls < 2:
        raise Skipped("it takes one step only")
    for part in sorted({max(1, round(counted.calls * share)) for share in (0.25, 0.5, 0.75)}):
        with tempfile.TemporaryDirectory() as folder:
            with suppress(Stopped):
                subject.built.solve(task.problem, StopAfter(part, folder=Path(folder)))
            solution = subject.built.solve(task.problem, Run(folder=Path(folder)))
        if any(not np.array_equal(whole.values[n], solution.values[n], equal_nan=True) for n in whole.values):
            raise Failed(f"{task.problem.name}: stopped at step {part} of {counted.calls} and resumed, values differ")


def sees_no_reference(subject: Subject) -> None:
    """A problem with other output times is answered alike where they agree: nothing hangs on a stored answer."""
    tasks = [t for t in subject.each() if len(t.problem.grid.times) > 2]
    if not tasks:
        raise Skipped("it solves steady problems only")
    task = tasks[0]
    p = task.problem
    fields = {name: getattr(p, name) for name in p.__dataclass_fields__}
    fewer = Problem(**fields | {"grid": Grid(p.grid.axes, p.grid.times[::5]), "name": "another-name"})
    part, whole = subject.built.solve(fewer, Run()), subject.solve(task)
    worst = max(relative_l2(part.values[n][-1], whole.values[n][-1]) for n in whole.values)
    if worst > 2 * subject.tolerance:
        raise Failed(f"{p.name}: with other output times and another name the end differs by {worst:.1e}")


def _strange(problem: Any) -> Any:
    """The same problem with a feature that there is not."""
    kind = type(problem)
    known = {**problem.features, "quantum": frozenset({"entangled"})}
    made = type(kind.__name__, (kind,), {"features": property(lambda self: known)})
    return made(**{name: getattr(problem, name) for name in problem.__dataclass_fields__})


def _arrays(problem: Problem) -> list[Any]:
    found = [problem.grid.times.copy(), *(a.copy() for a in problem.initial_values.values())]
    return found + [a.copy() for a in problem.given.values()]


CHECKS: tuple[Check, ...] = (
    manifest, light_import, fails_closed, answers, accurate, honest_spread, convergence, repeatable, tidy,
    stops_for_its_budget, stops_for_ctrl_c, resumes, sees_no_reference,
)  # fmt: skip
