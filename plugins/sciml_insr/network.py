"""Networks over space, f_θ: R^dim -> R^outputs, with spatial derivatives and their Jacobians in θ.

`Siren` (Sitzmann et al., NeurIPS 2020): sin(ω (W h + b)) layers, linear head. `Gaussians` (Kang et al.,
"PIG: Physics-Informed Gaussians as adaptive parametric mesh representations", ICLR 2025, eq. 8): a sum of Gaussians
whose centres, widths and amplitudes are all trained. Parameters are one flat vector.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .embedding import Embedding
from .series import Index, Series, series

Wanted = Sequence[tuple[int, Index]]  # (output, multi-index of the derivative)
SHARPNESS = 0.5  # of a Gaussian at first, in units of the inputs, per number of them along an axis
WORDS = 1 << 22  # of a block of intermediate results: what stays in the cache is faster than what does not


class Network(ABC):
    """`count` parameters; `values` and `jacobian` for any set of derivatives."""

    count: int
    outputs: int

    def __init__(self, embedding: Embedding, outputs: int) -> None:
        self.embedding, self.outputs = embedding, outputs

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Tensor:
        """Random parameters to start a fit from. (count,)"""

    @abstractmethod
    def _sweep(
        self, theta: Tensor, jet: Tensor, algebra: Series, wanted: Wanted, tangent: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Taylor coefficients (D, N) and, if asked, their Jacobian (D, N, count)."""

    def values(self, theta: Tensor, points: Tensor, wanted: Wanted) -> Tensor:
        """Derivatives at points (dim, N). (D, N), differentiable in θ."""
        algebra = series(tuple(dict.fromkeys(k for _, k in wanted)))
        found, _ = self._sweep(theta, self.embedding.jet(points, algebra), algebra, wanted, False)
        return found * self._factorials(algebra, wanted)[:, None]

    def jacobian(self, theta: Tensor, points: Tensor, wanted: Wanted) -> tuple[Tensor, Tensor]:
        """(D, N) and (D, N, count)."""
        algebra = series(tuple(dict.fromkeys(k for _, k in wanted)))
        total = points.shape[1]
        values = points.new_empty(len(wanted), total)
        slopes = points.new_empty(len(wanted), total, self.count)
        size = max(16, WORDS // (len(wanted) * self.count))
        with torch.no_grad():
            for first in range(0, total, size):
                part = slice(first, first + size)
                jet = self.embedding.jet(points[:, part], algebra)
                values[:, part], slope = self._sweep(theta, jet, algebra, wanted, True)
                assert slope is not None
                slopes[:, part] = slope
        factorials = self._factorials(algebra, wanted)
        return values.mul_(factorials[:, None]), slopes.mul_(factorials[:, None, None])

    def _factorials(self, algebra: Series, wanted: Wanted) -> Tensor:
        return torch.tensor([float(algebra.factorial[algebra.row[k]]) for _, k in wanted], dtype=torch.float64)


class Siren(Network):
    """`depth` hidden layers of `width` sines."""

    def __init__(self, embedding: Embedding, outputs: int, width: int, depth: int, omega: float) -> None:
        super().__init__(embedding, outputs)
        self.omega = omega
        self.shapes = [(width, embedding.inputs), *[(width, width)] * (depth - 1), (outputs, width)]
        self.count = sum(out * (into + 1) for out, into in self.shapes)

    def draw(self, rng: np.random.Generator) -> Tensor:
        """As in the paper, section 3.2: first layer U(±1/inputs), the others U(±sqrt(6/width)/ω)."""
        parts = []
        for n, (out, into) in enumerate(self.shapes):
            bound = 1 / into if n == 0 else math.sqrt(6 / into) / self.omega
            parts += [rng.uniform(-bound, bound, out * into), rng.uniform(-1, 1, out) / math.sqrt(into)]
        return torch.as_tensor(np.concatenate(parts))

    def _layers(self, theta: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        at = 0
        for out, into in self.shapes:
            yield theta[at : at + out * into].reshape(out, into), theta[at + out * into : at + out * (into + 1)]
            at += out * (into + 1)

    def _sweep(
        self, theta: Tensor, jet: Tensor, algebra: Series, wanted: Wanted, tangent: bool
    ) -> tuple[Tensor, Tensor | None]:
        layers, hidden, tape = list(self._layers(theta)), jet, []
        for weight, bias in layers[:-1]:
            z = hidden @ (self.omega * weight).T
            z = torch.cat([z[:1] + self.omega * bias, z[1:]])
            sine, cosine = algebra.sine(z)
            tape.append((hidden, cosine))
            hidden = sine
        weight, bias = layers[-1]
        out = hidden @ weight.T
        out = torch.cat([out[:1] + bias, out[1:]])
        found = torch.stack([out[algebra.row[k], :, output] for output, k in wanted])
        if not tangent:
            return found, None
        adjoint = jet.new_zeros(len(wanted), *out.shape)
        for i, (output, k) in enumerate(wanted):
            adjoint[i, algebra.row[k], :, output] = 1
        slopes, end = jet.new_empty(*found.shape, self.count), self.count
        inputs = [h for h, _ in tape] + [hidden]
        for n in reversed(range(len(layers))):
            weight, _ = layers[n]
            scale = 1.0
            if n < len(tape):
                scale = self.omega
                adjoint = algebra.pulled(tape[n][1], adjoint)
            into = _outer(adjoint, inputs[n])
            slopes[:, :, end - weight.shape[0] : end] = scale * adjoint[:, 0]
            end -= weight.shape[0] + weight.numel()
            slopes[:, :, end : end + weight.numel()] = scale * into
            if n:
                adjoint = scale * (adjoint @ weight)
        return found, slopes


class Gaussians(Network):
    """Σ_i c_i exp(-½ Σ_a (s_ia (z_a(x) - m_ia))²) over the embedded coordinates z; trained: m, log s, c."""

    def __init__(self, embedding: Embedding, outputs: int, count: int) -> None:
        super().__init__(embedding, outputs)
        self.kernels, self.inputs = count, embedding.inputs
        self.count = count * (2 * self.inputs + outputs)

    def draw(self, rng: np.random.Generator) -> Tensor:
        """Centres where points of the domain are embedded, widths about their distance, small amplitudes."""
        centres = self.embedding.spread(self.kernels, rng)
        sharpness = SHARPNESS * self.kernels ** (1 / self.embedding.dim)
        parts = (centres, np.full_like(centres, math.log(sharpness)), rng.normal(size=(self.outputs, self.kernels)))
        return torch.as_tensor(np.concatenate([p.ravel() for p in parts]))

    def _sweep(
        self, theta: Tensor, jet: Tensor, algebra: Series, wanted: Wanted, tangent: bool
    ) -> tuple[Tensor, Tensor | None]:
        size = self.kernels * self.inputs
        centre = theta[:size].reshape(self.kernels, self.inputs)
        sharp = theta[size : 2 * size].reshape(self.kernels, self.inputs).exp()
        amplitude = theta[2 * size :].reshape(self.outputs, self.kernels)
        exponent, squares, away = jet.new_zeros(1), [], []
        for a in range(self.inputs):
            z = jet[:, :, a, None].expand(-1, -1, self.kernels)
            z = torch.cat([z[:1] - centre[:, a], z[1:]])
            square = algebra.product(z, z) * sharp[:, a] ** 2
            exponent = exponent - 0.5 * square
            squares.append(square)
            away.append(z * sharp[:, a] ** 2)
        bump = algebra.exponential(exponent)  # (K, N, kernels)
        found = torch.stack([bump[algebra.row[k]] @ amplitude[output] for output, k in wanted])
        if not tangent:
            return found, None
        slopes = jet.new_zeros(*found.shape, self.count)
        rows = [algebra.row[k] for _, k in wanted]
        scale = torch.stack([amplitude[output] for output, _ in wanted])[:, None, :]
        for a in range(self.inputs):
            slopes[:, :, a : size : self.inputs] = scale * algebra.product(bump, away[a])[rows]
            slopes[:, :, size + a : 2 * size : self.inputs] = -scale * algebra.product(bump, squares[a])[rows]
        for i, (output, _) in enumerate(wanted):
            first = 2 * size + output * self.kernels
            slopes[i, :, first : first + self.kernels] = bump[rows[i]]
        return found, slopes


def _outer(adjoint: Tensor, hidden: Tensor) -> Tensor:
    """Σ_k adjoint_k ⊗ hidden_k: (D, K, N, o), (K, N, i) -> (D, N, o·i)."""
    count, _, points, out = adjoint.shape
    left = adjoint.permute(2, 0, 3, 1).reshape(points, count * out, -1)  # (N, D·o, K)
    right = hidden.permute(1, 0, 2)  # (N, K, i)
    return torch.bmm(left, right).reshape(points, count, -1).transpose(0, 1)
