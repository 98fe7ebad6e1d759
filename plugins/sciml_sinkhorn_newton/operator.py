"""N = Sᵀ diag(r) S for conjugate gradients: with the whole plan, or with a sparse one where that is safe and cheaper.

Safe: in no row and no column more than the share min(0.01, err/10) of the mass is left out, so that the step is as
good as a truncated one; sums of the sparse plan replace r and the columns, so that constants stay in the null space.

Where conjugate gradients take more passes than an elimination would, the sparse equation is solved directly, if there
are compiled kernels.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sciml.kernels import transport as compiled
from sciml.numerics.transport.geometry import Array, Plan
from sciml.numerics.transport.rows import RowsPlan

from . import conjugate

DENSITY = {True: 1 / 16, False: 1 / 2}  # of a sparse plan that costs as much as a stored one, as a streaming one
WORTH = 20  # products below which finding the entries does not pay
MOST = 2**26  # entries, of 12 bytes
DIRECT = 2048  # columns up to which elimination is considered
ELIMINATION = 1 / 4  # passes over a plan per column that it costs


class Operator:
    """normal(w) = N w, columns = N 1; cost: of a product, in passes over the plan; dropped: mass left out."""

    def __init__(self, plan: Plan, c: Array, error: float, expected: float) -> None:
        """expected: products that the step will take."""
        self.normal: Callable[[Array], Array] = plan.normal
        self.columns, self.cost, self.dropped = plan.columns, 1.0, 0.0
        self.rows, self.sparse, self.expected = plan.r, None, expected
        if not isinstance(plan, RowsPlan) or expected < WORTH:
            return
        n, m = plan.geometry.shape
        share = min(0.01, 0.1 * error)
        worth = DENSITY[plan.geometry.stored] * n * m
        sparse = plan.entries(c, share, min(MOST, int(worth)))
        if sparse is None:
            return
        sums = np.add.reduceat(np.append(sparse.value, 0.0), sparse.start[:-1])
        rows = np.where(np.diff(sparse.start) > 0, sums, 0.0)
        self.columns = np.bincount(sparse.index, sparse.value, m).astype(np.float64)
        self.dropped = max(0.0, 1.0 - float(rows.sum()))
        self.normal = lambda w: sparse.normal(rows, w)
        self.cost = len(sparse.value) / worth
        self.rows, self.sparse = rows, sparse

    def solve(
        self, b: Array, forcing: float, damping: float, most: int, tick: Callable[[], None] = lambda: None
    ) -> conjugate.Solved:  # fmt: skip
        """x with ((1 + damping) D - N) x ≈ b. tick: called before every product; may raise."""
        m = len(b)
        tried = self.sparse is not None and m <= DIRECT and compiled.available()
        if tried and self.expected * self.cost > ELIMINATION * m:
            return self._eliminated(b, damping)

        def damped(w: Array) -> Array:
            tick()
            return self.normal(w) - damping * self.columns * w

        return conjugate.solve(damped, self.columns, b, forcing, most)

    def _eliminated(self, b: Array, damping: float) -> conjugate.Solved:
        """N's entries are sums of positive numbers, accurate each; elimination keeps them so. Counts as products."""
        from scipy.sparse import csr_matrix

        assert self.sparse is not None
        plan = csr_matrix((self.sparse.value, self.sparse.index, self.sparse.start), shape=self.sparse.shape)
        inverse = np.divide(1.0, self.rows, out=np.zeros_like(self.rows), where=self.rows > 0)
        weights = (plan.T @ plan.multiply(inverse[:, None])).toarray()
        mass = self.columns.sum()
        b = b - self.columns * (b.sum() / mass)
        x = compiled.laplacian(weights, damping * self.columns, b)
        x -= float(self.columns @ x) / mass
        return conjugate.Solved(x, 0.0, int(ELIMINATION * len(b) / self.cost), True)
