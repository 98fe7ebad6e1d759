"""Problems in balls of many dimensions: the stochastic Taylor derivative estimator, and what it has to beat."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import LocalPolynomial, RadialFit, Stde

    return [Stde, RadialFit, LocalPolynomial]
