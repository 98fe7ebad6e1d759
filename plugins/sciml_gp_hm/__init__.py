"""Gaussian processes with a spectral-mixture kernel for boundary-value problems."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import GpHm

    return [GpHm]
