"""A sum of Gaussians (Kang et al., PIG: Physics-Informed Gaussians as Adaptive Parametric Mesh Representations, ICLR
2025: its plain form, with diagonal covariances), periodic in space.

Over z = (2τ - 1, cos ωx, sin ωx) a unit is exp(-½ Σ_k s_k² (z_k - m_k)²): in time a Gaussian, in space, with its centre
on the circle and both widths equal, a von Mises bump. With two widths of its own it can be lopsided, off the circle
sharper or flatter. A constant is added to the sum.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..trained import jets
from ..trained.network import Applied, TrainedNetwork, affine

INPUTS = 3  # time and the first mode in space
OVERLAP = 1.5  # width in space at first, in distances: narrower ones also carry modes that no collocation point sees


class Gaussians(TrainedNetwork):
    """θ: centres m and sharpnesses s, (units, 3) each, then the output layer: amplitudes (outputs, units) and
    constants (outputs,)."""

    def __init__(self, units: int, outputs: int) -> None:
        self.units, self.outputs = units, outputs
        self.head = outputs * (units + 1)
        self.count = 2 * units * INPUTS + self.head

    def split(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Centres, sharpnesses, amplitudes, constants."""
        shape = self.units * INPUTS
        centre, sharpness, amplitude, constant = torch.split(
            theta, [shape, shape, self.head - self.outputs, self.outputs]
        )
        unit = (self.units, INPUTS)
        return centre.reshape(unit), sharpness.reshape(unit), amplitude.reshape(self.outputs, -1), constant

    def spread(self, rows: int, slope: float) -> Tensor:
        """θ: centres in `rows` rows of equal times, evenly spaced in a row and staggered from row to row, in space
        about as wide as they are apart in a row; `slope`: one over the width in time, in windows; amplitudes zero."""
        index = torch.arange(self.units, dtype=torch.float64)
        angle = 2 * math.pi * index / self.units
        time = 2 * (index % rows + 0.5) / rows - 1
        across = torch.full_like(angle, self.units / (2 * math.pi * rows * OVERLAP))
        along = torch.full_like(angle, 0.5 * slope)  # the input 2τ - 1 runs twice as fast as τ
        centre = torch.stack([time, angle.cos(), angle.sin()], 1)
        sharpness = torch.stack([along, across, across], 1)
        return torch.cat([centre.flatten(), sharpness.flatten(), centre.new_zeros(self.head)])

    def forward(self, theta: Tensor, jet: Tensor, layout: jets.Layout) -> tuple[Tensor, list[Applied]]:
        """See `TrainedNetwork`."""
        centre, sharpness, amplitude, constant = self.split(theta)
        bells = exponents(jet, centre, sharpness, layout)
        head = affine(jets.exp(bells.output, layout), amplitude, constant)
        return head.output, [bells, head]


def exponents(jet: Tensor, centre: Tensor, sharpness: Tensor, layout: jets.Layout) -> Applied:
    """-½ Σ_k s_k² (z_k - m_k)² is affine in (z, z²), with weights (s² m, -½ s²) and bias -½ Σ_k s_k² m_k²; the chain
    rule leads on from these to centres m and sharpnesses s."""
    m, s, square = centre.detach(), sharpness.detach(), sharpness**2
    weight, bias = torch.cat([square * centre, -0.5 * square], 1), -0.5 * (square * centre**2).sum(1)
    bells = affine(torch.cat([jet, jets.product(jet, jet, layout)], -1), weight, bias)

    def pull(cotangent: Tensor) -> Tensor:
        units = len(m)
        by_weight, by_bias = bells.pull(cotangent).tensor_split([2 * INPUTS * units], 1)
        linear, quadratic = by_weight.reshape(-1, units, 2 * INPUTS).tensor_split(2, 2)
        constant = by_bias[..., None]
        by_centre = s**2 * (linear - m * constant)
        by_sharpness = s * (2 * m * linear - quadratic - m**2 * constant)
        return torch.cat([by_centre.flatten(1), by_sharpness.flatten(1)], 1)

    return Applied(bells.output, pull)
