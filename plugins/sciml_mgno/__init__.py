"""Multigrid neural operators: learned V-cycles as the linear part of an operator network."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import Mgno

    return [Mgno]
