"""Learned solvers: one protocol, one trainer (`sciml.learning.trainer`), one form of model file. Loads no torch."""

from .model import Model
from .solver import Batch, LearnedSolver, Task

__all__ = ["Batch", "LearnedSolver", "Model", "Task"]
