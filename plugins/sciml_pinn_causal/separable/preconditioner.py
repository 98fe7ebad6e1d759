"""The linear part of the least-squares problem, mode by mode: small matrices A_k = Φ'/Tw - λ_k Φ and their QR."""

from __future__ import annotations

import torch
from torch import Tensor

from .time_basis import TimeBasis


class ModeFactors:
    """QR of √q f_k A_k for every distinct λ_k; modes with the same symbol share a factor.

    scale: the filter f_k = Tw/(1 + Tw|λ_k|)^p of the residual, (fields, *modes).
    """

    def __init__(self, time: TimeBasis, lam: Tensor, length: float, power: float) -> None:
        self.shape = lam.shape
        self.scale = length / (1 + length * lam.abs()) ** power
        real = bool((lam.imag == 0).all())
        keys = lam.real.reshape(-1) if real else torch.view_as_real(lam.reshape(-1).resolve_conj())
        distinct, self.which = torch.unique(keys, dim=0, return_inverse=True)
        symbols = distinct if real else torch.view_as_complex(distinct.contiguous())
        filters = length / (1 + length * symbols.abs()) ** power
        values, slopes = time.evaluate(time.nodes)
        root = torch.sqrt(time.quadrature)[:, None]
        rows = root * (slopes / length - symbols[:, None, None] * values) * filters[:, None, None]
        orthogonal, upper = torch.linalg.qr(rows)
        eye = torch.eye(time.rank, dtype=upper.dtype).expand_as(upper)
        inverse = torch.linalg.solve_triangular(upper, eye, upper=True)
        self._inverse = inverse[self.which]  # (fields·modes, r, r)
        self._adjoint = inverse.mH[self.which].contiguous()
        self._solve = (inverse @ orthogonal.mH)[self.which]  # (fields·modes, r, m)

    def inverse(self, z: Tensor) -> Tensor:
        """R⁻¹ z: (r, fields, *modes) to itself."""
        return self._product(self._inverse, z)

    def inverse_adjoint(self, z: Tensor) -> Tensor:
        """R⁻ᴴ z."""
        return self._product(self._adjoint, z)

    def solve(self, rows: Tensor) -> Tensor:
        """Least squares with the linear part alone: (m, fields, *modes), weighted rows -> (r, fields, *modes)."""
        return self._product(self._solve, rows)

    def _product(self, matrices: Tensor, rows: Tensor) -> Tensor:
        flat = rows.reshape(len(rows), -1).T.contiguous()  # (fields·modes, rows)
        if matrices.is_complex():
            result = torch.bmm(matrices, flat[..., None])[..., 0]
        else:
            result = torch.view_as_complex(torch.bmm(matrices, torch.view_as_real(flat)))
        return result.T.reshape(-1, *self.shape).contiguous()
