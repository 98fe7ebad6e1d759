"""What the algorithms know of a cost: soft minima, and products with the plan they lead to.

    S_ij = exp(eta (phi_i + g_j - C_ij)),  Σ_j S_ij = 1,  P = diag(r) S

eta = 1/eps. phi is the soft c-transform of g with the weights of the second measure in it: g_j = psi_j + log(c_j)/eta,
where psi is the potential relative to the measure. Rows of P are therefore exact, always; what is in error are its
columns. (Peyré & Cuturi, Computational Optimal Transport, 2019, §4.4: soft minimum, stabilised kernels.)
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Plan(ABC):
    """P at given potentials. r: (n,), phi: (n,), g: (m,), columns: (m,), the sums of P's columns."""

    r: Array
    phi: Array
    g: Array
    eta: float
    columns: Array

    @abstractmethod
    def sweep(self, v: Array) -> tuple[Array, Array]:
        """S v: (n,), and the columns Σ_i r_i/(S v)_i S_ij: (m,) that a half sweep from g + log(v)/eta leads to."""

    @abstractmethod
    def normal(self, w: Array) -> Array:
        """Sᵀ diag(r) S w: (m,)."""

    @abstractmethod
    def forward(self, w: Array) -> Array:
        """S w: (n,)."""

    @abstractmethod
    def transposed(self, u: Array) -> Array:
        """Sᵀ u: (m,)."""

    @abstractmethod
    def cost(self) -> float:
        """Σ P C."""

    def dual(self, c: Array) -> float:
        """Σ r phi + Σ c g: the semi-dual function of g, concave, largest where the columns are c."""
        inside = c > 0
        return float(self.r @ self.phi + c[inside] @ self.g[inside])


class Geometry(ABC):
    """A cost between two sets of points. work: what making a plan costs, in passes over the rows of a plan."""

    shape: tuple[int, int]
    work: float
    path: str  # "compiled" or "torch"

    @abstractmethod
    def softmin(self, r: Array, g: Array, eta: float) -> Plan:
        """The plan with rows r from the potential g."""

    @abstractmethod
    def flipped(self) -> Geometry:
        """The same cost with the two sets exchanged."""

    @abstractmethod
    def spread(self) -> float:
        """About the largest cost less the smallest: what eta is measured against."""

    @abstractmethod
    def product_cost(self, u: Array, v: Array) -> float:
        """Σ u_i v_j C_ij, or a bound above it where there are too many pairs; u, v not negative."""

    def potential(self, r: Array, phi: Array, eta: float) -> Array:
        """psi: (m,), the soft c-transform of phi; both relative to the measures, the first of which is r."""
        return self.flipped().softmin(np.ones(self.shape[1]), weighted(phi, r, eta), eta).phi


def weighted(psi: Array, c: Array, eta: float) -> Array:
    """psi + log(c)/eta: -inf where there is no mass."""
    with np.errstate(divide="ignore"):
        result: Array = psi + np.log(c) / eta
    return result
