"""Monomials in neighbouring coordinates, with x·∇ and Δ of each: 1, x_i, x_i², x_i x_{i+1}, …

Those that begin at coordinate i are the x_i^p x_{i+1}^q … with p >= 1, so that none is counted twice.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor


def exponents(span: int, degree: int) -> list[tuple[int, ...]]:
    """All (p, q, …) of length `span` with p >= 1 and total at most `degree`."""
    return [e for e in itertools.product(range(degree + 1), repeat=span) if e[0] >= 1 and sum(e) <= degree]


class LocalMonomials:
    """x (n, d), scaled by the radius -> the monomials, (n, count)."""

    def __init__(self, dimension: int, span: int, degree: int, radius: float) -> None:
        self.dimension, self.radius, self.degree = dimension, radius, degree
        self.exponents = exponents(min(span, dimension), degree)
        self.count = 1 + sum(self._places(e) for e in self.exponents)

    def _places(self, exponent: tuple[int, ...]) -> int:
        """How many i there are: the last coordinate used must exist."""
        return self.dimension - max(k for k, p in enumerate(exponent) if p)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        powers = [torch.ones_like(x)]
        for _ in range(self.degree):
            powers.append(powers[-1] * (x / self.radius))
        values, radials, laplacians = ([f(len(x), 1, dtype=x.dtype)] for f in (torch.ones, torch.zeros, torch.zeros))
        for exponent in self.exponents:
            places = self._places(exponent)
            used = [(k, p) for k, p in enumerate(exponent) if p]
            value = _product(powers, used, places)
            laplacian = torch.zeros_like(value)
            for k, p in used:
                if p >= 2:
                    lowered = [(j, q - 2 * (j == k)) for j, q in used]
                    laplacian += p * (p - 1) / self.radius**2 * _product(powers, lowered, places)
            values.append(value)
            radials.append(sum(exponent) * value)
            laplacians.append(laplacian)
        return torch.cat(values, 1), torch.cat(radials, 1), torch.cat(laplacians, 1)


def _product(powers: list[Tensor], used: list[tuple[int, int]], places: int) -> Tensor:
    result = powers[0][:, :places]
    for k, p in used:
        result = result * powers[p][:, k : k + places]
    return result
