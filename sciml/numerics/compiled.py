"""The compiled reading of a periodic equation: symbols of `PseudoSpectral` (on one axis those of `HostNonlinear`, which
are as exact), arithmetic of `kernels.spectral`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields as entries
from typing import Any

import numpy as np

from ..kernels.spectral import Description, Spectral, Symbol, Tables
from .exponential import Etdrk4
from .host import HostNonlinear
from .pseudospectral import PseudoSpectral

ONE = np.ones(1, dtype=np.complex128)


def compiled(system: PseudoSpectral, threads: int = 1) -> Spectral:
    """The same N(û, t), the coupling between fields included. One axis or two."""
    basis, axes = system.basis, system.basis.axes
    if basis.dim == 1:
        host = HostNonlinear(system)
        atoms, outer, coupling = [row for *_, row in host.atoms], host.outer, host.coupling
    else:
        atoms = [rows.numpy() for rows in system.atoms]
        outer = [[(None if s is None else s.numpy(), j) for s, j in system.outer[f]] for f in system.fields]
        coupling = None if system.uncoupled else system.coupling.numpy()
    inner, products = _entering(atoms), system.form.products
    told = Description(axes, basis.shape, len(outer), len(atoms), inner, products, _leaving(outer), coupling)
    return Spectral(told, system.shape, [system.coordinates[axis].numpy().reshape(-1) for axis in axes], threads)


def _entering(atoms: Sequence[Any]) -> list[Symbol]:
    return [
        Symbol(number, field, row[field])
        for number, row in enumerate(atoms)
        for field in range(len(row))
        if row[field].any()
    ]


def _leaving(outer: Sequence[Sequence[tuple[Any, int]]]) -> list[Symbol]:
    return [
        Symbol(field, product, ONE if symbol is None else symbol)
        for field, terms in enumerate(outer)
        for symbol, product in terms
    ]


def tables(coefficients: Etdrk4) -> Tables:
    """Of one step size, as the kernel wants them."""
    values = [np.asarray(getattr(coefficients, e.name)) for e in entries(coefficients) if e.name != "step"]
    return Tables.pack(values, float(coefficients.step))
