"""What the networks in (t, x) share: pointwise terms on a grid of times and points, and the residual's filter."""

from __future__ import annotations

import torch
from torch import Tensor

from sciml.equation import tree
from sciml.numerics.fourier import FourierBasis
from sciml.numerics.pseudospectral import torch_function
from sciml.problem import Problem


def evaluate(expression: tree.Expr, atoms: Tensor, t: Tensor, coordinates: dict[str, Tensor]) -> Tensor:
    """A term of the strong form, (T, X), from its atoms (atoms, T, X) and the times (T,)."""

    def leaf(node: tree.Expr) -> Tensor:
        if isinstance(node, tree.Atom):
            return atoms[node.index]
        assert isinstance(node, tree.Coordinate)
        return t[:, None] if node.name == "t" else coordinates[node.name]

    value = torch.as_tensor(tree.evaluate(expression, leaf, torch_function), dtype=torch.float64)
    return value.expand(len(t), *next(iter(coordinates.values())).shape)


def decay(problem: Problem, basis: FourierBasis, size: int) -> Tensor:
    """|λ_k| on a grid of `size` points, (fields, size//2 + 1). Grids carry a Nyquist mode, so the symbols are those
    of a larger basis."""
    linear, wide = problem.equation.semilinear, basis.with_modes((size // 2,))
    rows = [wide.functional(linear.linear[f], linear.fields)[i] for i, f in enumerate(linear.fields)]
    return torch.stack(rows).abs()


def filters(decay: Tensor, size: int, length: float, power: float) -> Tensor:
    """The filter 1/(1 + Tw |λ_k|)^p as a symmetric circulant matrix for each field, (fields, X, X)."""
    row = torch.fft.irfft(((1 + length * decay) ** -power).to(torch.complex128), n=size)
    lag = torch.arange(size)
    circulant: Tensor = row[:, (lag[:, None] - lag) % size]
    return circulant
