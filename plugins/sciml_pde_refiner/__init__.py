"""PDE-Refiner: neural time steppers by iterated denoising, and learned corrections of a classical step."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import PdeRefiner

    return [PdeRefiner]
