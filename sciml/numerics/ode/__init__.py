"""Ordinary and stochastic differential equations of a batch, with step sizes of each sample's own; torch, no I/O."""

from .method import Tolerance
from .solve import METHODS, Path, method_named, solve_ode
from .state import Field, Separate, State, Whole, of_equation

__all__ = [
    "METHODS", "Field", "Path", "Separate", "State", "Tolerance", "Whole", "method_named", "of_equation", "solve_ode",
]  # fmt: skip
