"""The kinds of file that commands take: one problem, a family of problems, a transport problem, and results of each.

What a file holds is told by /sciml: `problem`, `family` or `transport` says what is asked, `run` that it is a result.
A command asks `kind_of(path)` and calls; it knows no kinds itself.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import UsageError
from ..files.hdf5 import check_schema, opened
from .kind import Kind, Outcome
from .one_family import FamilyKind
from .one_problem import ProblemKind
from .one_transport import TransportKind

__all__ = ["KINDS", "Kind", "Outcome", "kind_of", "kind_of_task"]

KINDS: tuple[Kind, ...] = (ProblemKind(), FamilyKind(), TransportKind())


def kind_of(path: Path) -> Kind:
    """Raises UsageError for a file that is none of ours."""
    with opened(path) as file:
        group = check_schema(file)
        for kind in KINDS:
            if kind.word in group:
                return kind
        raise UsageError("an HDF5 file of sciml's that holds neither a problem nor a family of them.")


def kind_of_task(task: object) -> Kind:
    """Of a Problem, Family or Transport. Raises UsageError for anything else."""
    for kind in KINDS:
        if isinstance(task, kind.asks):
            return kind
    raise UsageError(f"a {type(task).__name__} is nothing that can be solved; load a file with sciml.load.")
