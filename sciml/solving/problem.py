"""One run, from a problem and a solver to a scored result in the store.

A *cell* is problem content x solver x version x options x seed x device x dtype; its hash names the
result file. A finished cell is returned at once, a half-finished one resumes, and two processes at the
same cell take turns.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import registry
from ..errors import Busy, RunFailed, ScimlError, UsageError
from ..files import problem_file, result_file
from ..files.locking import locked
from ..files.result_file import Result
from ..learning import LearnedSolver, Model
from ..learning.models import choose
from ..problem import Problem
from ..provenance import provenance
from ..reference.values import Reference, read_reference
from ..run import Run
from ..scoring.measuring import measured
from ..scoring.problem import score
from ..solution import Solution
from ..solver import Solver

DEFAULT_STORE = Path("sciml-results")
DEVICES = r"cuda(:\d+)?"


def cell_hash(
    problem: Problem, solver: Solver, seed: int, device: str, dtype: str, model: str | None = None
) -> str:
    """Sixteen hexadecimal digits that identify what a result depends on."""
    plugin = registry.plugin_of(type(solver))
    key = {
        "problem": problem.content_hash, "solver": f"{plugin.name}/{solver.name}", "version": solver.version,
        "options": solver.options(), "seed": seed, "device": device, "dtype": dtype,
    } | ({"model": model} if model else {})  # fmt: skip
    return digest_of(key)


def digest_of(key: dict[str, Any]) -> str:
    """Sixteen hexadecimal digits for plain data."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]


def result_path(store: Path, problem: Problem, solver: Solver, cell: str) -> Path:
    return store / problem.name / f"{solver.name}-{cell}.h5"


