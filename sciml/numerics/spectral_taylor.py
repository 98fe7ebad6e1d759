"""Taylor series in time of Fourier coefficients: dû/dt = L û + N(û, t) turned into a recurrence.

With û(t+h) = Σ û_n h^n, the equation gives (n+1) û_{n+1} = L û_n + N_n. N_n needs no derivative of N: on the product
grid, where products are free of aliasing, the recurrences of `taylor` hold point by point.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..equation import tree
from .host import Complex, HostNonlinear
from .taylor import Program, Series, safe_step


class SpectralSeries:
    """Right-hand side of a 1-D evolution equation, ready to be expanded about any state."""

    def __init__(self, host: HostNonlinear) -> None:
        self.host = host

    def expand(self, u: Complex, t: Any, order: int) -> list[Complex]:
        """Coefficients û_n, n = 0..order, each (fields, K+1) as `u`."""
        host, zero = self.host, self.host.real(0.0)
        atoms: list[Series] = [[] for _ in host.atoms]
        leaves: dict[tree.Expr, Series] = {tree.Atom(i): series for i, series in enumerate(atoms)}
        for name, grid in host.coordinates.items():
            leaves[tree.Coordinate(name)] = [grid, *[zero] * order]
        program = Program(host.real, np, leaves, t)
        products = [program.compile(product) for product in host.products]
        series = [u]
        for n in range(order):
            for atom, values in zip(atoms, host.atom_values(series[n]), strict=True):
                atom.append(values)
            program.extend(n)
            rate = host.diagonal * series[n] + host.collect([product[n] for product in products], u=series[n])
            series.append(rate / (n + 1))
        return series


def largest(coefficient: NDArray[Any]) -> float:
    """Maximum norm over fields and modes."""
    return float(np.abs(coefficient).max())


def stable_step(series: list[Complex], tolerance: float) -> float:
    """Step at which the last two terms stay below `tolerance` relative to the state.

    This also keeps the explicit method stable: rounding errors of size ε in a mode with a large |λ| have terms
    ε (|λ|h)^n/n!, so they are seen before they grow.
    """
    return safe_step([series], tolerance, largest)
