"""A sound solver in a module that loads torch when it is imported."""

import torch  # noqa: F401
from broken_solvers import Euler


class Heavy(Euler):
    pass