def solve(
    problem: Problem | str | Path,
    solver: Solver | str,
    *,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float64",
    model_file: str | Path | None = None,
    budget: float | None = None,
    store: str | Path = DEFAULT_STORE,
    fresh: bool = False,
    wait: bool = True,
    on_progress: Callable[[float, str], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> Result:
    """Solve a problem (a file, or a Problem without a reference) and return the scored, stored result.

    `solver` is a name with `options`, or a Solver. Raises UsageError for a request that cannot be
    carried out, Stopped when budget or Ctrl-C end the run (call again to resume), Busy where another process
    is at the same cell and this one is not to `wait`, RunFailed otherwise.
    """
    path = None if isinstance(problem, Problem) else Path(problem)
    task = problem if isinstance(problem, Problem) else problem_file.read(Path(problem))
    chosen = registry.get_solver(solver).build(**(options or {})) if isinstance(solver, str) else solver
    registry.require_able(chosen, task)
    require_device(chosen, device)
    model: Model | None = None
    if isinstance(chosen, LearnedSolver):
        model, chosen = choose(chosen, task, Path(store), None if model_file is None else Path(model_file))
    elif model_file is not None:
        raise UsageError(f"{chosen.name} is not a learned solver; leave --model out.")
    cell = cell_hash(task, chosen, seed, device, dtype, model.hash if model else None)
    store = Path(store)
    target = result_path(store, task, chosen, cell)
    folder = store / ".partial" / cell
    run = Run(
        seed=seed, device=device, dtype=dtype, budget=budget, folder=folder, on_progress=on_progress
    )  # arguments are checked before anything is written
    if dtype != "float64":
        raise UsageError(f"{chosen.name} computes in float64 only; leave --dtype out.")
    with only_one(folder, on_notice, wait=wait):
        if target.exists() and not fresh:
            return rescored(result_file.read(target), path)
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, store)
        run.model = model
        (solution,) = executed(chosen, [task], run)
        result = Result(
            problem=task, solution=solution, solver=chosen.name, plugin=registry.plugin_of(type(chosen)).name,
            solver_version=chosen.version, options=chosen.options(), seed=seed, device=device, dtype=dtype,
            provenance=provenance(device, run.paths), ledger=run.ledger(), scores=None, cell=cell,
        )  # fmt: skip
        result = rescored(result, path)
        result_file.write(target, result)
        shutil.rmtree(folder, ignore_errors=True)
    return result


def rescored(result: Result, problem_path: Path | None) -> Result:
    """The result with scores against the reference in the problem file, if there is one."""
    reference: Reference | None = None
    if problem_path is not None:
        reference = read_reference(problem_path, result.problem)
    scores = score(result.problem, result.solution, reference).as_dict()
    return replace(result, scores=scores | {"metrics": measured(result.problem, result.solution, reference)})


def executed(solver: Solver, problems: Sequence[Problem], run: Run) -> list[Solution]:
    """Call the solver, guarded; counts and series that it left with the run go into its first solution."""
    with guarded(solver, run):
        one = len(problems) == 1
        solutions = [solver.solve(problems[0], run)] if one else solver.solve_all(problems, run)
        for problem, solution in zip(problems, solutions, strict=True):
            solution.check(problem)
    history, cost = kept_by(run)
    first = replace(solutions[0], history=history | dict(solutions[0].history), cost=cost | dict(solutions[0].cost))
    return [first, *solutions[1:]]


@contextmanager
def guarded(solver: Solver, run: Run) -> Iterator[None]:
    """Inside, full precision is set, and anything unexpected becomes one sentence."""
    import torch

    torch.set_float32_matmul_precision("highest")
    torch.manual_seed(run.seed)
    try:
        with run:
            yield
    except (ScimlError, KeyboardInterrupt):
        raise
    except (MemoryError, torch.OutOfMemoryError):
        raise RunFailed(
            f"{solver.name} ran out of memory on {run.device}; use fewer modes or points, or another device."
        ) from None
    except Exception as error:
        raise RunFailed(f"{solver.name} failed: {type(error).__name__}: {error}") from error


def kept_by(run: Run) -> tuple[dict[str, Any], dict[str, float]]:
    """Series and counts that a solver left with its run; time and memory are the ledger's."""
    series = {key: np.asarray(values, dtype=np.float64) for key, values in run.logged.items()}
    plain = ("seconds", "cpu_seconds", "peak_bytes")
    return series, {key: value for key, value in run.costs.items() if key not in plain}


def require_device(solver: Solver, device: str) -> None:
    """Raise UsageError unless the solver can compute on the device, and the device is there."""
    if device != "cpu" and re.fullmatch(DEVICES, device) and "cuda" not in solver.devices:
        raise UsageError(f"{solver.name} computes on the CPU only; use --device cpu.")
    check_device(device)


def check_device(device: str) -> None:
    """Raise UsageError unless torch can compute there."""
    if device == "cpu":
        return
    if not re.fullmatch(DEVICES, device):
        raise UsageError(f"device must be cpu, cuda or cuda:N, not {device!r}.")
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(device.partition(":")[2] or 0)
    if index >= count:
        raise UsageError(f"there is no device {device!r} here ({count} CUDA devices found); use --device cpu.")


def _make(folder: Path, store: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFailed(
            f"cannot write results in {store}: {error.strerror}; choose another place with --store."
        ) from None


@contextmanager
def only_one(
    folder: Path, on_notice: Callable[[str], None] | None, wanted: bool = True, wait: bool = True
) -> Iterator[None]:
    """Hold the cell's lock (if it is `wanted`); while another process does, wait or raise Busy. The lock dies with its
    process."""
    if not wanted:
        yield
        return
    store = folder.parent.parent
    _make(folder.parent, store)
    told = False

    def waiting() -> None:
        nonlocal told
        if not wait:
            raise Busy("another process is running this very cell.")
        if not told and on_notice is not None:
            on_notice("another process is running this very cell; waiting for it to finish")
        told = True

    with ExitStack() as held:
        try:
            held.enter_context(locked(folder.parent / f"{folder.name}.lock", waiting))
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                raise RunFailed(
                    f"the file system of {store} gives no locks ({error.strerror}), without which processes would"
                    " disturb each other; choose another place with --store."
                ) from None
            raise RunFailed(f"cannot write in {folder.parent}: {error.strerror}; choose --store.") from None
        try:
            _make(folder, store)
            yield
        finally:
            with suppress(OSError):
                folder.rmdir()  # only if no checkpoint is in it
