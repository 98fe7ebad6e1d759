"""Classical solvers: the rows that every other method is judged by."""

from __future__ import annotations

from sciml import hookimpl
from sciml.solver import Solver

SCIML_API = 1


@hookimpl
def register_solvers() -> list[type[Solver]]:
    from .solver import (
        Chebyshev,
        Dop853,
        Etdrk4,
        FiniteVolume,
        IntegratingFactor,
        Milstein,
        Multigrid,
        Radau,
        SpectralElement,
        SpectralTaylor,
        Taylor,
    )  # fmt: skip

    return [
        Etdrk4, IntegratingFactor, SpectralTaylor, Taylor, Dop853, Radau, Milstein, Chebyshev, Multigrid,
        SpectralElement, FiniteVolume,
    ]  # fmt: skip
