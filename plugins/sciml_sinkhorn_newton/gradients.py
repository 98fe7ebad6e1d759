"""Gradients of the entropic value by the envelope theorem: only the explicit dependence counts at the optimum.

    ∂value/∂r_i = phi_i, ∂value/∂c_j = psi_j (along changes that keep the masses equal: up to a constant),
    ∂value/∂x_i = Σ_j P_ij ∂C(x_i, y_j)/∂x_i.

Feydy, Séjourné, Vialard, Amari, Trouvé & Peyré, AISTATS 2019, §3. Errors are of the order of the marginal error.
"""

from __future__ import annotations

from dataclasses import dataclass

from sciml.errors import UsageError
from sciml.numerics.transport.geometry import Array, weighted
from sciml.numerics.transport.result import Transported
from sciml.numerics.transport.rows import Rows, RowsPlan


@dataclass(frozen=True)
class Gradients:
    """r: (n,), c: (m,), both of mean 0; x: (n, d), y: (m, d), or None where costs do not come from points."""

    r: Array
    c: Array
    x: Array | None
    y: Array | None


def gradients(result: Transported) -> Gradients:
    """Of result.value."""
    geometry, phi, psi = result.task.geometry, result.phi, result.psi
    x = y = None
    if isinstance(geometry, Rows) and geometry.matrix is None:
        x, y = by_points(result)
    return Gradients(phi - phi.mean(), psi - psi.mean(), x, y)


def by_points(result: Transported) -> tuple[Array, Array]:
    """(n, d), (m, d)."""
    task, eta = result.task, result.plan.eta
    if not isinstance(task.geometry, Rows) or task.geometry.matrix is not None:
        raise UsageError("gradients by points need a cost between points, not a matrix or grids.")
    assert isinstance(result.plan, RowsPlan)
    other = task.geometry.flipped().softmin(task.c, weighted(result.phi, task.r, eta), eta)
    return task.mass * result.plan.slopes(), task.mass * other.slopes()
