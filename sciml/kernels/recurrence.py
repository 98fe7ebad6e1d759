"""Shallow piecewise-linear recurrences under teacher forcing, compiled: native/recurrence.cpp."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .native.compile import library

Array = NDArray[np.float64]


def available() -> bool:
    """Whether there is a compiled library (`native.compile.notice` says why not)."""
    return library("recurrence") is not None


class Recurrence:
    """a, h1: (M,); w1: (M, L); w2: (L, M); h2: (L,). Each step starts from (1 - alpha) z + alpha x."""

    def __init__(self, a: Array, w1: Array, w2: Array, h1: Array, h2: Array, alpha: float, clipped: bool) -> None:
        self.arrays = [np.ascontiguousarray(p, dtype=np.float64) for p in (a, w1, w2, h1, h2)]
        self.alpha, self.clipped = alpha, clipped
        self.size, self.units = self.arrays[1].shape
        assert [p.shape for p in self.arrays] == [
            (self.size,), (self.size, self.units), (self.units, self.size), (self.size,), (self.units,)
        ]  # fmt: skip

    def _task(self, steps: int, batch: int) -> _Task:
        return _Task(steps, batch, self.size, self.units, int(self.clipped), self.alpha, *map(_at, self.arrays))

    def forward(self, data: Array, inputs: bool = True) -> tuple[Array, Array]:
        """States (T, B, M) at data times 1 … T, and what each step started from (of no times unless asked for), of data
        (T + 1, B, M)."""
        data = np.ascontiguousarray(data, dtype=np.float64)
        steps, batch, size = len(data) - 1, *data.shape[1:]
        assert size == self.size
        states, started = np.empty((steps, batch, size)), np.empty((steps if inputs else 0, batch, size))
        task = self._task(steps, batch)
        _library().recurrence_forward(
            ctypes.byref(task), _at(data), _at(states), _at(started) if inputs else None
        )
        return states, started

    def backward(self, inputs: Array, slopes: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Gradients in the shapes of a, w1, w2, h1, h2; slopes: of the loss in the states, (T, B, M)."""
        inputs, slopes = (np.ascontiguousarray(v, dtype=np.float64) for v in (inputs, slopes))
        assert inputs.shape == slopes.shape and slopes.shape[2] == self.size
        a, w1, w2, h1, h2 = (np.empty_like(p) for p in self.arrays)
        task = self._task(*slopes.shape[:2])
        _library().recurrence_backward(ctypes.byref(task), _at(inputs), _at(slopes), *map(_at, (a, w1, w2, h1, h2)))
        return a, w1, w2, h1, h2


class _Task(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("steps", "batch", "size", "units", "clipped")),
        ("alpha", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in ("a", "w1", "w2", "h1", "h2")),
    ]


def _at(array: Array) -> int:
    return array.ctypes.data


@cache
def _library() -> Any:
    found = library("recurrence")
    assert found is not None, "ask `available` first"
    pointer = ctypes.c_void_p
    found.recurrence_forward.argtypes = [pointer] * 4
    found.recurrence_backward.argtypes = [pointer] * 8
    found.recurrence_forward.restype = found.recurrence_backward.restype = None
    return found
