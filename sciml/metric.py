"""A number about solutions that a plugin brings, printed beside the core's own scores.

    class TotalVariation(Metric):
        name: ClassVar[str] = "total-variation"
        version: ClassVar[str] = "1"
        summary: ClassVar[str] = "relative error of the total variation in space at the last time"

        def measure(self, problem, values, reference, times): ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from .problem import Array, Problem


class Metric(ABC):
    """Base of every metric of a plugin. A definition is frozen: what changes a number gets another `version`."""

    name: ClassVar[str]
    version: ClassVar[str]
    summary: ClassVar[str]

    def applies(self, problem: Problem) -> bool:
        """Whether it means something for this problem; others are left alone."""
        return True

    @abstractmethod
    def measure(
        self, problem: Problem, values: Mapping[str, Array], reference: Mapping[str, Array], times: Array
    ) -> float:
        """One finite number. values, reference: by field, (times, *grid), up to the time that the solution reached;
        times: (times,), those of the arrays. Called too with the reference in the place of the values, and with a
        forecast that costs nothing: what it says of these stands beside the number."""
