"""Truncated Taylor series in several variables: derivatives of a network of any order in one sweep.

A jet is a tensor (K, …): the Taylor coefficients ∂^k f / k! for the multi-indices k of a downward closed set, the
value first. Products are Cauchy's; sine and exponential follow from their differential equations (Griewank &
Walther, Evaluating Derivatives, 2nd ed., section 13.2), in several variables along any axis the index contains.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import lru_cache

import torch
from torch import Tensor

Index = tuple[int, ...]


class Series:
    """The algebra of jets over the smallest downward closed set that holds the indices wanted."""

    def __init__(self, wanted: Iterable[Index]) -> None:
        closed = {below for k in wanted for below in itertools.product(*(range(n + 1) for n in k))}
        self.indices = tuple(sorted(closed, key=lambda k: (sum(k), k)))
        self.row = {k: i for i, k in enumerate(self.indices)}
        self.factorial = tuple(math.prod(math.factorial(n) for n in k) for k in self.indices)
        # (j, l) with index j + index l = index m, for every m
        self.pairs = [
            [(self.row[k], self.row[_minus(m, k)]) for k in self.indices if _below(k, m)] for m in self.indices
        ]
        self._recurrence = [self._chain(m) for m in self.indices[1:]]

    def _chain(self, m: Index) -> list[tuple[float, int, int]]:
        """m_a y_m = Σ k_a z_k q_{m-k} for y' = q z', along the axis a of the highest order."""
        axis = max(range(len(m)), key=lambda a: m[a])
        return [
            (k[axis] / m[axis], self.row[k], self.row[_minus(m, k)])
            for k in self.indices
            if k[axis] and _below(k, m)
        ]

    def sine(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """sin z and cos z."""
        s, c = [torch.sin(z[0])], [torch.cos(z[0])]
        for chain in self._recurrence:
            s.append(_sum([(w * z[k]) * c[j] for w, k, j in chain]))
            c.append(-_sum([(w * z[k]) * s[j] for w, k, j in chain]))
        return torch.stack(s), torch.stack(c)

    def exponential(self, z: Tensor) -> Tensor:
        """exp z, its own derivative."""
        y = [torch.exp(z[0])]
        for chain in self._recurrence:
            y.append(_sum([(w * z[k]) * y[j] for w, k, j in chain]))
        return torch.stack(y)

    def product(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.stack([_sum([a[k] * b[j] for k, j in pairs]) for pairs in self.pairs])

    def pulled(self, slope: Tensor, adjoint: Tensor) -> Tensor:
        """The adjoint of z from that of y = g(z), given the jet `slope` of g'(z): ∂y_m/∂z_k = slope_{m-k}.

        slope (K, N, h), adjoint (D, K, N, h).
        """
        result = torch.zeros_like(adjoint)
        for m, pairs in enumerate(self.pairs):
            for k, j in pairs:
                result[:, k] += slope[j] * adjoint[:, m]
        return result


@lru_cache(maxsize=32)
def series(wanted: tuple[Index, ...]) -> Series:
    return Series(wanted)


def _below(k: Index, m: Index) -> bool:
    return all(a <= b for a, b in zip(k, m, strict=True))


def _minus(m: Index, k: Index) -> Index:
    return tuple(a - b for a, b in zip(m, k, strict=True))


def _sum(terms: list[Tensor]) -> Tensor:
    return sum(terms[1:], start=terms[0])
