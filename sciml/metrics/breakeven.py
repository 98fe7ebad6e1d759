"""When training pays."""

from __future__ import annotations

import math


def breakeven(training_seconds: float, learned_seconds: float, classical_seconds: float) -> float:
    """How many solves it takes until training and solving by the model cost less than solving classically.

    learned_seconds, classical_seconds: of one solve, at equal error. Infinite where the model is not faster.
    """
    saved = classical_seconds - learned_seconds
    return math.ceil(training_seconds / saved) if saved > 0 else math.inf
