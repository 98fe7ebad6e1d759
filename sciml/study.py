"""TOML -> Study: a whole comparison in one file.

    title = "Steps against tolerances"
    problems = ["problems/ks.h5", "problems/lorenz.h5"]   # beside this file
    seeds = [0, 1, 2, 3, 4]
    budget = 60                                           # seconds a cell

    [[solvers]]
    name = "etdrk4"
    options = {tolerance = [1e-4, 1e-8]}                  # a list: one row for each value

    [executor]                                            # or executor = "local"; default: this process
    name = "local"
    workers = 2
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import registry
from .errors import UsageError
from .executor import Executor
from .files.regular import read_text
from .solver import Solver

Scalar = bool | int | float | str
MOST_ROWS = 10_000


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class StudySolver(_Asked):
    """options: a value, or a list of them; lists multiply."""

    name: str
    options: dict[str, Scalar | Annotated[list[Scalar], Field(min_length=1)]] = {}

    def variants(self) -> list[Solver]:
        choices = [value if isinstance(value, list) else [value] for value in self.options.values()]
        cls = registry.get_solver(self.name)
        return [cls.build(**dict(zip(self.options, values, strict=True))) for values in product(*choices)]


class StudyExecutor(_Asked):
    name: str
    workers: Annotated[int, Field(ge=1)] | None = None
    options: dict[str, Scalar] = {}


class StudyFile(_Asked):
    title: str = ""
    problems: Annotated[list[str], Field(min_length=1)]
    solvers: Literal["all"] | Annotated[list[StudySolver | str], Field(min_length=1)]
    seeds: Annotated[list[int], Field(min_length=1)] = [0]
    budget: Annotated[float, Field(gt=0)] | None = None
    classical: bool = True
    executor: StudyExecutor | str | None = None


@dataclass(frozen=True)
class Study:
    """solvers: None for all that can. classical: whether one is added where there is none. executor: None for this
    process; workers: None for what the executor finds."""

    title: str
    problems: tuple[Path, ...]
    solvers: tuple[Solver, ...] | None
    seeds: tuple[int, ...] = (0,)
    budget: float | None = None
    classical: bool = True
    executor: Executor | None = None
    workers: int | None = None


def read_study(path: Path) -> Study:
    """Paths of problems are relative to the study's folder. Raises UsageError naming what is wrong."""
    text = read_text(path)
    try:
        asked: Any = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {str(error).splitlines()[0]}.") from None
    try:
        study = StudyFile.model_validate(asked)
    except ValidationError as error:
        raise UsageError(f"{path}: {_sentence(error)}") from None
    solvers: tuple[Solver, ...] | None = None
    if study.solvers != "all":
        named = [StudySolver(name=item) if isinstance(item, str) else item for item in study.solvers]
        if any(item.name == "all" for item in named):
            raise UsageError(f'{path}: all solvers are asked for by solvers = "all", without a list.')
        solvers = tuple(solver for item in named for solver in item.variants())
    rows = len(study.problems) * len(study.seeds) * len(solvers or registry.solvers())
    if rows > MOST_ROWS:
        raise UsageError(f"{path} asks for {rows} runs; one comparison holds at most {MOST_ROWS}.")
    problems = tuple(path.parent / problem for problem in study.problems)
    asked = StudyExecutor(name=study.executor) if isinstance(study.executor, str) else study.executor
    executor = None if asked is None else registry.get_executor(asked.name).build(**asked.options)
    return Study(
        study.title, problems, solvers, tuple(study.seeds), study.budget, study.classical, executor,
        None if asked is None else asked.workers,
    )  # fmt: skip


def _sentence(error: ValidationError) -> str:
    """Of the error that is deepest in the file: of alternatives that all fail, the one that came closest."""
    worst = max(error.errors(), key=lambda e: len(e["loc"]))
    # of unions, which pydantic names in the place
    alternatives = ("StudySolver", "StudyExecutor", "str", "bool", "int", "float")
    named = (p for p in worst["loc"] if isinstance(p, int) or (p.isidentifier() and p not in alternatives))
    names: list[int | str] = list(named)
    where = ".".join(str(part) for part in names) or "top level"
    if worst["type"] == "extra_forbidden":
        inner: dict[str, type[_Asked]] = {"solvers": StudySolver, "executor": StudyExecutor}
        known = inner[str(names[0])] if len(names) > 1 else StudyFile
        return f"{where} is not known here; known: {', '.join(known.model_fields)}."
    if "options" in names[:-1]:
        return f"{where} must be a number, a text, true or false, or a list of these with at least 1 item."
    message = worst["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
    return f"{where} {message[0].lower()}{message[1:]}."
