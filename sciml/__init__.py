"""sciml: one problem file, any solver, an honest answer. See docs/ or `sciml --help`."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pluggy

__version__ = "0.1.0"

hookimpl = pluggy.HookimplMarker("sciml")

if TYPE_CHECKING:
    from .ball import Ball as Ball
    from .equation import Equation as Equation
    from .errors import RunFailed as RunFailed
    from .errors import UsageError as UsageError
    from .executor import Executor as Executor
    from .family import Family as Family
    from .files.ensemble import EnsembleResult as EnsembleResult
    from .files.result_file import Result as Result
    from .interactive import load as load
    from .interactive import reference_of as reference_of
    from .interactive import save as save
    from .interactive import solve as solve
    from .metric import Metric as Metric
    from .problem import Axis as Axis
    from .problem import Grid as Grid
    from .problem import Problem as Problem
    from .run import Run as Run
    from .solution import Solution as Solution
    from .solution import Status as Status
    from .solver import Solver as Solver
    from .solver import Solves as Solves
    from .transport import Measure as Measure
    from .transport import Transport as Transport
    from .transport import TransportSolution as TransportSolution
    from .transport import TransportSolver as TransportSolver
    from .transport.result import TransportResult as TransportResult

# name -> (module, attribute); loaded on first use, so that `sciml --help` stays fast
_PUBLIC = {
    "Axis": ("problem", "Axis"),
    "Ball": ("ball", "Ball"),
    "Equation": ("equation", "Equation"),
    "Executor": ("executor", "Executor"),
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
    "EnsembleResult": ("files.ensemble", "EnsembleResult"),
    "Family": ("family", "Family"),
    "Result": ("files.result_file", "Result"),
    "TransportResult": ("transport.result", "TransportResult"),
    "load": ("interactive", "load"),
    "reference_of": ("interactive", "reference_of"),
    "save": ("interactive", "save"),
    "solve": ("interactive", "solve"),
}
__all__ = [
    "Axis", "Ball", "EnsembleResult", "Equation", "Executor", "Family", "Grid", "Measure", "Metric", "Problem",
    "Result", "Run", "RunFailed", "Solution", "Solver", "Solves", "Status", "Transport", "TransportResult",
    "TransportSolution", "TransportSolver", "UsageError", "__version__", "hookimpl", "load", "reference_of", "save",
    "solve",
]  # fmt: skip


# old name -> (new name, version in which the old one goes); see docs/reference/stability.md
_RENAMED: dict[str, tuple[str, str]] = {}


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        import warnings

        new, gone = _RENAMED[name]
        warnings.warn(f"sciml.{name} is now sciml.{new}; it goes in {gone}.", DeprecationWarning, stacklevel=2)
        name = new
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sciml' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(f".{module}", __name__), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)


if "IPython" in sys.modules:  # in a notebook, problems and results are shown as what they are
    importlib.import_module(".notebook", __name__).register()
