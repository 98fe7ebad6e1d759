"""Which models are there, and which of them a request means."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..family import Family
from ..problem import Problem
from ..registry import solvers
from .model import Card, Model, covers, family_of, read_card
from .solver import LearnedSolver


@dataclass(frozen=True)
class Entry:
    """A model file and its header. origin: "shipped" with the solver's package, or "trained" here."""

    path: Path
    card: Card
    origin: str


def model_folder(store: Path) -> Path:
    return store / "models"


def shipped_folder(cls: type[LearnedSolver]) -> Path | None:
    """The folder `models` of the package a solver comes from."""
    package = importlib.import_module(cls.__module__.partition(".")[0])
    return Path(package.__file__).parent / "models" if package.__file__ else None


def entries(store: Path, on_broken: Callable[[str], None] | None = None) -> Iterator[Entry]:
    """Every model that can be read, trained ones first; of one that cannot, `on_broken` is told why."""
    folders = [(model_folder(store), "trained")]
    found = {shipped_folder(cls) for cls in solvers().values() if issubclass(cls, LearnedSolver)}
    folders += [(place, "shipped") for place in sorted(p for p in found if p is not None)]
    for folder, origin in folders:
        for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else ():
            try:
                yield Entry(path, read_card(path), origin)
            except UsageError as error:
                if on_broken is not None:
                    on_broken(str(error))


def choose(
    solver: LearnedSolver, task: Family | Problem, store: Path, path: Path | None
) -> tuple[Model, LearnedSolver]:
    """The model to solve a family or a problem with, and the solver with the options the model was trained with.

    Without a path: of the models of this solver that fit the task and agree with all options that were asked for,
    the one with most of the others at their defaults, then the longest trained. Raises UsageError where there is none.
    """
    if path is None:
        path = _best(solver, task, store)
    model = Model.read(path)
    if model.card.solver != solver.name:
        raise UsageError(f"{path} is a model of {model.card.solver}, not of {solver.name}.")
    asked = {name: getattr(solver, name) for name in solver.model_fields_set}
    different = [k for k, v in asked.items() if k in model.card.options and model.card.options[k] != v]
    if different:
        name = different[0]
        raise UsageError(
            f"{path} was trained with {name}={model.card.options[name]}, not {name}={asked[name]}; leave that option"
            " out."
        )
    reasons = _misfits(model.card, task)
    if reasons:
        raise UsageError(f"{path} does not fit {task.name!r}: {'; '.join(reasons)}.")
    known = {k: v for k, v in model.card.options.items() if k in type(solver).model_fields}
    return model, type(solver).build(**(known | asked))


def _misfits(card: Card, task: Family | Problem) -> list[str]:
    """Every reason why a model is not for this task."""
    family = family_of(card)
    if isinstance(task, Family):
        return [] if family.content_hash == task.content_hash else [f"it was trained on {family.name}, another family"]
    return covers(family, task)


def lacks_model(solver: LearnedSolver, task: Family | Problem, store: Path) -> list[str]:
    """A reason, if no model that is there fits the task."""
    if any(e.card.solver == solver.name and not _misfits(e.card, task) for e in entries(store)):
        return []
    return ["no model of it fits; `sciml train` makes one from a family of such problems"]


def _best(solver: LearnedSolver, task: Family | Problem, store: Path) -> Path:
    asked = {name: getattr(solver, name) for name in solver.model_fields_set - solver.inference_options()}
    defaults = type(solver)().trained_options()
    near: list[tuple[int, int, str, Path]] = []
    others = []
    for entry in entries(store):
        card = entry.card
        if card.solver != solver.name or _misfits(card, task):
            continue
        others.append(entry.path.name)
        if all(card.options.get(name) == value for name, value in asked.items()):
            usual = sum(card.options.get(name) == value for name, value in defaults.items())
            near.append((usual, card.iterations, str(entry.path), entry.path))
    if near:
        return max(near)[3]
    there = f" (there are, with other options: {', '.join(others)})" if others else ""
    options = "".join(f" -o {k}={v}" for k, v in asked.items())
    advice = f"train one: `sciml train FAMILY.h5 --solver {solver.name}{options}`"
    raise UsageError(f"there is no model of {solver.name} for {task.name!r} with these options{there}; {advice}.")
