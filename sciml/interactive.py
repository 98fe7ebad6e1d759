"""For Python and notebooks: what a file holds, and one call that solves it.

    problem = sciml.load("problems/ks.h5")
    result = sciml.solve(problem, "pinn-causal", budget=60)
    result.scores["relative_l2"], result.to_xarray()
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

from . import registry
from .errors import UsageError
from .kinds import kind_of, kind_of_task
from .progress import progress
from .reference.values import Reference, read_reference
from .solver import Solver
from .solving.problem import DEFAULT_STORE
from .solving.training import DEFAULT_DATA

if TYPE_CHECKING:
    from .family import Family
    from .files.ensemble import EnsembleResult
    from .files.result_file import Result
    from .problem import Problem
    from .transport import Transport
    from .transport.result import TransportResult

Place = str | PathLike[str]


class Asked(TypedDict, total=False):
    """Keywords of `solve`, for type checkers."""

    options: Mapping[str, Any] | None
    seed: int
    device: str
    dtype: str
    budget: float | None
    store: Place
    data: Place
    fresh: bool
    model: Place | None
    members: int | None


# Where the reference of a loaded problem is, by the problem's content: the problem itself holds no way to it, since
# solvers are handed the problem.
_files: dict[str, Path] = {}


def load(
    path: Place,
) -> Problem | Family | Transport | Result | EnsembleResult | TransportResult:
    """What a file of ours holds: a problem, a family of problems, a transport problem, or a result of one.

    A problem comes without its reference; `solve` finds that again by the problem's content, to score what a solver
    returned. Raises UsageError for a file that is none of ours, or damaged.
    """
    place = Path(path)
    kind = kind_of(place)
    if kind.is_result(place):
        return kind.read_result(place)  # type: ignore[no-any-return]
    task = kind.read(place)
    _files[task.content_hash] = place.resolve()
    return task  # type: ignore[no-any-return]


def save(task: Problem | Family | Transport, path: Place) -> None:
    """Write a problem, a family or a transport problem to a file: what `load` reads back. The file appears whole or
    not at all, and takes the place of one that is there. Raises RunFailed where it cannot be written.
    """
    kind_of_task(task).write(Path(path), task)


def reference_of(problem: Problem) -> Reference | None:
    """The reference of a problem that was loaded from a file: values at the output times, with their own error.

    None: the problem was made otherwise, or its file has none.
    """
    path = _files.get(problem.content_hash)
    return None if path is None else read_reference(path, problem)


@overload
def solve(task: Problem, solver: str | Solver, **asked: Unpack[Asked]) -> Result: ...
@overload
def solve(task: Family, solver: str | Solver, **asked: Unpack[Asked]) -> EnsembleResult: ...
@overload
def solve(task: Transport, solver: str | Solver, **asked: Unpack[Asked]) -> TransportResult: ...
@overload
def solve(
    task: Place, solver: str | Solver, **asked: Unpack[Asked]
) -> Result | EnsembleResult | TransportResult: ...


def solve(
    task: Any,
    solver: str | Solver,
    *,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float64",
    budget: float | None = None,
    store: Place = DEFAULT_STORE,
    data: Place = DEFAULT_DATA,
    fresh: bool = False,
    model: Place | None = None,
    members: int | None = None,
) -> Any:
    """Solve a problem, a family's test members or a transport problem; the scored result, kept in `store`.

    task: a file, or what `load` returned or you made. A problem that was not loaded has no reference to be scored
    against; its result has what can be said without one. solver: a name with `options`, or a Solver.
    The other arguments are those of `sciml solve`. A finished result is returned at once unless `fresh`.

    Raises UsageError for a request that cannot be carried out, Stopped when budget or Ctrl-C end the run (call again
    to resume), RunFailed otherwise.
    """
    path = Path(task) if isinstance(task, str | PathLike) else None
    if path is not None:
        kind = kind_of(path)
        task = kind.read(path)
    else:
        kind = kind_of_task(task)
        path = _files.get(task.content_hash)
        if path is not None and not path.exists():
            raise UsageError(f"{path}, which this problem was loaded from, is gone; load it again.")
    if isinstance(solver, Solver) and options:
        raise UsageError(f"{solver.name} has its options already; leave `options` out.")
    chosen = registry.get_solver(solver).build(**(options or {})) if isinstance(solver, str) else solver
    asked = {
        "model": None if model is None else Path(model), "members": members, "seed": seed, "device": device,
        "dtype": dtype, "budget": budget, "store": Path(store), "data": Path(data), "fresh": fresh,
    }  # fmt: skip
    kind.require(task, chosen, asked)
    with progress(f"{task.name} · {chosen.name}") as bar:
        result, _ = kind.solve(path, task, chosen, asked, bar, _notice)
    return result


def _notice(text: str) -> None:
    print(f"sciml: {text}", file=sys.stderr)
