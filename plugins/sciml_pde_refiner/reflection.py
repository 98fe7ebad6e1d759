"""Whether an equation on a line has a mirror symmetry, found by trying."""

from __future__ import annotations

import torch

from sciml.numerics.pseudospectral import PseudoSpectral
from sciml.problem import Problem

from .coarse import basis

MODES = 8
CLOSE = 1e-10


def parity(problem: Problem) -> float | None:
    """s = 1 or -1 if u(x) -> s u(-x) maps solutions to solutions, for all fields alike; None if neither does.

    In coefficients the mirror image is the complex conjugate, about the lower end of the axis.
    """
    system = PseudoSpectral(problem.equation, basis(problem, [MODES]))
    generator = torch.Generator().manual_seed(1)
    state = torch.randn(len(system.fields), MODES + 1, 2, generator=generator, dtype=torch.float64)
    state = torch.view_as_complex(state)
    state[:, 0] = state[:, 0].real.to(state.dtype)
    rate = system.rate(state, 0.0)
    for sign in (1.0, -1.0):
        mirrored = system.rate(sign * state.conj(), 0.0)
        if float((mirrored - sign * rate.conj()).abs().max()) <= CLOSE * float(rate.abs().max()):
            return sign
    return None
