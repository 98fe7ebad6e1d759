"""Finite volumes, compiled: the rate of change of cell averages and whole steps, native/volume.cpp.

    volume = Volume(balance, cells=(128, 128), widths=(h, h), starts=(x0, y0), periodic=(True, True))
    volume.carry(0, 0, velocities), volume.give(1, 0, values), volume.feed(0, averages)
    volume.step(u, t, left, courant=0.5)
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..equation import tree
from .native.compile import library
from .program import Program

Array = NDArray[np.float64]
KINDS = ("weno5", "weno-z", "van-leer", "minmod")
MARGIN = 4  # cells by which velocities are widened along the other axis where fluxes turn


class NotFinite(ArithmeticError):
    """The state is not finite."""


class TooSmall(ArithmeticError):
    """More steps than allowed would be needed."""


@dataclass(frozen=True)
class Along:
    """What happens across one axis. fluxes: of each balance; slopes: ∂flux/∂field by (balance, field), those of a field
    that is only carried too (0); carried: (balance, field) of velocities; diffused: (balance, field, coefficient)."""

    fluxes: Sequence[tree.Expr]
    slopes: dict[tuple[int, int], tree.Expr]
    carried: Sequence[tuple[int, int]]
    diffused: Sequence[tuple[int, int, float]]


@dataclass(frozen=True)
class Balance:
    """Expressions are in fields, coordinates and t. sources: of each balance, those that depend on fields; turns, care:
    whether averages become values and back, for fluxes (in a plane) and for sources. continuation: (2, 4, 5), cells
    beyond an end from five inside, or from a value on the end and four inside; to_face: (5,), the value there."""

    fields: tuple[str, ...]
    axes: tuple[str, ...]
    kind: str
    turns: bool
    care: bool
    along: Sequence[Along]
    sources: Sequence[tree.Expr]
    continuation: Array
    to_face: Array


def available() -> bool:
    """Whether there is a compiled library (`native.compile.notice` says why not)."""
    return library("volume") is not None


class Volume:
    """One balance law on uniform cells of one or two axes. States: (fields, *cells), contiguous float64."""

    def __init__(
        self, of: Balance, cells: Sequence[int], widths: Sequence[float], starts: Sequence[float],
        periodic: Sequence[bool], threads: int = 1,
    ) -> None:  # fmt: skip
        self.shape = (len(of.fields), *cells)
        self._library = _library()
        told, kept = _described(of, cells, widths, starts, periodic, threads)
        self._handle = self._library.create(ctypes.byref(told))
        del kept  # the library has copied them
        self._pair, self._length = np.empty(2), ctypes.c_double()
        weakref.finalize(self, self._library.destroy, self._handle)

    def give(self, axis: int, side: int, values: Array) -> None:
        """Averages on the lower (0) or upper (1) face of an axis, (fields, *cells of the other axis)."""
        others = [n for a, n in enumerate(self.shape[1:]) if a != axis]
        self._library.give(self._handle, axis, side, _at(_shaped(values, (self.shape[0], *others))))

    def carry(self, axis: int, k: int, velocities: Array, turns: bool) -> None:
        """The k-th of the axis's carried velocities, averages on its faces; with `turns` MARGIN wider along the other
        axis."""
        wide = 2 * MARGIN if turns else 0
        shape = [n + 1 if a == axis else n + wide for a, n in enumerate(self.shape[1:])]
        self._library.carry(self._handle, axis, k, _at(_shaped(velocities, shape)))

    def stream(self, symbol: NDArray[np.complex128], terms: Sequence[tuple[int, int, int, float]]) -> bool:
        """From now on add coefficient · (∂_y Φ, -∂_x Φ), ΔΦ = source, to velocities. terms: (source, axis, k,
        coefficient); symbol: (n0, n1//2 + 1), from modes of averages of the source to those of Φ at lower corners of
        cells, 0 at the last mode of even sizes. False, and nothing done, where these sizes have no fast transform.
        """
        half = self.shape[2] // 2
        rows = np.ascontiguousarray(np.stack([symbol.real, symbol.imag])[..., :half])
        pairs, factors = np.array([t[:3] for t in terms], dtype=np.int32), np.array([t[3] for t in terms])
        return bool(self._library.stream(self._handle, _at(rows), len(terms), _at(pairs), _at(factors)))

    def feed(self, field: int, averages: Array) -> None:
        """A source that depends on no field, in the balance of `field`: (*cells)."""
        self._library.feed(self._handle, field, _at(_shaped(averages, self.shape[1:])))

    def rate(self, u: Array, time: float, out: Array | None = None) -> tuple[Array, tuple[float, float]]:
        """(du/dt, (Σ largest speed/width, a bound on the rate of the sources))."""
        out = np.empty(self.shape) if out is None else out
        self._library.rate(self._handle, _at(_shaped(u, self.shape)), time, _at(out), _at(self._pair))
        return out, (float(self._pair[0]), float(self._pair[1]))

    def step(
        self, u: Array, time: float, left: float, courant: float, rest: float, lively: float, most: int
    ) -> float:
        """One step of SSP-RK3, in place; returns its length, `left` over a whole number, at most
        1/(speeds/courant + rest + lively · rate of the sources). Raises NotFinite or TooSmall (u is then as it was)."""
        assert u.flags.c_contiguous and u.dtype == np.float64 and u.shape == self.shape
        limit = (ctypes.c_double * 3)(courant, rest, lively)
        problem = self._library.step(self._handle, _at(u), time, left, limit, most, ctypes.byref(self._length))
        if problem:
            raise NotFinite if problem == 1 else TooSmall
        return self._length.value


def _shaped(array: Array, shape: Sequence[int]) -> Array:
    assert array.shape == tuple(shape), (array.shape, shape)
    return np.ascontiguousarray(array, dtype=np.float64)


class _Pointwise(ctypes.Structure):
    """`Pointwise` of native/volume_law.hpp."""

    _fields_ = [(n, ctypes.c_int32) for n in ("axes", "registers", "length", "constants", "results")] + [
        (n, ctypes.c_void_p) for n in ("code", "values", "at")
    ]  # fmt: skip


class _Along(ctypes.Structure):
    """`Along` of native/volume_law.hpp."""

    _fields_ = [
        ("pointwise", _Pointwise),
        *[(n, ctypes.c_int32) for n in ("coupled", "carried", "spread", "diagonal")],
        *[(n, ctypes.c_void_p) for n in ("coupled_at", "carried_at", "spread_at", "coefficients")],
    ]


class _Told(ctypes.Structure):
    """`Description` of native/volume_law.hpp."""

    _fields_ = [
        *[(n, ctypes.c_int32) for n in ("fields", "dim", "kind", "turns", "care", "threads")],
        ("periodic", ctypes.c_int32 * 2), ("cells", ctypes.c_int64 * 2),
        ("widths", ctypes.c_double * 2), ("starts", ctypes.c_double * 2),
        *[(n, ctypes.c_void_p) for n in ("along", "sources", "continuation", "to_face")],
    ]  # fmt: skip


def _described(
    of: Balance, cells: Sequence[int], widths: Sequence[float], starts: Sequence[float], periodic: Sequence[bool],
    threads: int,
) -> tuple[_Told, list[Any]]:  # fmt: skip
    """The structure, and what it points to."""
    dim, kept = len(cells), list[Any]()
    along = (_Along * dim)(*(_axis(of, one, kept) for one in of.along))
    slopes = [tree.partial(s, tree.Field(f)) for s in of.sources for f in of.fields]
    sources = _pointwise(of, [*of.sources, *slopes], kept)
    tables = [np.ascontiguousarray(table, dtype=np.float64) for table in (of.continuation, of.to_face)]
    kept += [along, sources, *tables]
    first = 2 - dim  # a line is a plane of one row
    told = _Told(len(of.fields), dim, KINDS.index(of.kind), of.turns, of.care, threads if dim == 2 else 1)
    told.periodic[0], told.cells[0], told.widths[0] = 1, 1, 1.0
    for a in range(dim):
        told.periodic[first + a], told.cells[first + a] = periodic[a], cells[a]
        told.widths[first + a], told.starts[first + a] = widths[a], starts[a]
    told.along, told.sources = ctypes.addressof(along), ctypes.addressof(sources)
    told.continuation, told.to_face = (_at(table) for table in tables)
    return told, kept


def _axis(of: Balance, axis: Along, kept: list[Any]) -> _Along:
    pairs = list(axis.slopes)
    assert set(axis.carried) <= set(pairs)
    tables = [
        np.array(pairs, dtype=np.int32), np.array(axis.carried, dtype=np.int32),
        np.array([(g, f) for g, f, _ in axis.diffused], dtype=np.int32), np.array([c for *_, c in axis.diffused]),
    ]  # fmt: skip
    kept += tables
    return _Along(
        _pointwise(of, [*axis.fluxes, *axis.slopes.values()], kept), len(pairs), len(axis.carried), len(axis.diffused),
        all(g == f for g, f in pairs), *(_at(table) for table in tables),
    )  # fmt: skip


def _pointwise(of: Balance, expressions: Sequence[tree.Expr], kept: list[Any]) -> _Pointwise:
    """Fields become atoms; what is zero is left out."""
    atoms: dict[tree.Expr, tree.Expr] = {tree.Field(f): tree.Atom(i) for i, f in enumerate(of.fields)}
    wanted = [k for k, e in enumerate(expressions) if e != tree.ZERO]
    program = Program.compile([tree.substitute(expressions[k], atoms) for k in wanted], len(of.fields), of.axes)
    results = np.full(len(expressions), -1, dtype=np.int32)
    results[wanted] = program.results
    code, values = np.array(program.code, dtype=np.int32), np.array(program.constants, dtype=np.float64)
    kept += [code, values, results]
    return _Pointwise(
        len(of.axes), program.registers, len(program.code), len(values), len(results),
        _at(code), _at(values), _at(results),
    )  # fmt: skip


def _at(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


@cache
def _library() -> ctypes.CDLL:
    """With argument types: pointers and whole numbers are not to be cut to 32 bits."""
    found = library("volume")
    assert found is not None, "ask `available` first"
    pointer, number, real = ctypes.c_void_p, ctypes.c_int, ctypes.c_double
    found.create.restype, found.create.argtypes = pointer, [pointer]
    found.destroy.argtypes = [pointer]
    found.give.argtypes = found.carry.argtypes = [pointer, number, number, pointer]
    found.stream.restype, found.stream.argtypes = number, [pointer, pointer, number, pointer, pointer]
    found.feed.argtypes = [pointer, number, pointer]
    found.rate.argtypes = [pointer, pointer, real, pointer, pointer]
    found.step.restype = number
    found.step.argtypes = [pointer, pointer, real, real, pointer, ctypes.c_int64, pointer]
    return found
