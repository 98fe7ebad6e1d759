"""N = Sᵀ diag(r) S for conjugate gradients: with the whole plan, or with a sparse one where that is safe and cheaper.

Safe: in no row and no column more than the share min(0.01, err/10) of the mass is left out, so that the step is as
good as a truncated one; sums of the sparse plan replace r and the columns, so that constants stay in the null space.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sciml.numerics.transport.geometry import Array, Plan
from sciml.numerics.transport.rows import RowsPlan

DENSITY = 1 / 16  # a sparse entry costs about as much as this many stored ones
WORTH = 20  # products below which finding the entries does not pay
MOST = 2**27  # entries, of 12 bytes


class Operator:
    """normal(w) = N w, columns = N 1; cost: of a product, in passes over the plan."""

    def __init__(self, plan: Plan, c: Array, error: float, expected: int) -> None:
        self.normal: Callable[[Array], Array] = plan.normal
        self.columns, self.cost, self.dropped = plan.columns, 1.0, 0.0
        if not isinstance(plan, RowsPlan) or expected < WORTH:
            return
        n, m = plan.geometry.shape
        share = min(0.01, 0.1 * error)
        sparse = plan.entries(c, share, min(MOST, int(DENSITY * n * m)))
        if sparse is None:
            return
        sums = np.add.reduceat(np.append(sparse.value, 0.0), sparse.start[:-1])
        rows = np.where(np.diff(sparse.start) > 0, sums, 0.0)
        self.columns = np.bincount(sparse.index, weights=sparse.value, minlength=m)
        self.dropped = max(0.0, 1.0 - float(rows.sum()))
        self.normal = lambda w: sparse.normal(rows, w)
        self.cost = len(sparse.value) / (DENSITY * n * m)
