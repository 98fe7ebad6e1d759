"""A multigrid V-cycle whose operators are learned convolutions.

He, Liu and Xu, "MgNO: efficient parameterization of linear operators via multigrid", ICLR 2024 (arXiv 2310.19809),
Algorithm 1. On level l, with f^0 the input and u^0 = 0,

    smoothing       u <- u + S (f - A u)
    restriction     f^{l+1} = R f          or, restriction="residual" and as in the paper, R (f - A u);  u^{l+1} = Pi u
    prolongation    u^l <- u^l + P u^{l+1},

S, A: 3x3; R, Pi: 3x3 of stride 2; P: transposed, 3 or 4 points wide, stride 2. All are linear (biases apart), so the
cycle is a linear map of f; boundary conditions enter by how convolutions continue a field beyond its grid.

Sums are written into a convolution's fresh output, which no gradient needs: at these sizes new memory costs more than
the sum.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layout import Layout


class Convolution(nn.Conv2d):
    """3x3, the field continued by one point on every side."""

    def __init__(self, inputs: int, outputs: int, layout: Layout, stride: int = 1, bias: bool = False) -> None:
        super().__init__(inputs, outputs, 3, stride, 1, bias=bias, padding_mode=layout.padding)

    def forward(self, u: Tensor) -> Tensor:
        """Channels last: convolutions of a few channels run about twice as fast so. Of one channel torch cannot tell
        the format, so that the output is told."""
        return super().forward(u).contiguous(memory_format=torch.channels_last)

    def subtracted(self, f: Tensor, u: Tensor) -> Tensor:
        """f - A u. The sign goes to the weights, so that the sum needs no second field."""
        bias = None if self.bias is None else -self.bias
        product: Tensor = self._conv_forward(u, -self.weight, bias)
        return product.add_(f)


class Prolongation(nn.Module):
    """Transposed convolution of stride 2 to a given finer grid; weight: (coarse, fine, ky, kx).

    Coarse point i meets fine points 2i - 1 to 2i + 1, or to 2i + 2. Beyond the grid the coarse field is continued as in
    the convolutions (torch's own transposed convolution knows zeros only).
    """

    def __init__(self, coarse: int, fine: int, grid: tuple[int, int], layout: Layout) -> None:
        super().__init__()
        wide = [3 if n % 2 or layout.prolongation == "3" else 4 for n in grid]
        self.padding = layout.padding
        self.weight = nn.Parameter(torch.empty(coarse, fine, *wide))
        bound = (fine * wide[0] * wide[1]) ** -0.5  # torch's own choice for such a layer
        nn.init.uniform_(self.weight, -bound, bound)

    def forward(self, u: Tensor, grid: tuple[int, int]) -> Tensor:
        """(batch, coarse, y, x) to (batch, fine, *grid)."""
        extra = [n - 2 * m + 4 - k for n, m, k in zip(grid, u.shape[2:], self.weight.shape[2:], strict=True)]
        if self.padding == "zeros":
            return functional.conv_transpose2d(u, self.weight, stride=2, padding=1, output_padding=extra)
        u = functional.pad(u, (1, 1, 1, 1), mode=self.padding)  # two fine points more on every side
        return functional.conv_transpose2d(u, self.weight, stride=2, padding=3, output_padding=extra)


class Smoothing(nn.Module):
    """One step u <- u + S (f - A u); without A the first one, from u = 0: u = S f."""

    def __init__(self, f: int, u: int, layout: Layout, from_zero: bool) -> None:
        super().__init__()
        self.operator = None if from_zero else Convolution(u, f, layout, bias=layout.bias != "none")
        self.smoother = Convolution(f, u, layout, bias=layout.bias == "both")

    def forward(self, u: Tensor | None, f: Tensor) -> Tensor:
        if self.operator is None or u is None:
            return cast(Tensor, self.smoother(f))
        correction: Tensor = self.smoother(self.operator.subtracted(f, u))
        return correction.add_(u)


class Level(nn.Module):
    """Everything of one level but the way to the coarser one."""

    def __init__(self, level: int, f: int, u: int, layout: Layout) -> None:
        super().__init__()
        pre, post = layout.smoothing[level]
        self.pre = nn.ModuleList(Smoothing(f, u, layout, level == 0 and i == 0) for i in range(pre))
        self.post = nn.ModuleList(Smoothing(f, u, layout, False) for _ in range(post))


class Descent(nn.Module):
    """From one level to the next and back."""

    def __init__(self, level: int, inputs: int, layout: Layout) -> None:
        super().__init__()
        grid = layout.sizes[level]
        f, coarse_f = layout.width(inputs, level), layout.width(inputs, level + 1)
        u, coarse_u = layout.width(layout.channels, level), layout.width(layout.channels, level + 1)
        needs_operator = layout.restriction == "residual"
        self.operator = Convolution(u, f, layout, bias=layout.bias != "none") if needs_operator else None
        self.restrict_f = Convolution(f, coarse_f, layout, stride=2)
        self.restrict_u = Convolution(u, coarse_u, layout, stride=2)
        self.prolong = Prolongation(coarse_u, u, grid, layout)
        self.norm = nn.LayerNorm((u, *grid)) if layout.norm == "levels" else None


class Cycle(nn.Module):
    """W: (batch, inputs, y, x) to (batch, channels, y, x)."""

    def __init__(self, inputs: int, layout: Layout) -> None:
        super().__init__()
        levels = len(layout.smoothing)
        self.levels = nn.ModuleList(
            Level(level, layout.width(inputs, level), layout.width(layout.channels, level), layout)
            for level in range(levels)
        )
        self.descents = nn.ModuleList(Descent(level, inputs, layout) for level in range(levels - 1))

    def forward(self, f: Tensor) -> Tensor:
        return self._below(0, None, f)

    def _below(self, index: int, u: Tensor | None, f: Tensor) -> Tensor:
        """The cycle from a level downwards: u there, improved."""
        level = cast(Level, self.levels[index])
        for step in level.pre:
            u = step(u, f)
        assert u is not None
        if index < len(self.descents):
            descent = cast(Descent, self.descents[index])
            left = f if descent.operator is None else descent.operator.subtracted(f, u)
            coarse = self._below(index + 1, descent.restrict_u(u), descent.restrict_f(left))
            correction: Tensor = descent.prolong(coarse, (u.shape[2], u.shape[3]))
            u = correction.add_(u)
            if descent.norm is not None:
                u = descent.norm(u)
        for step in level.post:
            u = step(u, f)
        assert u is not None
        return u
