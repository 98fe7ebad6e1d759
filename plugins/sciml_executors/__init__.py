"""Where campaigns run: processes of this machine, a Dask cluster, SLURM. See README.md."""

from __future__ import annotations

from sciml import hookimpl
from sciml.executor import Executor

SCIML_API = 1


@hookimpl
def register_executors() -> list[type[Executor]]:
    from .dask import DaskExecutor
    from .local import LocalExecutor
    from .slurm import SlurmExecutor

    return [LocalExecutor, DaskExecutor, SlurmExecutor]
