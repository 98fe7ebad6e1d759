"""Periodic equations, compiled: N(û, t) and steps of the exponential scheme, for one state or a batch.

    kernel = Spectral(description, shape=(512,), points=[x])     # one axis: native/line.cpp; two: native/plane.cpp
    kernel.advance(u, t, tables, steps=100)
"""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..equation import tree
from .native.compile import library
from .program import Program

Complex = NDArray[np.complex128]
LIBRARIES = {1: "line", 2: "plane"}  # by dimension


@dataclass(frozen=True)
class Symbol:
    """Multiplication of one thing's modes, added to another's. values: the shape of a state's modes."""

    to: int
    source: int
    values: Complex


@dataclass(frozen=True)
class Description:
    """What lies between a state and its N.

    modes: shape of a field's coefficients, (K+1,) or (2K+1, K+1); inner: from fields to atoms; products: expressions
    in `tree.Atom`, coordinates and t on the grid; outer: from products to rates; coupling: (fields, fields, *modes).
    """

    axes: tuple[str, ...]
    modes: tuple[int, ...]
    fields: int
    atoms: int
    inner: Sequence[Symbol]
    products: Sequence[tree.Expr]
    outer: Sequence[Symbol]
    coupling: Complex | None = None


def available(dim: int) -> bool:
    """Whether there is a compiled library for so many axes (`native.compile.notice` says why not)."""
    return dim in LIBRARIES and library(LIBRARIES[dim]) is not None


@dataclass(frozen=True)
class Tables:
    """The nine coefficients of Krogstad's scheme for one step size, or for a few side by side.

    values: (members, 9, 2, modes of all fields), real and imaginary parts, lines of modes padded; steps: (members,).
    """

    values: NDArray[np.float64]
    steps: NDArray[np.float64]
    at: tuple[int, int] = field(init=False)  # addresses; asking numpy for them takes longer than a small step

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", (_at(self.values), _at(self.steps)))

    @classmethod
    def pack(cls, coefficients: Sequence[Complex], step: float) -> Tables:
        """From nine arrays (fields, *modes), in the order of `numerics.exponential.Etdrk4`."""
        dim = coefficients[0].ndim - 1
        missing = -coefficients[0].shape[-1] % _library(dim).lanes()
        values = np.pad(np.stack(coefficients), (*[(0, 0)] * (dim + 1), (0, missing)))
        return cls(_split(values.reshape(1, len(coefficients), -1)), np.array([step]))

    def beside(self, other: Tables) -> Tables:
        """Two steps from the same state at once, of this size and of the other's."""
        return Tables(np.concatenate([self.values, other.values]), np.concatenate([self.steps, other.steps]))


class Spectral:
    """One equation on one grid. Raises ValueError where the grid has no fast transform (factors other than 2, 3, 5)."""

    def __init__(
        self, description: Description, shape: Sequence[int], points: Sequence[NDArray[np.float64]], threads: int = 1
    ) -> None:
        dim = len(shape)
        self.shape, self.threads = (description.fields, *description.modes), threads
        self._library, self._kept = _library(dim), dict[tuple[int, ...], _Arrays]()
        last = np.asarray(points[-1], dtype=np.float64)
        places = np.concatenate([*points[:-1], last[0::2], last[1::2]]).astype(np.float64)
        sizes = np.array(shape, dtype=np.int32)
        told, kept = _described(description)
        handle = self._library.create(ctypes.byref(told), _at(sizes), _at(places))
        del kept  # the library has copied them
        if not handle:
            raise ValueError(f"no fast transform on a grid of {tuple(shape)} points")
        self._handle = handle
        weakref.finalize(self, self._library.destroy, handle)

    def nonlinear(self, u: Complex, t: Any) -> Complex:
        """N(u, t). u: (…, fields, *modes) complex128; t: a number or (…)."""
        arrays = self._arrays(u.shape)
        arrays.state[...], arrays.times[...] = u, t
        state, _, times, out = arrays.at
        self._library.nonlinear(self._handle, arrays.batch, state, times, out, self.threads)
        return arrays.out.copy()

    def advance(self, u: Complex, t: Any, tables: Tables, rate: Complex | None = None, steps: int = 1) -> Complex:
        """So many steps from u at t. u: (…, fields, *modes). rate: N(u, t) where it is known.

        Several tables side by side advance one state, (fields, *modes), by each: (tables, fields, *modes).
        """
        members = len(tables.steps)
        arrays = self._arrays(u.shape if members == 1 else (members, *u.shape))
        arrays.state[...], arrays.times[...] = u, t
        if rate is not None:
            arrays.rate[...] = rate
        state, known, times, out = arrays.at
        values, lengths = tables.at
        self._library.etdrk4(
            self._handle, arrays.batch, state, None if rate is None else known, times, values,
            0 if members == 1 else tables.values[0].size, lengths, steps, out, self.threads,
        )  # fmt: skip
        return arrays.out.copy()

    def _arrays(self, shape: tuple[int, ...]) -> _Arrays:
        if shape not in self._kept:
            assert shape[-len(self.shape) :] == self.shape, (shape, self.shape)
            self._kept[shape] = _Arrays(shape, len(self.shape))
        return self._kept[shape]


