"""The multigrid neural operator: layers u <- gelu(W u + C u + b), W a V-cycle, C a 1x1 map; no lifting, a 1x1 head.

He, Liu and Xu, ICLR 2024 (arXiv 2310.19809), section 3. The first layer's f has the input's channels on every level.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .cycle import Cycle
from .layout import Layout


class Layer(nn.Module):
    """gelu(norm(W f + C f + b)): (batch, inputs, y, x) to (batch, channels, y, x)."""

    def __init__(self, inputs: int, layout: Layout) -> None:
        super().__init__()
        self.cycle = Cycle(inputs, layout)
        linked = layout.link == "affine" or (layout.link == "linear" and inputs == layout.channels)
        self.link = nn.Linear(inputs, layout.channels, bias=layout.link == "affine") if linked else None
        self.norm = nn.LayerNorm((layout.channels, *layout.grid)) if layout.norm == "layer" else None

    def forward(self, f: Tensor) -> Tensor:
        u: Tensor = self.cycle(f)
        if self.link is not None:
            u = u.add_(self.link(f.movedim(1, -1)).movedim(-1, 1))
        if self.norm is not None:
            u = self.norm(u)
        return functional.gelu(u)


class MgNO(nn.Module):
    """(batch, inputs, y, x) to (batch, outputs, y, x) on the layout's grid."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        widths = [layout.inputs, *[layout.channels] * (layout.layers - 1)]
        self.layers = nn.ModuleList(Layer(inputs, layout) for inputs in widths)
        self.head = nn.Linear(layout.channels, layout.outputs, bias=False)

    def forward(self, a: Tensor) -> Tensor:
        u = a.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            u = layer(u)
        return cast(Tensor, self.head(u.movedim(1, -1)).movedim(-1, 1))
