"""sciml: one problem file, any solver, an honest answer. See docs/ or `sciml --help`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pluggy

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("sciml")

if TYPE_CHECKING:
    from .ball import Ball as Ball
    from .equation import Equation as Equation
    from .errors import RunFailed as RunFailed
    from .errors import UsageError as UsageError
    from .metric import Metric as Metric
    from .problem import Axis as Axis
    from .problem import Grid as Grid
    from .problem import Problem as Problem
    from .problem_file import read as read_problem
    from .run import Run as Run
    from .solution import Solution as Solution
    from .solution import Status as Status
    from .solver import Solver as Solver
    from .solver import Solves as Solves
    from .solving import solve as solve
    from .solving_transport import solve_transport as solve_transport
    from .transport import Measure as Measure
    from .transport import Transport as Transport
    from .transport import TransportSolution as TransportSolution
    from .transport import TransportSolver as TransportSolver

# name -> (module, attribute); loaded on first use, so that `sciml --help` stays fast
_PUBLIC = {
    "Axis": ("problem", "Axis"),
    "Ball": ("ball", "Ball"),
    "Equation": ("equation", "Equation"),
    "Grid": ("problem", "Grid"),
    "Metric": ("metric", "Metric"),
    "Problem": ("problem", "Problem"),
    "Run": ("run", "Run"),
    "RunFailed": ("errors", "RunFailed"),
    "Solution": ("solution", "Solution"),
    "Solver": ("solver", "Solver"),
    "Solves": ("solver", "Solves"),
    "Status": ("solution", "Status"),
    "UsageError": ("errors", "UsageError"),
    "Measure": ("transport", "Measure"),
    "Transport": ("transport", "Transport"),
    "TransportSolution": ("transport", "TransportSolution"),
    "TransportSolver": ("transport", "TransportSolver"),
    "read_problem": ("problem_file", "read"),
    "solve": ("solving", "solve"),
    "solve_transport": ("solving_transport", "solve_transport"),
}
__all__ = [
    "Axis", "Ball", "Equation", "Grid", "Measure", "Metric", "Problem", "Run", "RunFailed", "Solution", "Solver",
    "Solves", "Status", "Transport", "TransportSolution", "TransportSolver", "UsageError", "__version__", "hookimpl",
    "read_problem", "solve", "solve_transport",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sciml' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(f".{module}", __name__), attribute)
