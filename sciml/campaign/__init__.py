"""Many cells somewhere else: in other processes, on other machines, through an executor."""

from ..cell import Answer, Cell
from ..executor import Executor, Site
from .attempt import run_cell
from .isolated import isolated
from .lane import Lane
from .store import store_id

__all__ = ["Answer", "Cell", "Executor", "Lane", "Site", "isolated", "run_cell", "store_id"]
