"""Implicit neural spatial representations: a network over space, classical time integration."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import Insr

    return [Insr]
