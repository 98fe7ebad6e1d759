"""Real fields on a periodic box as truncated Fourier series.

A field is stored by the coefficients of the modes |k_d| <= K_d, in the layout of a real FFT: all axes
but the last hold 2K+1 modes in FFT order, the last holds 0..K. There is no Nyquist mode, so odd and
even derivatives are exact on every stored mode. Coefficients are those of the series
u(x) = Σ û_k exp(i κ·(x - lower)), independent of any grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..equation import Functional, Monomial, Operator


@dataclass(frozen=True)
class FourierBasis:
    """Modes |k_d| <= modes[d] on a box of the given lengths; no axes at all is a single point (ODE)."""

    axes: tuple[str, ...]
    lower: tuple[float, ...]
    lengths: tuple[float, ...]
    modes: tuple[int, ...]
    device: str = "cpu"
    dtype: torch.dtype = torch.float64

    @property
    def dim(self) -> int:
        return len(self.axes)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one field's coefficients: (2K+1, …, K+1); () for an ODE."""
        if not self.modes:
            return ()
        return (*(2 * k + 1 for k in self.modes[:-1]), self.modes[-1] + 1)

    @property
    def complex_dtype(self) -> torch.dtype:
        return torch.complex128 if self.dtype == torch.float64 else torch.complex64

    @cached_property
    def wavenumbers(self) -> dict[str, Tensor]:
        """Angular wavenumber κ = 2πk/L of each axis, broadcastable to `shape`."""
        result = {}
        for d, (axis, length, k) in enumerate(zip(self.axes, self.lengths, self.modes, strict=True)):
            count = torch.arange(k + 1, dtype=self.dtype, device=self.device)
            if d < self.dim - 1:
                count = torch.cat([count, torch.arange(-k, 0, dtype=self.dtype, device=self.device)])
            view = [1] * self.dim
            view[d] = -1
            result[axis] = (2 * torch.pi / length * count).reshape(view)
        return result

    @cached_property
    def weights(self) -> Tensor:
        """Parseval weights: mean(u²) = Σ weights |û|². Modes whose conjugate is not stored count twice."""
        weights = torch.ones(self.shape, dtype=self.dtype, device=self.device)
        if self.dim:
            weights[..., 1:] = 2.0
        return weights

    def product_grid(self, degree: int | None) -> tuple[int, ...]:
        """Smallest fast grid on which a product of that degree is free of aliasing on the stored modes.

        n >= (degree + 1) K + 1 (Orszag's 3/2 rule is degree 2); not polynomial: as for degree 3.
        """
        factors = max(2, 3 if degree is None else degree) + 1
        return tuple(_even_fast(factors * k + 1) for k in self.modes)

    def to_grid(self, coefficients: Tensor, shape: Sequence[int]) -> Tensor:
        """Values on a uniform grid of `shape` (end point excluded). (…, *self.shape) -> (…, *shape)."""
        if not self.dim:
            return coefficients.real
        values = coefficients
        for d, n in enumerate(shape[:-1]):
            values = torch.fft.ifft(self._pad(values, d - self.dim, n), dim=d - self.dim, norm="forward")
        n = shape[-1]
        if n < 2 * self.modes[-1] + 1:
            raise ValueError("the grid is too coarse for the stored modes")
        return _irfft(values, n)

    def sample(self, coefficients: Tensor, shape: Sequence[int]) -> Tensor:
        """Exact values on a uniform grid of any size, also one too coarse to hold the modes."""
        strides = [
            -(-(2 * k + 1) // n) if n < 2 * k + 1 else 1 for k, n in zip(self.modes, shape, strict=True)
        ]
        fine = self.to_grid(coefficients, [n * stride for n, stride in zip(shape, strides, strict=True)])
        for d, stride in enumerate(strides):
            if stride > 1:
                places = torch.arange(0, fine.shape[d - self.dim], stride, device=fine.device)
                fine = fine.index_select(d - self.dim, places)
        return fine

    def with_modes(self, modes: Sequence[int]) -> FourierBasis:
        return replace(self, modes=tuple(modes))

    def resize(self, coefficients: Tensor, other: FourierBasis) -> Tensor:
        """The same series on another number of modes: zero-padded or truncated."""
        for d, k in enumerate(other.modes[:-1]):
            axis = d - self.dim
            pad = self._pad(coefficients, axis, 2 * max(k, self.modes[d]) + 1)
            coefficients = self._truncate(pad, axis, k)
        if self.dim:
            extra = other.modes[-1] - self.modes[-1]
            coefficients = torch.nn.functional.pad(coefficients, (0, extra))
        return coefficients

    def tail(self, coefficients: Tensor, share: float = 0.1) -> list[float]:
        """For each axis, the largest coefficient among the top `share` of its modes, relative to the largest
        coefficient of all (the mean of a field does not count). Worst over batch and fields."""
        size = coefficients.abs().reshape(-1, *self.shape).amax(0)
        size[(0,) * self.dim] = 0.0
        largest = float(size.max())
        if largest == 0.0:
            return [0.0] * self.dim
        tails = []
        for d, k in enumerate(self.modes):
            start = max(1, math.ceil((1 - share) * k))
            count = k + 1 if d == self.dim - 1 else 2 * k + 1
            stop = count if d == self.dim - 1 else count - start + 1
            tails.append(float(size.narrow(d, start, stop - start).max()) / largest)
        return tails

    def from_grid(self, values: Tensor) -> Tensor:
        """Coefficients of the trigonometric interpolant, truncated. (…, *grid) -> (…, *self.shape)."""
        if not self.dim:
            return values.to(self.complex_dtype)
        k = self.modes[-1]
        spectrum = _crop_or_grow(_rfft(values), k, values.shape[-1])
        for d, modes in enumerate(self.modes[:-1]):
            axis = d - self.dim
            spectrum = torch.fft.fft(spectrum, dim=axis, norm="forward")
            spectrum = self._truncate(spectrum, axis, modes)
        return spectrum

    @staticmethod
    def _pad(values: Tensor, axis: int, n: int) -> Tensor:
        """Insert zeros for the modes that are not stored, along a full axis."""
        k = values.shape[axis] // 2
        if n < 2 * k + 1:
            raise ValueError("the grid is too coarse for the stored modes")
        size = list(values.shape)
        size[axis] = n
        padded = values.new_zeros(size)
        padded.narrow(axis, 0, k + 1).copy_(values.narrow(axis, 0, k + 1))
        if k:
            padded.narrow(axis, n - k, k).copy_(values.narrow(axis, k + 1, k))
        return padded

    @staticmethod
    def _truncate(spectrum: Tensor, axis: int, k: int) -> Tensor:
        n = spectrum.shape[axis]
        if n < 2 * k + 1:
            grown = list(spectrum.shape)
            grown[axis] = 2 * k + 1
            result = spectrum.new_zeros(grown)
            kept = (n - 1) // 2
            result.narrow(axis, 0, kept + 1).copy_(spectrum.narrow(axis, 0, kept + 1))
            if kept:
                result.narrow(axis, 2 * k + 1 - kept, kept).copy_(spectrum.narrow(axis, n - kept, kept))
            return result
        return torch.cat([spectrum.narrow(axis, 0, k + 1), spectrum.narrow(axis, n - k, k)], dim=axis)

    def symbol(self, operator: Operator | Monomial) -> Tensor:
        """Fourier symbol Σ c (iκ)^orders (-1/|κ|²)^p, shape `self.shape`; Δ⁻¹ is zero on the mean."""
        monomials = (operator,) if isinstance(operator, Monomial) else operator
        total = torch.zeros(self.shape, dtype=self.complex_dtype, device=self.device)
        for monomial in monomials:
            term = torch.full(self.shape, monomial.coefficient, dtype=self.complex_dtype, device=self.device)
            for axis, order in monomial.orders:
                term = term * (1, 1j, -1, -1j)[order % 4] * self.wavenumbers[axis] ** order
            if monomial.inverse_laplacians:
                term = term * self.inverse_laplacian**monomial.inverse_laplacians
            total = total + term
        return total

    @cached_property
    def inverse_laplacian(self) -> Tensor:
        square = torch.zeros(self.shape, dtype=self.dtype, device=self.device)
        for kappa in self.wavenumbers.values():
            square = square + kappa**2
        return torch.where(square > 0, -1.0 / square.clamp_min(torch.finfo(self.dtype).tiny), 0.0)

    def functional(self, functional: Functional, fields: Sequence[str]) -> Tensor:
        """Symbols of a linear functional, one row a field: (fields, *self.shape)."""
        rows = [self.symbol(tuple(m for name, m in functional if name == field)) for field in fields]
        return torch.stack(rows)

    def points(self, shape: Sequence[int]) -> dict[str, Tensor]:
        """Grid coordinates of each axis, broadcastable to `shape`."""
        result = {}
        for d, (axis, low, length, n) in enumerate(
            zip(self.axes, self.lower, self.lengths, shape, strict=True)
        ):
            view = [1] * self.dim
            view[d] = -1
            steps = torch.arange(n, dtype=self.dtype, device=self.device) * (length / n)
            result[axis] = (low + steps).reshape(view)
        return result


SMALL = 8192  # entries up to which numpy's FFT, called on the tensor's own memory, beats torch's on a CPU


def _small(values: Tensor) -> bool:
    return values.device.type == "cpu" and values.numel() <= SMALL and not values.requires_grad


def _irfft(values: Tensor, n: int) -> Tensor:
    if _small(values):
        return torch.as_tensor(np.fft.irfft(values.numpy(), n, norm="forward"))
    result: Tensor = torch.fft.irfft(values, n=n, dim=-1, norm="forward")
    return result


def _rfft(values: Tensor) -> Tensor:
    if _small(values):
        return torch.as_tensor(np.fft.rfft(values.numpy(), norm="forward"))
    result: Tensor = torch.fft.rfft(values, dim=-1, norm="forward")
    return result


ODD_PARTS = (1, 3, 5, 9, 15, 25, 27, 45)


def _even_fast(n: int) -> int:
    """Smallest even length >= n whose odd part is in ODD_PARTS: many factors 3 or 5 cost an FFT more than some
    points."""
    return min(part << max(1, math.ceil(math.log2(n / part))) for part in ODD_PARTS)


def _crop_or_grow(spectrum: Tensor, k: int, n: int) -> Tensor:
    """First k+1 coefficients of a real FFT of length n; modes the grid cannot hold are zero."""
    kept = min(k, (n - 1) // 2)
    if kept == k:
        return spectrum[..., : k + 1]
    return torch.nn.functional.pad(spectrum[..., : kept + 1], (0, k - kept))
