"""py-pde as a solver of sciml."""

from sciml import hookimpl

SCIML_API = 1


@hookimpl
def register_solvers():
    from .solver import PyPde

    return [PyPde]
