"""Multigrid for five-point operators on a rectangle, compiled: native/multigrid.cpp."""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .native.compile import library

Array = NDArray[np.float64]


def available() -> bool:
    """Whether there is a compiled library (`native.compile.notice` says why not)."""
    return library("multigrid") is not None


class Multigrid:
    """A u = b by V-cycles, or by conjugate gradients with a V-cycle as preconditioner. A is symmetric:

    (A u)_ij = Σ links·(u_ij - u_neighbour) + shift_ij u_ij, with links ax: (nx-1, ny), by: (nx, ny-1), and shift:
    (nx, ny), or None for 0. fixed: at the lower and upper end of x and of y, whether u is given there (it is then 0).
    pinned: A is singular, its kernel the constants; b has no mean. sweeps: Gauss–Seidel sweeps before and after a
    correction.
    """

    path = "compiled"

    def __init__(
        self, ax: Array, by: Array, shift: Array | None, fixed: tuple[bool, bool, bool, bool], pinned: bool = False,
        sweeps: int = 1, threads: int = 1,
    ) -> None:  # fmt: skip
        self.shape = (by.shape[0], ax.shape[1])
        nx, ny = self.shape
        assert ax.shape == (nx - 1, ny) and by.shape == (nx, ny - 1) and (shift is None or shift.shape == (nx, ny))
        ax, by = _plain(ax), _plain(by)
        shift = None if shift is None else _plain(shift)
        flags = np.array(fixed, dtype=np.int32)
        self._library = _library()
        self._handle = self._library.create(
            nx, ny, _at(ax), _at(by), None if shift is None else _at(shift), _at(flags), pinned, sweeps, threads
        )
        self.depth = int(self._library.depth(self._handle))
        self.size = 0.0
        weakref.finalize(self, self._library.destroy, self._handle)

    def start(self, b: Array, x: Array) -> float:
        """Begin at x; gives |b - A x| over unknowns, and leaves |D x|, D the diagonal of A, in `size`."""
        b, x, size = _plain(b), _plain(x), ctypes.c_double()
        assert b.shape == x.shape == self.shape
        norm = self._library.start(self._handle, _at(b), _at(x), ctypes.byref(size))
        self.size = size.value
        return float(norm)

    def cycle(self) -> float:
        """One V-cycle (before any conjugate step); |b - A x| after it."""
        return float(self._library.cycle(self._handle))

    def conjugate_step(self) -> float:
        """One step of preconditioned conjugate gradients; |b - A x| after it, by recurrence."""
        return float(self._library.conjugate_step(self._handle))

    def solution(self) -> Array:
        """(nx, ny)."""
        x = np.empty(self.shape)
        self._library.solution(self._handle, _at(x))
        return x


def _plain(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.float64)


def _at(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


@cache
def _library() -> ctypes.CDLL:
    """With argument types: pointers and whole numbers are not to be cut to 32 bits."""
    found = library("multigrid")
    assert found is not None, "ask `available` first"
    pointer, number, real = ctypes.c_void_p, ctypes.c_long, ctypes.c_double
    found.create.restype = pointer
    found.create.argtypes = [number, number, *[pointer] * 4, *[ctypes.c_int] * 3]
    found.destroy.argtypes = [pointer]
    found.depth.restype, found.depth.argtypes = number, [pointer]
    found.start.restype, found.start.argtypes = real, [pointer] * 4
    for step in (found.cycle, found.conjugate_step):
        step.restype, step.argtypes = real, [pointer]
    found.solution.argtypes = [pointer, pointer]
    return found
