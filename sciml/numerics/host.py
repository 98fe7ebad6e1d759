"""One small 1-D state on numpy arrays: the same sums as `PseudoSpectral`, with a third of the overhead per call
(at a few hundred modes a torch operation costs more to launch than to compute), in double or in extended
precision (numpy's longdouble: 64 bits of mantissa on x86)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..equation import Functional, tree
from ..problem import numpy_function
from .pseudospectral import PseudoSpectral

Complex = NDArray[Any]  # complex128 or clongdouble
MOST_MODES = 4096


def suits(system: PseudoSpectral) -> bool:
    """Whether this path is the faster one (measured on CPUs: one axis, up to some thousands of modes)."""
    basis = system.basis
    return basis.dim == 1 and basis.device == "cpu" and basis.modes[0] <= MOST_MODES


class HostNonlinear:
    """Callable (û: (…, fields, K+1) complex, t) -> the same shape. `diagonal` and `coupling` as there."""

    def __init__(self, system: PseudoSpectral, extended: bool = False) -> None:
        self.real = np.longdouble if extended else np.float64
        basis, form = system.basis, system.form
        self.monomials = [_monomial(product) for product in form.products]
        self.n, self.count = system.shape[0], basis.modes[0] + 1
        self.products = form.products
        turn = 8 * np.arctan(self.real(1.0))
        self.wavenumber = turn / self.real(basis.lengths[0]) * np.arange(self.count).astype(self.real)
        grid = self.real(basis.lower[0]) + self.real(basis.lengths[0]) * np.arange(self.n) / self.real(self.n)
        self.coordinates = {basis.axes[0]: grid}
        fields = system.fields
        linear = np.stack([self._symbols(form.linear[f], fields) for f in fields])
        self.diagonal = np.stack([linear[i, i] for i in range(len(fields))])
        for i in range(len(fields)):
            linear[i, i] = 0
        self.coupling = linear if linear.any() else None
        self.atoms = [
            (source, None if symbol is None else self._symbols(atom, fields)[source], self._symbols(atom, fields))
            for atom, (source, symbol) in zip(form.atoms, system.sources, strict=True)
        ]
        self.outer = [
            [
                (None if symbol is None else self._symbols(tuple(("", m) for m in operator), ("",))[0], j)
                for (operator, j), (symbol, _) in zip(form.outer[field], system.outer[field], strict=True)
            ]
            for field in fields
        ]

    def _symbols(self, functional: Functional, fields: tuple[str, ...]) -> Complex:
        """Rows of `FourierBasis.functional`, in this precision."""
        rows = np.zeros((len(fields), self.count), dtype=np.result_type(self.real, np.complex64))
        square = -(self.wavenumber**2)
        inverse = np.divide(1, square, out=np.zeros_like(square), where=square != 0)
        for name, monomial in functional:
            order = sum(n for _, n in monomial.orders)
            unit = (1, 1j, -1, -1j)[order % 4]
            value = self.real(monomial.coefficient) * self.wavenumber**order * inverse**monomial.inverse_laplacians
            rows[fields.index(name)] += unit * value
        return rows

    def __call__(self, u: Complex, t: Any) -> Complex:
        """N(û, t), with the coupling. A batch of states (…, fields, K+1) has times of shape (…)."""
        atoms = self.atom_values(u)
        when = t[..., None] if isinstance(t, np.ndarray) else t

        def leaf(node: tree.Expr) -> Any:
            if isinstance(node, tree.Atom):
                return atoms[node.index]
            assert isinstance(node, tree.Coordinate)
            return when if node.name == "t" else self.coordinates[node.name]

        values = [
            tree.evaluate(product, leaf, numpy_function) if indices is None else _multiplied(atoms, indices)
            for product, indices in zip(self.products, self.monomials, strict=True)
        ]
        return self.collect(values, u)

    def atom_values(self, u: Complex) -> NDArray[Any]:
        """Every linear functional of the state on the product grid: (atoms, …, n)."""
        parts = []
        for source, symbol, symbols in self.atoms:
            if source is None:
                parts.append((symbols * u).sum(-2))
            else:
                parts.append(u[..., source, :] if symbol is None else symbol * u[..., source, :])
        together = parts[0][None] if len(parts) == 1 else np.stack(parts) if parts else u[:0]
        return np.fft.irfft(together, self.n, norm="forward")

    def collect(self, products: Sequence[Any], u: Complex) -> Complex:
        """Σ outer·(values of the products on their grid) + coupling·û."""
        shape = (*u.shape[:-2], self.n)
        if len(products) == 1 and np.shape(products[0]) == shape:
            values = products[0][None]
        else:
            values = np.empty((len(products), *shape), dtype=self.real)
            for j, product in enumerate(products):
                values[j] = product
        spectra = np.fft.rfft(values, norm="forward")[..., : self.count]
        result = np.empty(u.shape, dtype=u.dtype) if all(self.outer) else np.zeros_like(u)
        for row, terms in enumerate(self.outer):
            for place, (symbol, j) in enumerate(terms):
                term = spectra[j] if symbol is None else symbol * spectra[j]
                if place:
                    result[..., row, :] += term
                else:
                    result[..., row, :] = term
        if self.coupling is not None:
            result += np.einsum("gfk,...fk->...gk", self.coupling, u)
        return result


def _monomial(product: tree.Expr) -> list[int] | None:
    """The atoms that a plain product multiplies, with repetition; None for anything else. Walking a tree costs as
    much as multiplying a few hundred numbers."""
    match product:
        case tree.Atom(index):
            return [index]
        case tree.Power(tree.Atom(index), exponent) if exponent in (2, 3):
            return [index] * int(exponent)
        case tree.Product(factors):
            parts = [_monomial(factor) for factor in factors]
            return None if None in parts else [index for part in parts if part is not None for index in part]
    return None


def _multiplied(atoms: NDArray[Any], indices: list[int]) -> NDArray[Any]:
    value: NDArray[Any] = atoms[indices[0]]
    for index in indices[1:]:
        value = value * atoms[index]
    return value
