"""Values on both sides of faces from cell averages.

Arrays hold cells along one dimension; the faces are those between cells `reach` - 1 and n - reach.
"""

from __future__ import annotations

import torch
from torch import Tensor

REACH = 3  # cells on each side of the first face


def _cells(u: Tensor, dim: int, shift: int) -> Tensor:
    """Cell i + shift for every face i + 1/2."""
    faces = u.shape[dim] - 2 * REACH + 1
    return u.narrow(dim, REACH - 1 + shift, faces)


def traces(kind: str, limiter: str, u: Tensor, dim: int, floor: Tensor) -> tuple[Tensor, Tensor]:
    """Values on the lower and on the upper side of each face.

    floor: squares of differences below this count as none, of a shape that broadcasts with u.
    """
    if kind == "muscl":
        slopes = limited_slopes(limiter, u.diff(dim=dim), dim)  # of cells 1 … n - 2
        faces = u.shape[dim] - 2 * REACH + 1
        below, above = (slopes.narrow(dim, REACH - 2 + s, faces) for s in (0, 1))
        return _cells(u, dim, 0) + below / 2, _cells(u, dim, 1) - above / 2
    v = [_cells(u, dim, s) for s in range(-2, 4)]
    both = _weno(kind, [torch.stack([v[k], v[5 - k]]) for k in range(5)], floor)  # mirrored for the upper side
    return both[0], both[1]


def limited_slopes(limiter: str, differences: Tensor, dim: int) -> Tensor:
    """Slopes from the differences on both sides (van Leer 1974; minmod: Roe 1986)."""
    n = differences.shape[dim] - 1
    a, b = differences.narrow(dim, 0, n), differences.narrow(dim, 1, n)
    if limiter == "minmod":
        return (torch.sign(a) + torch.sign(b)) / 2 * torch.minimum(a.abs(), b.abs())
    product = (a * b).clamp_min_(0.0)
    total = a + b
    return torch.where(product > 0, 2 * product / torch.where(product > 0, total, 1.0), 0.0)


def indicators(v: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Smoothness of the three parabolas through five averages (Jiang & Shu, J. Comput. Phys. 126, 1996)."""
    a, b, c, d, e = v
    return (
        (a - 2 * b + c).square_().mul_(13 / 12).addcmul_(a - 4 * b + 3 * c, a - 4 * b + 3 * c, value=0.25),
        (b - 2 * c + d).square_().mul_(13 / 12).addcmul_(b - d, b - d, value=0.25),
        (c - 2 * d + e).square_().mul_(13 / 12).addcmul_(3 * c - 4 * d + e, 3 * c - 4 * d + e, value=0.25),
    )


def _weno(kind: str, v: list[Tensor], floor: Tensor) -> Tensor:
    """The value on the upper side of the middle cell: fifth order where smooth (Jiang & Shu 1996; weno-z: Borges,
    Carmona, Costa & Don, J. Comput. Phys. 227, 2008)."""
    a, b, c, d, e = v
    s = indicators(v)
    if kind == "weno-z":
        far = (s[0] - s[2]).abs_()
        w = [weight * (1 + (far / (one + floor)).square_()) for weight, one in zip((0.1, 0.6, 0.3), s, strict=True)]
    else:
        w = [weight / (one + floor).square_() for weight, one in zip((0.1, 0.6, 0.3), s, strict=True)]
    value = w[0] * (2 * a - 7 * b + 11 * c)
    value.addcmul_(w[1], 5 * c - b + 2 * d).addcmul_(w[2], 2 * c + 5 * d - e)
    return value.div_((w[0] + w[1] + w[2]).mul_(6.0))
