"""Entropic optimal transport: Sinkhorn's algorithm stopped early, then truncated Newton steps on the dual."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import LightBridge, SinkhornNewton

    return [SinkhornNewton, LightBridge]
