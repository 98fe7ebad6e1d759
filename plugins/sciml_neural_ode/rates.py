"""What series of outputs say about rates: differences, and local polynomials where the data are noisy."""

from __future__ import annotations

import numpy as np
import torch
from scipy.signal import savgol_filter
from torch import Tensor

DEGREE = 4  # of the local polynomials


def rates_of(values: Tensor, times: Tensor) -> Tensor:
    """dz/dt (members, times, fields) by central differences of fourth order inside, of second at the ends of a series;
    output times are equally far apart."""
    gap = float(times[1] - times[0])
    (rates,) = torch.gradient(values, spacing=gap, dim=1, edge_order=2 if values.shape[1] > 2 else 1)
    if values.shape[1] >= 5:
        near, far = values[:, 3:-1] - values[:, 1:-3], values[:, 4:] - values[:, :-4]
        rates[:, 2:-2] = (8 * near - far) / (12 * gap)
    return rates


def smoothed(values: Tensor, times: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Values and rates (members, times, fields) of the polynomial of degree 4 through each output and `side` to both
    sides of it, by least squares (Savitzky & Golay 1964)."""
    gap = float(times[1] - times[0])
    fitted = [
        savgol_filter(values.numpy(), 2 * side + 1, DEGREE, deriv=order, delta=gap, axis=1) for order in (0, 1)
    ]
    return torch.from_numpy(np.ascontiguousarray(fitted[0])), torch.from_numpy(np.ascontiguousarray(fitted[1]))
