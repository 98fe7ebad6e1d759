"""The data of one split, as training and scoring read them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import UsageError
from ..family import Family, is_observed
from ..problem import Array, Problem
from .shard import Shard, read_shard


def folder(root: Path, family: Family, split: str) -> Path:
    """Where a split's shards are: what The Well's loader calls base / dataset / data / split."""
    key = hashlib.sha256((family.content_hash + family.data_hash(split)).encode()).hexdigest()[:12]
    return root / f"{family.name}-{key}" / "data" / split


def shard_path(place: Path, family: Family, first: int) -> Path:
    return place / f"{family.name}_{first:06d}.hdf5"


class Dataset:
    """Members 0 … count - 1 of a split. `values[field]` is (count, times, *grid).

    Of a family with noise, training and validation values are as observed, and so are their problems' first states.
    Of a stochastic family they are single paths; the test data are means over paths, and `std[field]` the paths'
    standard deviations, of the same shape.
    """

    def __init__(self, family: Family, split: str, shards: Sequence[Shard], count: int) -> None:
        self.family, self.split, self.count = family, split, count
        self.times = shards[0].times
        self.values = {n: np.concatenate([s.values[n] for s in shards])[:count] for n in shards[0].values}
        self.given = {n: np.concatenate([s.given[n] for s in shards])[:count] for n in shards[0].given}
        self.std = {n: np.concatenate([s.std[n] for s in shards])[:count] for n in shards[0].std}
        self.error = np.concatenate([s.error for s in shards])[:count]
        self.error_std = np.concatenate([s.error_std for s in shards])[:count]
        self.checksums = tuple(sum for s in shards for sum in s.checksums)[:count]
        self.about = shards[0].about

    @classmethod
    def read(cls, root: str | Path, family: Family, split: str, count: int | None = None) -> Dataset:
        """Raises UsageError where members are missing or damaged."""
        count = family.split(split).count if count is None else count
        place, shards, found = folder(Path(root), family, split), list[Shard](), 0
        while found < count:
            path = shard_path(place, family, found)
            if not path.exists():
                raise UsageError(f"{family.name}, {split}: {found} of {count} members are there; run `sciml data`.")
            shards.append(read_shard(path, family, split))
            found += len(shards[-1].checksums)
        return cls(family, split, shards, count)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of all members' checksums, in order."""
        return hashlib.sha256("".join(self.checksums).encode()).hexdigest()

    def problem(self, member: int) -> Problem:
        """The member as a problem of its own."""
        if self.family.imported:
            state = {name: values[member, 0] for name, values in self.values.items()}
            return self.family.filled(self.split, state, {name: a[member] for name, a in self.given.items()})
        drawn = self.family.draw(self.split, member)
        if not self.family.description.spin_up and not is_observed(self.family, self.split):
            return drawn
        return self.family.started(drawn, self.split, {n: v[member, 0] for n, v in self.values.items()})

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self.problem(i) for i in range(self.count))

    def values_of(self, member: int) -> dict[str, Array]:
        """(times, *grid) by field."""
        return {name: array[member] for name, array in self.values.items()}


def digest(problem: Problem) -> str:
    """SHA-256 of what makes a problem itself, whatever the times asked for: initial data, coefficients, parameters
    and domain. Equal digests mean that one is the other."""
    found = hashlib.sha256()
    for axis in problem.grid.axes:
        found.update(np.array([axis.lower, axis.upper]).tobytes())
    found.update(np.array([v for _, v in sorted(problem.equation.parameters.items())]).tobytes())
    if problem.kind == "evolution":
        found.update(np.ascontiguousarray(problem.initial()).tobytes())
    for _, values in sorted(problem.given.items()):
        found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()
