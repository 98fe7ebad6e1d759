"""The checks of solvers that are trained: a few steps on small families. How well one learns is not asked here."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset import Dataset, make
from ..errors import RunFailed, Stopped
from ..family import Family
from ..learning import LearnedSolver, Model
from ..run import Run
from ..solution import Solution
from . import checks
from .checks import fails_closed, light_import, manifest
from .families import small_families
from .manufactured import Manufactured, manufactured
from .subject import Failed, Skipped
from .watching import StopAfter, changed, global_random_numbers, global_state

ITERATIONS = 8  # unless the options say another number
SHARED = 1e-3  # relative; a loss in float32, or of paths that are solved to a tolerance


class LearnedSubject:
    """A solver class with options, and the small families that it accepts, at most `most` of them."""

    def __init__(self, solver: type[LearnedSolver], options: Mapping[str, Any] | None = None, most: int = 3) -> None:
        self.solver, self.options = solver, {"iterations": ITERATIONS, **(options or {})}
        self.built = solver.build(**self.options)
        everything = small_families()
        self.families = [family for family in everything if not self.built.refuses_family(family)][:most]
        posed = [Manufactured(family.draw("test", 0), {}) for family in everything]
        self.tasks = [*manufactured(), *posed]
        self.accepted = [task for task in self.tasks if not self.reasons(task.problem)]
        self._folder = tempfile.TemporaryDirectory()
        self._data: dict[tuple[str, str], Dataset] = {}
        self._models: dict[str, Model] = {}

    def reasons(self, problem: Any) -> list[str]:
        """Why the solver refuses a problem."""
        return self.built.refuses(problem)

    def each(self) -> list[Family]:
        if not self.families:
            raise Skipped("it can be trained on none of the small families, with these options")
        return self.families

    def data(self, family: Family, split: str) -> Dataset:
        if (family.name, split) not in self._data:
            self._data[family.name, split] = make(family, split, Path(self._folder.name))
        return self._data[family.name, split]

    def train(self, family: Family, run: Run | None = None) -> Model:
        from ..learning.trainer import train

        return train(self.built, self.data(family, "train"), self.data(family, "valid"), run or _run())

    def model(self, family: Family) -> Model:
        """Trained once, and kept for other checks."""
        if family.name not in self._models:
            self._models[family.name] = self.train(family)
        return self._models[family.name]

    def predict(self, family: Family, model: Model, run: Run | None = None) -> list[Solution]:
        """Of the members to be tested."""
        run = run or _run()
        run.model = model
        return self.built.solve_all(self.data(family, "test").problems, run)


def _run(**keywords: Any) -> Run:
    return Run(dtype="float32", **keywords)


def trains(subject: LearnedSubject) -> None:
    """As many steps as asked, finite weights, and validation numbers by name."""
    for family in subject.each():
        model, asked = subject.model(family), subject.built.iterations
        if model.card.iterations != asked:
            raise Failed(f"{family.name}: {model.card.iterations} steps were taken, asked were {asked}")
        odd = [name for name, weights in model.weights.items() if not np.isfinite(weights).all()]
        if odd:
            raise Failed(f"{family.name}: the weights {odd[0]!r} are not finite after {asked} steps")
        if not model.card.metrics:
            raise Failed(f"{family.name}: its task's validate() returns nothing; keep=best has nothing to choose by")


def steps_are_functions(subject: LearnedSubject) -> None:
    """A batch follows from the generator that it is given, its loss from the batch, and a loss is a mean over samples:
    what processes that share a batch, and runs that are resumed, rely on."""
    import torch

    for family in subject.each():
        torch.manual_seed(0)
        task = subject.built.task(subject.data(family, "train"), subject.data(family, "valid"), _run())
        with global_random_numbers(1):
            first = task.batch(np.random.default_rng(5), 4)
            loss = float(task.loss(first).detach())
        with global_random_numbers(2):
            second = task.batch(np.random.default_rng(5), 4)
            again = float(task.loss(second).detach())
        if any(not torch.equal(torch.as_tensor(first[k]), torch.as_tensor(second[k])) for k in first):
            raise Failed(f"{family.name}: batch() draws from something else than the generator it is given")
        if loss != again:
            raise Failed(f"{family.name}: one batch has the losses {loss:.9g} and {again:.9g}")
        halves = [float(task.loss({k: v[part] for k, v in first.items()}).detach()) for part in (slice(2), slice(2, 4))]
        if abs(sum(halves) / 2 - loss) > SHARED * max(abs(loss), 1e-12):
            mean = sum(halves) / 2
            raise Failed(f"{family.name}: the loss of a batch is {loss:.6g}, the mean of its halves {mean:.6g}")


def answers(subject: LearnedSubject) -> None:
    """Shapes, float64, finite values, no negative std for every test member; the problems are left as they were."""
    for family in subject.each():
        problems, model = subject.data(family, "test").problems, subject.model(family)
        before = [problem.content_hash for problem in problems]
        found = subject.predict(family, model)
        if len(found) != len(problems):
            raise Failed(f"{family.name}: {len(problems)} problems were asked, {len(found)} answered")
        for problem, solution in zip(problems, found, strict=True):
            try:
                solution.check(problem)
            except RunFailed as error:
                raise Failed(f"{family.name}: {error}") from None
        if [problem.content_hash for problem in problems] != before:
            raise Failed(f"{family.name}: the problems were changed")


def one_by_one(subject: LearnedSubject) -> None:
    """A problem is answered alike alone and among others."""
    for family in subject.each():
        problems, model = subject.data(family, "test").problems, subject.model(family)
        run = _run()
        run.model = model
        whole, alone = subject.predict(family, model), subject.built.solve(problems[-1], run)
        for name, values in alone.values.items():
            off = np.abs(values - whole[-1].values[name]).max() / max(np.abs(values).max(), 1e-300)
            if not off <= SHARED:
                raise Failed(f"{family.name}: {name!r} of a problem differs by {off:.1e} when others are asked too")


def round_trips(subject: LearnedSubject) -> None:
    """A model that is written and read predicts the same bits; its card is plain data."""
    family = subject.each()[0]
    model, path = subject.model(family), Path(subject._folder.name) / "model.safetensors"
    model.write(path)
    back = Model.read(path)
    if back.hash != model.hash or back.card != model.card:
        raise Failed(f"{family.name}: the model's card is not the same after writing and reading: extra() returns"
                     " something that is not JSON")  # fmt: skip
    if not _same(subject.predict(family, model), subject.predict(family, back)):
        raise Failed(f"{family.name}: a model that was written and read predicts something else")


def repeatable(subject: LearnedSubject) -> None:
    """The same seed gives the same weights and predictions, bit for bit, whatever the global random numbers are."""
    family, found = subject.each()[0], []
    for seed in (1, 2):
        with global_random_numbers(seed):
            model = subject.train(family)
            found.append((model, subject.predict(family, model)))
    (one, first), (two, second) = found
    if not _equal(one.weights, two.weights):
        raise Failed(f"{family.name}: two trainings with one seed differ")
    if not _same(first, second):
        raise Failed(f"{family.name}: two predictions with one seed differ")


def tidy(subject: LearnedSubject) -> None:
    """Training and predicting leave precision, threads, random numbers, warnings, folder and environment alone."""
    family = subject.each()[0]
    subject.predict(family, subject.model(family))  # what is imported once is imported now
    before = global_state()
    model = subject.train(family)
    if names := changed(before):
        raise Failed(f"{family.name}: training changes {', '.join(names)}")
    subject.predict(family, model)
    if names := changed(before):
        raise Failed(f"{family.name}: predicting changes {', '.join(names)}")


def stops_for_its_budget(subject: LearnedSubject) -> None:
    """A budget that is spent ends training and predicting, or finds them finished."""
    family = subject.each()[0]
    model = subject.model(family)
    works: tuple[tuple[str, Callable[[Run], Any]], ...] = (
        ("training", lambda run: subject.train(family, run)),
        ("predicting", lambda run: subject.predict(family, model, run)),
    )
    for what, work in works:
        start = time.monotonic()
        with suppress(Stopped):
            work(_run(budget=1e-6))
        taken = time.monotonic() - start
        if taken > checks.PATIENCE:
            raise Failed(f"{family.name}: {what} went on for {taken:.0f} s after its budget was spent; call run.step()")


def predicting_stops_for_ctrl_c(subject: LearnedSubject) -> None:
    """Ctrl-C at the first step of a prediction ends it."""
    family = subject.each()[0]
    run = StopAfter(1, dtype="float32")
    try:
        subject.predict(family, subject.model(family), run)
    except Stopped:
        return
    if run.calls:
        raise Failed(f"{family.name}: Ctrl-C was swallowed")
    raise Failed(f"{family.name}: predict() never calls run.step(): no progress, budget or Ctrl-C")


def resumes(subject: LearnedSubject) -> None:
    """A training stopped a quarter, half and three quarters of the way and run again ends with the same bits."""
    family, total = subject.each()[0], subject.built.iterations
    whole = subject.train(family)
    for part in sorted({max(1, round(total * share)) for share in (0.25, 0.5, 0.75)} - {total}):
        with tempfile.TemporaryDirectory() as folder:
            with suppress(Stopped):
                subject.train(family, StopAfter(part, dtype="float32", folder=Path(folder)))
            model = subject.train(family, _run(folder=Path(folder)))
        if not _equal(whole.weights, model.weights):
            raise Failed(f"{family.name}: stopped at step {part} of {total} and resumed, the weights differ")
        if not _same(subject.predict(family, whole), subject.predict(family, model)):
            raise Failed(f"{family.name}: stopped at step {part} of {total} and resumed, predictions differ")


def knows_its_training(subject: LearnedSubject) -> None:
    """What it was trained on it does not answer, and a family that it cannot be trained on it refuses in sentences."""
    for family in small_families():
        reasons = subject.built.refuses_family(family)
        if not all(isinstance(reason, str) and reason for reason in reasons):
            raise Failed(f"refuses_family({family.name}) returned {reasons!r}, not a list of sentences")
    family = subject.each()[0]
    run = _run()
    run.model = subject.model(family)
    try:
        subject.built.solve_all(subject.data(family, "train").problems[:1], run)
    except RunFailed:
        return
    raise Failed(f"{family.name}: a problem of the training data is answered; do not override solve_all()")


def _equal(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return set(first) == set(second) and all(np.array_equal(first[n], second[n], equal_nan=True) for n in first)


def _same(first: list[Solution], second: list[Solution]) -> bool:
    return all(
        _equal(a.values, b.values) and _equal(a.std, b.std) for a, b in zip(first, second, strict=True)
    )  # fmt: skip


LEARNED_CHECKS: tuple[Callable[[Any], None], ...] = (
    manifest, light_import, fails_closed, trains, steps_are_functions, answers, one_by_one, round_trips, repeatable,
    tidy, stops_for_its_budget, predicting_stops_for_ctrl_c, resumes, knows_its_training,
)  # fmt: skip
