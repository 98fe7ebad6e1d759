"""One factorisation for all matrices: sparse, or dense where that is faster."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from scipy.linalg import LinAlgError, LinAlgWarning, lu_factor, lu_solve
from scipy.sparse.linalg import splu

from sciml.errors import RunFailed
from sciml.problem import Array

DENSE = 0.1  # share of non-zeros above which a dense factorisation is faster
SINGULAR = "chebyshev: the equation and its faces do not determine the solution (a singular matrix)."


def factorised(matrix: Any) -> Callable[[Array], Array]:
    """b -> matrix⁻¹ b, sparse or dense. Raises RunFailed if the matrix is singular."""
    size = matrix.shape[0]
    if matrix.nnz <= DENSE * size**2 and size > 64:
        try:
            return splu(matrix).solve  # type: ignore[no-any-return]
        except RuntimeError:  # SuperLU's word for a pivot of zero
            raise RunFailed(SINGULAR) from None
    with warnings.catch_warnings():
        warnings.simplefilter("error", LinAlgWarning)
        try:
            factors = lu_factor(matrix.toarray())
        except (LinAlgWarning, LinAlgError):
            raise RunFailed(SINGULAR) from None
    return lambda b: lu_solve(factors, b)
