"""Dynamical systems from series: piecewise-linear recurrent networks by generalised teacher forcing."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import Gtf

    return [Gtf]