class _Arrays:
    """What is handed over, at addresses that stay."""

    def __init__(self, shape: tuple[int, ...], own: int) -> None:
        self.batch = math.prod(shape[:-own])
        self.state, self.rate, self.out = (np.empty(shape, dtype=np.complex128) for _ in range(3))
        self.times = np.empty(shape[:-own])
        self.at = (_at(self.state), _at(self.rate), _at(self.times), _at(self.out))


_COUNTS = (
    "fields", "atoms", "products", "registers", "lines", "modes", "inner", "outer", "length", "constants",
)  # fmt: skip
_ADDRESSES = (
    "inner_terms", "outer_terms", "inner_symbols", "outer_symbols", "coupling", "code", "values", "results",
)  # fmt: skip


class _Told(ctypes.Structure):
    """`Description` of native/equation.hpp."""

    _fields_ = [(n, ctypes.c_int32) for n in _COUNTS] + [(n, ctypes.c_void_p) for n in _ADDRESSES]


def _described(of: Description) -> tuple[_Told, list[NDArray[Any]]]:
    """The structure, and the arrays it points to."""
    program = Program.compile(of.products, of.atoms, of.axes)
    inner_terms, inner_symbols = _terms(of.inner, of.modes)
    outer_terms, outer_symbols = _terms(of.outer, of.modes)
    coupled = np.zeros(0) if of.coupling is None else _split(of.coupling.reshape(of.fields**2, -1))
    arrays: list[NDArray[Any]] = [
        inner_terms, outer_terms, inner_symbols, outer_symbols, coupled,
        np.array(program.code, dtype=np.int32).reshape(-1, 4), np.array(program.constants, dtype=np.float64),
        np.array(program.results, dtype=np.int32),
    ]  # fmt: skip
    counts = (
        of.fields, of.atoms, len(of.products), program.registers, math.prod(of.modes[:-1]), of.modes[-1],
        len(of.inner), len(of.outer), len(program.code), len(program.constants),
    )  # fmt: skip
    addresses = [_at(array) if array.size else None for array in arrays]
    return _Told(*counts, *addresses), arrays


def _terms(symbols: Sequence[Symbol], modes: tuple[int, ...]) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    pairs = np.array([(s.to, s.source) for s in symbols], dtype=np.int32).reshape(-1, 2)
    values = [_split(np.broadcast_to(s.values, modes).reshape(-1)) for s in symbols]
    return pairs, np.array(values, dtype=np.float64)


def _split(symbols: Complex) -> NDArray[np.float64]:
    """(…, n) complex -> (…, 2, n)."""
    return np.ascontiguousarray(np.stack([symbols.real, symbols.imag], -2), dtype=np.float64)


def _at(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


@cache
def _library(dim: int) -> ctypes.CDLL:
    """With argument types: pointers and whole numbers are not to be cut to 32 bits."""
    found = library(LIBRARIES[dim])
    assert found is not None, "ask `available` first"
    pointer, number = ctypes.c_void_p, ctypes.c_long
    found.create.restype = pointer
    found.create.argtypes = [pointer, pointer, pointer]
    found.destroy.argtypes = [pointer]
    found.nonlinear.argtypes = [pointer, number, pointer, pointer, pointer, ctypes.c_int]
    found.etdrk4.argtypes = [
        pointer, number, pointer, pointer, pointer, pointer, number, pointer, number, pointer, ctypes.c_int
    ]  # fmt: skip
    return found
