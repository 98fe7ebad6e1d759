"""From a problem's grid and initial data to a Fourier basis and coefficients."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..problem import Problem
from .fourier import FourierBasis

FINE = {0: 0, 1: 2**15, 2: 512, 3: 96}  # samples per axis for data given by a formula, at least


def fourier_basis(
    problem: Problem, modes: Sequence[int], device: str = "cpu", dtype: torch.dtype = torch.float64
) -> FourierBasis:
    """The basis of the problem's box with the given modes per axis."""
    axes = problem.grid.axes
    return FourierBasis(
        tuple(a.name for a in axes), tuple(a.lower for a in axes), tuple(a.length for a in axes), tuple(modes),
        device, dtype,
    )  # fmt: skip


def initial_coefficients(problem: Problem, basis: FourierBasis) -> Tensor:
    """(fields, *basis.shape): the projection of the initial data on the stored modes.

    Formulas are sampled far finer than the modes, so that data with a kink are projected rather than
    aliased; arrays are their trigonometric interpolant.
    """
    if not basis.dim:
        return torch.as_tensor(problem.initial(), device=basis.device).to(basis.complex_dtype)
    shape = problem.grid.shape
    if problem.initial_text:
        shape = tuple(max(FINE[basis.dim], 4 * k + 4) for k in basis.modes)
    values = torch.as_tensor(problem.initial(shape), dtype=torch.float64, device=basis.device)
    return basis.from_grid(values.to(basis.dtype))


def resolved_modes(problem: Problem, tail: float, least: int, most: int) -> tuple[int, ...]:
    """Fewest modes per axis (between `least` and `most`) that hold the initial data down to `tail`."""
    dim = len(problem.grid.axes)
    modes = [least] * dim
    while True:
        basis = fourier_basis(problem, modes)
        tails = basis.tail(initial_coefficients(problem, basis))
        grown = [min(most, -(-3 * k // 2)) if t > tail else k for k, t in zip(modes, tails, strict=True)]
        if grown == modes:
            return tuple(modes)
        modes = grown
