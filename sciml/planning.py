"""Which solvers meet which problem: the named ones, or all that can; and one classical solver in any case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import registry
from .kinds import Kind, kind_of
from .row import label_of
from .solver import Solver


@dataclass(frozen=True)
class Planned:
    """One problem and who is to solve it. refused: who of those asked for cannot, and why, by label. added: the
    classical solver that nobody asked for."""

    path: Path
    kind: Kind
    task: Any
    solvers: tuple[Solver, ...]
    refused: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    added: str = ""


def plan(
    paths: Iterable[Path], solvers: Sequence[Solver] | None, store: Path, *, classical: bool = True
) -> list[Planned]:
    """solvers: None for every solver that can take the problem, each with its defaults.

    A solver that was named is planned even for a problem that it cannot take: its row will say so.
    Raises UsageError for a bad file, before any work.
    """
    found = []
    for path in paths:
        kind = kind_of(path)
        task = kind.read(path)
        asked = [cls() for cls in registry.solvers().values()] if solvers is None else solvers
        reasons = [(solver, tuple(kind.reasons(task, solver, store))) for solver in asked]
        refused = {label(solver): why for solver, why in reasons if why}
        chosen, added = [solver for solver, why in reasons if not why or solvers is not None], ""
        if classical and solvers is not None:
            missing = _classical(kind, task, store, chosen)
            if missing is not None:
                chosen.append(missing)
                added = missing.name
        found.append(Planned(path, kind, task, tuple(chosen), refused, added))
    return found


def label(solver: Solver) -> str:
    """As the rows of its runs have it."""
    return label_of(solver.name, solver.changed())


def _classical(kind: Kind, task: Any, store: Path, chosen: Sequence[Solver]) -> Solver | None:
    """The first classical solver that can take the problem, if none of those chosen is one that can. A plugin lists its
    solvers in the order in which they are worth trying; what is cheapest is not known before all have run."""
    if any(solver.classical and not kind.reasons(task, solver, store) for solver in chosen):
        return None
    for plugin in registry.plugins():
        for cls in plugin.solvers:
            if cls.classical and not kind.reasons(task, cls(), store):
                return cls()
    return None
