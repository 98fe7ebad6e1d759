"""The adjusted potential of a light Schroedinger bridge (Korotin, Gushchin & Burnaev, ICLR 2024).

    v(x1) = Σ_k a_k N(x1 | m_k, eps S_k)                                            (eq. 8 there)
    c(x0) = ∫ exp(<x0, x1>/eps) v(x1) dx1 = Σ_k a_k exp((x0ᵀ S_k x0 + 2 m_kᵀ x0)/(2 eps))   (prop. 3.2)
    π(x1 | x0) = Σ_k w_k(x0) N(x1 | m_k + S_k x0, eps S_k), w_k the terms of c           (prop. 3.3)

This couples x0 and x1 as entropic transport with the cost |x0 - x1|²/2 does. S_k = L_k L_kᵀ, L_k lower triangular with
a positive diagonal, kept as its logarithm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class Potential:
    """logits: (K,) of log a_k; means: (K, d); logs: (K, d), of the diagonals of L; below: (K, d, d), the rest of L."""

    logits: Tensor
    means: Tensor
    logs: Tensor
    below: Tensor
    eps: float

    @classmethod
    def at(cls, centres: Tensor, scale: float, eps: float) -> Potential:
        """Components of equal weight at the centres (K, d), with S = scale."""
        k, d = centres.shape
        logs = torch.full((k, d), 0.5 * math.log(scale), dtype=centres.dtype)
        return cls(centres.new_zeros(k), centres.clone(), logs, centres.new_zeros(k, d, d), eps)

    def shifted(self, a: Tensor, b: Tensor) -> Potential:
        """Of x0 and x1, where this one is of x0 - a and x1 - b: <x0, x1> differs by terms that v takes in."""
        factor = self.factor()
        moved = torch.einsum("kde,kfe,f->kd", factor, factor, a)  # S a
        logits = self.logits - (self.means @ a - 0.5 * moved @ a) / self.eps
        return Potential(logits, self.means + b - moved, self.logs, self.below, self.eps)

    def parameters(self) -> list[Tensor]:
        return [self.logits, self.means, self.logs, self.below]

    def factor(self) -> Tensor:
        """L: (K, d, d)."""
        return torch.tril(self.below, -1) + torch.diag_embed(self.logs.exp())

    def log_v(self, x: Tensor) -> Tensor:
        """x: (n, d) -> (n,)."""
        factor, d = self.factor(), x.shape[1]
        apart = (x[None] - self.means[:, None]).transpose(1, 2)  # (K, d, n)
        whitened = torch.linalg.solve_triangular(factor, apart, upper=False)
        squares = (whitened**2).sum(1) / self.eps  # (K, n)
        constants = self.logits - self.logs.sum(1) - 0.5 * d * math.log(2 * math.pi * self.eps)
        return torch.logsumexp(constants[:, None] - 0.5 * squares, 0)

    def terms(self, x: Tensor) -> Tensor:
        """log of the terms of c(x0): (n, K)."""
        rotated = torch.einsum("nd,kde->nke", x, self.factor())  # Lᵀ x
        return self.logits + ((rotated**2).sum(-1) + 2 * x @ self.means.T) / (2 * self.eps)

    def log_c(self, x: Tensor) -> Tensor:
        """x: (n, d) -> (n,)."""
        return torch.logsumexp(self.terms(x), 1)

    def conditional_mean(self, x: Tensor) -> Tensor:
        """E[x1 | x0]: (n, d)."""
        return torch.einsum("nk,nkd->nd", torch.softmax(self.terms(x), 1), self._means(x))

    def _means(self, x: Tensor) -> Tensor:
        factor = self.factor()
        return self.means + torch.einsum("kde,kfe,nf->nkd", factor, factor, x)

    def sample_end(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """One x1 for each x0, from π(x1 | x0): (n, d)."""
        with torch.no_grad():
            which = torch.multinomial(torch.softmax(self.terms(x), 1), 1, generator=generator)[:, 0]
            noise = torch.randn(x.shape, dtype=x.dtype, generator=generator)
            means = self._means(x)[torch.arange(len(x)), which]
            return means + math.sqrt(self.eps) * torch.einsum("nde,ne->nd", self.factor()[which], noise)
