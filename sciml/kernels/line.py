"""One periodic axis, compiled: N(û, t) and steps of the exponential scheme, for one state or a batch."""

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
Symbol = tuple[int, int, Complex]  # (to, from, (K+1,))


@dataclass(frozen=True)
class Tables:
    """The nine coefficients of Krogstad's scheme for one step size, or for a few side by side.

    values: (members, 9, 2, fields (K+1)), real and imaginary parts, rows of modes padded; steps: (members,).
    """

    values: NDArray[np.float64]
    steps: NDArray[np.float64]
    at: tuple[int, int] = field(init=False)  # addresses; asking numpy for them takes longer than a small step

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", (_at(self.values), _at(self.steps)))

    @classmethod
    def pack(cls, coefficients: Sequence[Complex], step: float) -> Tables:
        """From nine arrays (fields, K+1), in the order of `numerics.exponential.Etdrk4`."""
        missing = -coefficients[0].shape[-1] % _library().line_lanes()
        values = np.pad(np.stack(coefficients), ((0, 0), (0, 0), (0, missing)))
        return cls(split(values.reshape(1, len(coefficients), -1)), np.array([step]))

    def beside(self, other: Tables) -> Tables:
        """Two steps from the same state at once, of this size and of the other's."""
        return Tables(np.concatenate([self.values, other.values]), np.concatenate([self.steps, other.steps]))


def available() -> bool:
    """Whether there is a compiled library here (see `native.compile.notice`)."""
    return library("line") is not None


class Line:
    """du/dt = L u + N(u, t): what lies between a state and its N.

    inner: symbols from fields to atoms; products: expressions in `tree.Atom`, coordinates and t, on n points;
    outer: symbols from products to rates; coupling: (fields, fields, K+1) or None.
    """

    def __init__(
        self, n: int, modes: int, fields: int, axis: str, points: NDArray[np.float64], atoms: int,
        inner: Sequence[Symbol], products: Sequence[tree.Expr], outer: Sequence[Symbol], coupling: Complex | None,
        threads: int = 1,
    ) -> None:  # fmt: skip
        program = Program.compile(products, atoms, (axis,))
        self.shape, self.threads, self._library = (fields, modes + 1), threads, _library()
        code = np.array(program.code, dtype=np.int32).reshape(-1, 4)
        constants, results = np.array(program.constants, dtype=float), np.array(program.results, dtype=np.int32)
        halves = np.concatenate([points[0::2], points[1::2]])
        entering, entering_symbols = _terms(inner, modes + 1)
        leaving, leaving_symbols = _terms(outer, modes + 1)
        coupled = None if coupling is None else split(coupling.reshape(-1, modes + 1))
        handle = self._library.line_new(
            n, modes + 1, fields, atoms, len(products), program.registers,
            len(inner), _at(entering), _at(entering_symbols), len(outer), _at(leaving), _at(leaving_symbols),
            None if coupled is None else _at(coupled), _at(halves),
            len(code), _at(code), len(constants), _at(constants), _at(results),
        )  # fmt: skip
        if not handle:
            raise ValueError(f"no fast transform of {n} points")
        self._handle = handle
        self._kept: dict[tuple[int, ...], _Arrays] = {}
        weakref.finalize(self, self._library.line_free, handle)

    def nonlinear(self, u: Complex, t: Any) -> Complex:
        """N(u, t). u: (…, fields, K+1) complex128; t: a number or (…)."""
        arrays = self._arrays(u.shape)
        arrays.state[...], arrays.times[...] = u, t
        state, _, times, out = arrays.at
        self._library.line_nonlinear(self._handle, arrays.batch, state, times, out, self.threads)
        return arrays.out.copy()

    def advance(self, u: Complex, t: Any, tables: Tables, rate: Complex | None = None, steps: int = 1) -> Complex:
        """So many steps from u at t. u: (…, fields, K+1). rate: N(u, t) where it is known.

        Several tables side by side advance one state, (fields, K+1), by each: the answer is (tables, fields, K+1).
        """
        members = len(tables.steps)
        arrays = self._arrays(u.shape if members == 1 else (members, *u.shape))
        arrays.state[...], arrays.times[...] = u, t
        if rate is not None:
            arrays.rate[...] = rate
        state, known, times, out = arrays.at
        values, lengths = tables.at
        self._library.line_etdrk4(
            self._handle, arrays.batch, state, None if rate is None else known, times, values,
            0 if members == 1 else tables.values[0].size, lengths, steps, out, self.threads,
        )  # fmt: skip
        return arrays.out.copy()

    def _arrays(self, shape: tuple[int, ...]) -> _Arrays:
        if shape not in self._kept:
            assert shape[-2:] == self.shape, (shape, self.shape)
            self._kept[shape] = _Arrays(shape)
        return self._kept[shape]


class _Arrays:
    """What is handed over, at addresses that stay."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.batch = math.prod(shape[:-2])
        self.state, self.rate, self.out = (np.empty(shape, dtype=np.complex128) for _ in range(3))
        self.times = np.empty(shape[:-2])
        self.at = (_at(self.state), _at(self.rate), _at(self.times), _at(self.out))


def split(symbols: Complex) -> NDArray[np.float64]:
    """(…, K+1) complex -> (…, 2, K+1)."""
    return np.ascontiguousarray(np.stack([symbols.real, symbols.imag], -2), dtype=np.float64)


def _terms(symbols: Sequence[Symbol], count: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    pairs = np.array([(to, source) for to, source, _ in symbols], dtype=np.int32).reshape(-1, 2)
    values = [split(np.broadcast_to(symbol, (count,))) for *_, symbol in symbols]
    return pairs, np.array(values, dtype=np.float64).reshape(-1, 2, count)


def _at(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


@cache
def _library() -> ctypes.CDLL:
    """With argument types: pointers and whole numbers are not to be cut to 32 bits."""
    found = library("line")
    assert found is not None, "ask `available` first"
    pointer, whole, number = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
    found.line_new.restype = pointer
    found.line_new.argtypes = [
        whole, whole, whole, whole, whole, whole, whole, pointer, pointer, whole, pointer, pointer, pointer, pointer,
        whole, pointer, whole, pointer, pointer,
    ]  # fmt: skip
    found.line_free.argtypes = [pointer]
    found.line_nonlinear.argtypes = [pointer, number, pointer, pointer, pointer, whole]
    found.line_etdrk4.argtypes = [
        pointer, number, pointer, pointer, pointer, pointer, number, pointer, number, pointer, whole
    ]  # fmt: skip
    return found
