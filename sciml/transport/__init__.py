"""Problems of kind transport: what is asked, who answers, what comes back, and what it is worth."""

from .measure import Measure as Measure
from .problem import Transport as Transport
from .solution import TransportSolution as TransportSolution
from .solver import TransportSolver as TransportSolver

__all__ = ["Measure", "Transport", "TransportSolution", "TransportSolver"]
