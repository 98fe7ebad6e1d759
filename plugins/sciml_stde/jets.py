"""Second-order Taylor mode through a tanh network, in batched products; torch differentiates it once, for Adam.

Along v, N(x + t v) = N + N' t + N'' t²/2. A layer h = tanh z, z = W h_below + b passes on
    h' = (1 - h²) z',   h'' = -2 h (1 - h²) z'² + (1 - h²) z''.
The estimate of ΔN is a weighted sum of N'' over directions; as W is linear, the sum is carried on instead of its terms:
one second-order vector for each estimate, beside one first-order vector for each direction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Network:
    """N(x) = last·(tanh layers) + linear·x + squares·x² + constant; all weights in one vector `theta` (size,).

    The terms without layers are what most of such a function is where every coordinate is small, about R/√d.
    """

    dimension: int
    width: int
    depth: int

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        inner = [(self.width, self.dimension), (self.width,)]
        for _ in range(self.depth - 1):
            inner += [(self.width, self.width), (self.width,)]
        return [*inner, (self.width,), (self.dimension,), (self.dimension,), (1,)]

    @property
    def size(self) -> int:
        return sum(math.prod(shape) for shape in self.shapes)

    @property
    def outer(self) -> int:
        """How many of the weights, at the end of theta, N is linear in."""
        return self.width + 2 * self.dimension + 1

    def unpack(self, theta: Tensor) -> list[Tensor]:
        sizes = [math.prod(shape) for shape in self.shapes]
        return [part.view(shape) for part, shape in zip(torch.split(theta, sizes), self.shapes, strict=True)]

    def initial(self, generator: torch.Generator, radius: float) -> Tensor:
        """Glorot's normal weights, and none behind the last layer: training starts from N = 0.

        Biases are random too: tanh is odd, and units without bias hold no even powers near the centre.

        A coordinate of a point is about R/√d; the first layer is scaled so that its units see numbers of order one.
        """
        parts = []
        for i, shape in enumerate(self.shapes[: 2 * self.depth]):
            spread = 1.0 if len(shape) == 1 else 1 / radius if i == 0 else math.sqrt(2 / sum(shape))
            parts.append(spread * torch.randn(shape, generator=generator, dtype=torch.float64))
        inner = torch.cat([part.reshape(-1) for part in parts])
        return torch.cat([inner, torch.zeros(self.outer, dtype=torch.float64)])


@dataclass(frozen=True)
class Directions:
    """Along which the network is expanded: axes (n, k) of each point by number, or vectors (n, k, d), or, with
    neither, all of space.

    The k directions are `estimates` groups of equal size; weight turns a group's sum of N'' into an estimate of ΔN.
    """

    axes: Tensor | None
    vectors: Tensor | None
    estimates: int
    weight: float


def hidden(
    network: Network, parts: list[Tensor], x: Tensor, along: Directions
) -> tuple[Tensor, Tensor, Tensor]:
    """Last hidden layer (n, width), its x·∇ (n, width), and the estimates of its Laplacian (n, estimates, width)."""
    first = parts[0]
    outward = x @ first.T  # derivative along x itself
    z = outward + parts[1]
    if along.axes is not None:
        tangent = first.T[along.axes]
    elif along.vectors is not None:
        tangent = along.vectors @ first.T
    else:
        tangent = _factor(first).expand(len(x), -1, -1)
    second = torch.zeros(len(x), along.estimates, network.width, dtype=x.dtype)
    h, outward, tangent, second = _through_tanh(z, outward, tangent, second, along)
    for weights, bias in zip(parts[2 : 2 * network.depth : 2], parts[3 : 2 * network.depth : 2], strict=True):
        z = h @ weights.T + bias
        outward, tangent, second = (part @ weights.T for part in (outward, tangent, second))
        h, outward, tangent, second = _through_tanh(z, outward, tangent, second, along)
    return h, outward, second


def _factor(first: Tensor) -> Tensor:
    """Few rows t with Σ t tᵀ = W Wᵀ, which is all that the Laplacian sees of the first layer: d or `width` of them."""
    width, dimension = first.shape
    return first.T if dimension <= width else torch.linalg.qr(first.T)[1]


def _through_tanh(
    z: Tensor, outward: Tensor, tangent: Tensor, second: Tensor, along: Directions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The same four behind the nonlinearity. tangent: (n, directions, width)."""
    h = torch.tanh(z)
    slope = 1 - h * h
    squares = tangent.square().view(len(z), along.estimates, -1, z.shape[1]).sum(2)
    bent = (-2 * along.weight) * (h * slope)[:, None] * squares
    return h, slope * outward, slope[:, None] * tangent, bent + slope[:, None] * second


def jet(network: Network, theta: Tensor, x: Tensor, along: Directions) -> tuple[Tensor, Tensor, Tensor]:
    """N (n,), x·∇N (n,) and the estimates of ΔN (n, estimates)."""
    parts = network.unpack(theta)
    h, outward, second = hidden(network, parts, x, along)
    last, linear, squares, constant = parts[-4:]
    straight, bent = x @ linear, x.square() @ squares
    value = h @ last + straight + bent + constant
    return value, outward @ last + straight + 2 * bent, second @ last + 2 * squares.sum()
