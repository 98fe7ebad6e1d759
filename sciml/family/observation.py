"""What a learner sees of a member: its values, or values with noise where the family states some.

Noise is added to training and validation data only; what is scored is compared with values without it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..problem import Array
from .family import Family

SCORED = "test"
STREAM = 1  # beside (seed, index), which the member itself is drawn from


def is_observed(family: Family, split: str) -> bool:
    """Whether the data of a split carry noise."""
    return family.description.noise > 0 and split != SCORED


def observed(family: Family, split: str, index: int, values: Mapping[str, Array]) -> dict[str, Array]:
    """Values (times, *grid) by field, with independent normal noise of standard deviation `noise` times the member's
    own standard deviation of that field over all times and points. A function of the split's seed and the index."""
    if not is_observed(family, split):
        return dict(values)
    rng = np.random.default_rng([family.split(split).seed, index, STREAM])
    level = family.description.noise
    return {name: v + level * v.std() * rng.standard_normal(v.shape) for name, v in sorted(values.items())}
