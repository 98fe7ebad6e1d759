"""What runs in a worker: a description of a cell goes in, a row comes out."""

from __future__ import annotations

import os
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from .. import registry
from ..cell import Answer, Cell
from ..errors import Busy, RunFailed, ScimlError, Stopped, UsageError
from ..kinds import Kind, kind_of
from ..row import Row
from ..solver import Solver
from .store import require_store
from .training import trained


def attempted(path: Path, kind: Kind, task: Any, solver: Solver, seed: int, arguments: dict[str, Any]) -> Row:
    """The row of one cell; a failure is a row. `arguments` go to `solve`. Raises Stopped for Ctrl-C, Busy."""
    head: dict[str, Any] = {
        "problem": task.name, "solver": solver.name, "options": solver.changed(), "seed": seed,
        "classical": solver.classical,
    }  # fmt: skip
    try:
        return kind.row(path, task, solver, head, arguments)
    except Busy:
        raise
    except ScimlError as error:
        if isinstance(error, Stopped) and "Ctrl-C" in error.reason:
            raise
        return Row(**head, outcome=str(error))


def run_cell(cell: Cell) -> Answer:
    """Run a cell in this process, unless the store has it. Idempotent: the store names a result by all that it depends
    on, one process at a time computes it, and an attempt that was cut short goes on from its checkpoint.

    Raises Stopped for Ctrl-C; all else is an answer.
    """
    try:
        require_store(Path(cell.store), cell.store_id)
        solver = _solver(cell)
        path = Path(cell.path)
        kind, task = _task(path)
        if task.content_hash != cell.content:
            raise RunFailed(f"{path} holds another problem here, or was changed since the campaign began.")
        if cell.work == "train":
            return trained(cell)
        arguments = {
            "store": Path(cell.store), "budget": cell.budget, "device": cell.device, "dtype": cell.dtype,
            "fresh": cell.fresh, "data": Path(cell.data), "wait": False,
        }  # fmt: skip
        return {"row": asdict(attempted(path, kind, task, solver, cell.seed, arguments))}
    except Busy:
        return {"busy": True}
    except Stopped:
        raise
    except ScimlError as error:
        return cell.failed(str(error))
    except Exception as error:  # of sciml's own or a plugin's, outside the solver: one cell's end, not the campaign's
        return cell.failed(f"an error outside the solver, please report it ({type(error).__name__}: {error})")


def _solver(cell: Cell) -> Solver:
    plugin = cell.solver.partition("/")[0]
    here = {p.name: p for p in registry.plugins()}
    if plugin not in here:
        raise UsageError(f"the plugin {plugin!r} is not installed on this worker, and {cell.label} is from it.")
    if here[plugin].problem:
        raise UsageError(f"the plugin {plugin!r} does not work on this worker ({here[plugin].problem}).")
    cls = registry.get_solver(cell.solver)
    if cls.version != cell.version:
        raise UsageError(
            f"this worker has version {cls.version} of {cell.label}, the campaign was planned with {cell.version}."
        )
    return cls.build(**cell.options)


def _task(path: Path) -> tuple[Kind, Any]:
    """Read once for all cells of a problem; again if the file changes."""
    try:
        state = os.stat(path)
    except OSError as error:
        raise UsageError(f"cannot read {path} on this worker: {error.strerror}.") from None
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _read(path: Path, modified: int, size: int) -> tuple[Kind, Any]:
    kind = kind_of(path)
    return kind, kind.read(path)
