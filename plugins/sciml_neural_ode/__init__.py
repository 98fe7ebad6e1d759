"""Neural ordinary and stochastic differential equations, regularised to be cheap to solve."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import NeuralOde

    return [NeuralOde]
