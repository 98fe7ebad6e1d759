"""Solving the members of a split, shard by shard: what is there is kept, so that making can stop at any moment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .. import registry
from ..errors import RunFailed, UsageError
from ..family import Family, is_observed, observed
from ..family.observation import SCORED
from ..files.atomic import unwritable
from ..files.locking import locked
from ..metrics.norms import relative_l2_over_time
from ..problem import Array, Problem
from ..provenance import versions
from ..run import Run
from ..solution import Solution, Status
from ..solver import Solver
from .dataset import Dataset, folder, shard_path
from .shard import read_shard, write_shard

MEMBERS = 32  # in a shard
PATHS = 2  # beside (seed, index), which the member itself is drawn from


def make(
    family: Family, split: str, root: str | Path, *, count: int | None = None, run: Run | None = None
) -> Dataset:
    """Members 0 … count - 1 (default: as many as the family says), solved where they are missing.

    Raises UsageError for a solver that cannot take the family, RunFailed where a member cannot be solved, and
    Stopped when the run's budget or Ctrl-C end it; what is finished stays.
    """
    run = run or Run()
    count = family.split(split).count if count is None else count
    if count < 1:
        raise UsageError(f"the number of members must be at least 1, not {count}.")
    if family.imported:
        return Dataset.read(root, family, split, count)
    solver, check = makers(family, split)
    registry.require_able(solver, family.draw(split, 0))
    place = folder(Path(root), family, split)
    for first in range(0, count, MEMBERS):
        path = shard_path(place, family, first)
        wanted = min(MEMBERS, count - first)
        if _there(path, family, split, wanted):
            continue
        with _alone(path, run, f"{split}: another process makes member {first + 1} …"):
            if not _there(path, family, split, wanted):  # it may have made just these
                _make_shard(path, family, split, first, wanted, count, solver, check, run)
    run.step(1.0)
    return Dataset.read(root, family, split, count)


def _there(path: Path, family: Family, split: str, wanted: int) -> bool:
    return path.exists() and len(read_shard(path, family, split).checksums) >= wanted


@contextmanager
def _alone(path: Path, run: Run, note: str) -> Iterator[None]:
    """Two processes that made one shard at once would do the work twice, and who wants fewer members would take the
    other's away."""
    with ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(locked(path.with_name(f".{path.name}.lock"), lambda: run.step(0.0, None, note)))
        except OSError as error:
            raise unwritable(path, error) from None
        yield


def _make_shard(
    path: Path, family: Family, split: str, first: int, wanted: int, count: int, solver: Solver, check: Solver | None,
    run: Run,
) -> None:  # fmt: skip
    members: list[Problem] = []
    rows: list[Mapping[str, Array]] = []
    errors: list[Array] = []
    errors_std: list[Array] = []
    for index in range(first, first + wanted):
        run.step(index / count, None, f"{split}: member {index + 1} of {count}")
        problem, solution = solved(family, split, index, solver)
        members.append(problem)
        spread = {f"{name}_std": values for name, values in solution.std.items()} if family.stochastic else {}
        rows.append(observed(family, split, index, solution.values) | spread)
        error, error_std = _distance(problem, solution, check, path_seed(family, split, index) + 1)
        errors.append(error)
        errors_std.append(error_std)
    values = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    about: dict[str, Any] = {"solver": solver.name, "options": solver.options(), "versions": versions()}
    if is_observed(family, split):
        about["noise"] = family.description.noise
    more = np.stack(errors_std) if family.stochastic else None
    write_shard(path, family, split, first, members, values, np.stack(errors), about, more)


def makers(family: Family, split: str = SCORED) -> tuple[Solver, Solver | None]:
    """The solver that makes a split's data, and the one it is checked by: not of training data.

    Of a stochastic family the option `paths` says how many make up a test member; training and validation members are
    one path each, which nothing can be checked by.
    """
    maker = family.description.maker
    cls = registry.get_solver(maker.solver)
    options = maker.options | (maker.train if split == "train" else {})
    if family.stochastic and split != SCORED:
        return cls.build(**(options | {"paths": 1})), None
    check = cls.build(**(options | maker.check)) if maker.check and split != "train" else None
    return cls.build(**options), check


def path_seed(family: Family, split: str, index: int) -> int:
    """Seed of the random numbers that a member's solver draws; 0 where it draws none."""
    if not family.stochastic:
        return 0
    return int(np.random.default_rng([family.split(split).seed, index, PATHS]).integers(2**62))


def solved(family: Family, split: str, index: int, solver: Solver) -> tuple[Problem, Solution]:
    """A member after its spin-up, and its solution."""
    problem, seed = family.draw(split, index), path_seed(family, split, index)
    if family.description.spin_up:
        spin_up = family.description.maker.spin_up
        start = _solve(type(solver).build(**(solver.options() | spin_up)) if spin_up else solver, problem, seed)
        problem = family.started(problem, split, {name: values[-1] for name, values in start.values.items()})
    return problem, _solve(solver, problem, seed)


def _solve(solver: Solver, problem: Problem, seed: int) -> Solution:
    solution = solver.solve(problem, Run(seed=seed))
    solution.check(problem)
    if solution.status is not Status.OK:
        raise RunFailed(f"{problem.name}: {solver.name} did not reach what was asked of it: {solution.message}.")
    return solution


def _distance(problem: Problem, solution: Solution, check: Solver | None, seed: int) -> tuple[Array, Array]:
    """(times,) twice: how far a second run is, relative to the root mean square of the field, and of the paths'
    standard deviation; the worst field's. Of a stochastic equation the second run follows other paths: it tells the
    sampling error along with the rest."""
    unknown = np.full(len(problem.grid.times), math.nan)
    if check is None:
        return unknown, unknown
    other = _solve(check, problem, seed)
    error = np.max([relative_l2_over_time(other.values[n], v) for n, v in solution.values.items()], axis=0)
    if not problem.stochastic:
        return error, unknown
    error_std = np.max([relative_l2_over_time(other.std[n], v) for n, v in solution.std.items()], axis=0)
    return error, error_std
