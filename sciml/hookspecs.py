"""The hooks a plugin may implement. A plugin is a module named by an entry point in the group "sciml".

    # my_plugin/__init__.py
    from sciml import hookimpl

    @hookimpl
    def register_solvers():
        from .solver import MySolver
        return [MySolver]

A module may state `SCIML_API = 1`, the major version of this interface that it was written for.
"""

from __future__ import annotations

import pluggy

from .executor import Executor
from .metric import Metric
from .solver import Solver

hookspec = pluggy.HookspecMarker("sciml")


@hookspec
def register_solvers() -> list[type[Solver]]:  # type: ignore[empty-body]
    """The solver classes that this plugin brings."""


@hookspec
def register_executors() -> list[type[Executor]]:  # type: ignore[empty-body]
    """The executor classes that this plugin brings: where campaigns can run."""


@hookspec
def register_metrics() -> list[type[Metric]]:  # type: ignore[empty-body]
    """The metric classes that this plugin brings: numbers about solutions, printed beside the core's scores."""
