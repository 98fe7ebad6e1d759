"""Solving the members of a split, shard by shard: what is there is kept, so that making can stop at any moment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import registry
from ..errors import RunFailed, UsageError
from ..family import Family
from ..metrics.norms import relative_l2_over_time
from ..problem import Array, Problem
from ..provenance import versions
from ..run import Run
from ..solution import Solution, Status
from ..solver import Solver
from .dataset import Dataset, folder, shard_path
from .shard import read_shard, write_shard

MEMBERS = 32  # in a shard


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
        if path.exists() and len(read_shard(path, family, split).checksums) >= wanted:
            continue
        members: list[Problem] = []
        rows: list[Mapping[str, Array]] = []
        errors: list[Array] = []
        for index in range(first, first + wanted):
            run.step(index / count, None, f"{split}: member {index + 1} of {count}")
            problem, solution = solved(family, split, index, solver)
            members.append(problem)
            rows.append(solution.values)
            errors.append(_distance(problem, solution, check))
        values = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
        about = {"solver": solver.name, "options": solver.options(), "versions": versions()}
        write_shard(path, family, split, first, members, values, np.stack(errors), about)
    run.step(1.0)
    return Dataset.read(root, family, split, count)


def makers(family: Family, split: str) -> tuple[Solver, Solver | None]:
    """The solver that makes a split's data, and the one it is checked by: not of training data."""
    maker = family.description.maker
    cls = registry.get_solver(maker.solver)
    if split == "train":
        return cls.build(**(maker.options | maker.train)), None
    return cls.build(**maker.options), cls.build(**(maker.options | maker.check)) if maker.check else None


def solved(family: Family, split: str, index: int, solver: Solver) -> tuple[Problem, Solution]:
    """A member after its spin-up, and its solution."""
    problem = family.draw(split, index)
    if family.description.spin_up:
        spin_up = family.description.maker.spin_up
        start = _solve(type(solver).build(**(solver.options() | spin_up)) if spin_up else solver, problem)
        problem = family.started(problem, split, {name: values[-1] for name, values in start.values.items()})
    return problem, _solve(solver, problem)


def _solve(solver: Solver, problem: Problem) -> Solution:
    solution = solver.solve(problem, Run())
    solution.check(problem)
    if solution.status is not Status.OK:
        raise RunFailed(f"{problem.name}: {solver.name} did not reach what was asked of it: {solution.message}.")
    return solution


def _distance(problem: Problem, solution: Solution, check: Solver | None) -> Array:
    """(times,): how far a second run is, relative to the field's root mean square; the worst field's."""
    if check is None:
        return np.full(len(problem.grid.times), math.nan)
    other: Any = _solve(check, problem).values
    series = [relative_l2_over_time(other[name], values) for name, values in solution.values.items()]
    return np.asarray(np.max(series, axis=0))
