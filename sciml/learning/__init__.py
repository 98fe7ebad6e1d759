"""Learned solvers: one protocol, one trainer, one form of model file."""

from .model import Model
from .solver import LearnedSolver, Task
from .trainer import train

__all__ = ["LearnedSolver", "Model", "Task", "train"]
