"""Transport without entropy, by the network simplex of POT (an optional dependency: sciml-toolkit[transport])."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import RunFailed, UsageError
from ...kernels.transport import MOST_COSTS
from .geometry import Array
from .grid import Grid
from .rows import Rows
from .task import Task


@dataclass(frozen=True)
class Exact:
    """plan: (n, m); cost: <C, P>; phi: (n,), psi: (m,): dual potentials. All for the masses given."""

    plan: Array
    cost: float
    phi: Array
    psi: Array


def solve(task: Task, most_iterations: int = 10_000_000) -> Exact:
    try:
        import ot
    except ImportError:
        raise UsageError("exact transport needs POT: pip install 'sciml-toolkit[transport]'.") from None
    n, m = task.geometry.shape
    if n * m > MOST_COSTS:
        raise UsageError(f"exact transport needs the matrix of costs, and {n} × {m} entries are too many.")
    log: dict[str, Any]
    plan, log = ot.emd(task.r, task.c, costs(task), numItermax=most_iterations, log=True)
    if log["warning"]:
        raise RunFailed(f"the network simplex did not finish: {str(log['warning']).rstrip('.')}.")
    return Exact(task.mass * plan, task.mass * float(log["cost"]), log["u"], log["v"])


def costs(task: Task) -> Array:
    """(n, m)."""
    geometry = task.geometry
    if isinstance(geometry, Grid):
        return geometry.matrix()
    assert isinstance(geometry, Rows)
    if geometry.matrix is not None:
        return geometry.matrix
    assert geometry.x is not None and geometry.y is not None
    from scipy.spatial.distance import cdist

    metric = {"squared euclidean": "sqeuclidean", "euclidean": "euclidean", "l1": "cityblock"}[geometry.cost]
    matrix: Array = cdist(geometry.x, geometry.y, metric)
    return matrix
