"""The compiled reading of an equation on one periodic axis: `HostNonlinear`'s symbols, `kernels.line`'s arithmetic."""

from __future__ import annotations

from dataclasses import fields as entries

import numpy as np

from ..kernels.line import Line, Symbol, Tables
from .exponential import Etdrk4
from .host import HostNonlinear


def compiled_line(host: HostNonlinear, axis: str, threads: int) -> Line:
    """The same N(û, t), coupling included."""
    fields, modes = len(host.outer), host.count - 1
    inner: list[Symbol] = [
        (atom, field, row[field])
        for atom, (_, _, row) in enumerate(host.atoms)
        for field in range(fields)
        if row[field].any()
    ]
    one = np.ones(1, dtype=np.complex128)
    outer: list[Symbol] = [
        (field, product, one if symbol is None else symbol)
        for field, terms in enumerate(host.outer)
        for symbol, product in terms
    ]
    points = host.coordinates[axis].astype(np.float64)
    return Line(
        host.n, modes, fields, axis, points, len(host.atoms), inner, host.products, outer, host.coupling, threads
    )


def tables(coefficients: Etdrk4) -> Tables:
    """Of one step size, as the kernel wants them."""
    values = [getattr(coefficients, entry.name) for entry in entries(coefficients) if entry.name != "step"]
    return Tables.pack(values, float(coefficients.step))
