"""Explicit Runge–Kutta methods on a batch of initial value problems, compiled: native/ode.cpp.

A step has its verdict, the next its size, and outputs lie in them as `numerics/ode` says; this is the same in one loop.
"""

from __future__ import annotations

import ctypes
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


@dataclass(frozen=True)
class Tableau:
    """nodes: (stages + further,); rows: (stages + further, stages + further), the first `stages` of a step, the last of
    these its end. errors: (1 or 2, stages). dense: without further stages (stages, powers), coefficients of θ, θ², … of
    each stage; with them (terms, stages + further), weights of the terms after the third."""

    nodes: Array
    rows: Array
    errors: Array
    dense: Array
    stages: int


@dataclass(frozen=True)
class Control:
    """As in numerics/ode/control.py; now, before: exponents of this step's error and of the last one's."""

    relative: float
    absolute: float
    safety: float
    smallest: float
    largest: float
    now: float
    before: float
    least: float
    grain: float
    ulps: float
    stretch: float


@dataclass(frozen=True)
class Batch:
    """What moves, changed in place. (samples,) but y and rate: (fields, samples)."""

    t: Array
    h: Array
    y: Array
    rate: Array
    previous: Array
    attempts: NDArray[np.int64]
    accepted: NDArray[np.int64]
    stuck: NDArray[np.bool_]


@dataclass(frozen=True)
class Outputs:
    """times: (samples, outputs), ascending; values: (samples, outputs, fields); next: (samples,), the first one not yet
    made; evaluations: (samples,), what outputs took."""

    times: Array
    values: Array
    next: NDArray[np.int64]
    evaluations: NDArray[np.int64]


def available() -> bool:
    """Whether there is a compiled library (`native.compile.notice` says why not)."""
    return library("ode") is not None


class Marcher:
    """rates: of each field, of atoms: the fields, then parameters that differ between samples, own (owns, samples)."""

    def __init__(self, rates: Sequence[tree.Expr], own: Array, tableau: Tableau, control: Control) -> None:
        self.fields, self.own, self.tableau, self.control = len(rates), _whole(own), tableau, control
        every, further = len(tableau.nodes), len(tableau.nodes) - tableau.stages
        assert tableau.rows.shape == (every, every) and tableau.errors.shape[1] == tableau.stages
        assert tableau.dense.shape[1 if further else 0] == every and len(tableau.errors) in (1, 2)
        program = Program.compile(rates, self.fields + len(own), ())
        self._registers, self._length = program.registers, len(program.code)
        self._code = np.array(program.code or [(0, 0, 0, 0)], dtype=np.int32)
        self._constants = np.array([*program.constants, 0.0])
        self._results = np.array(program.results, dtype=np.int32)
        self._arrays = [_whole(a) for a in (tableau.nodes, tableau.rows, tableau.errors, tableau.dense)]

    def march(self, batch: Batch, until: Array, outputs: Outputs, attempts: int, threads: int) -> int:
        """So many attempts of every sample at most, to its end `until` (samples,); how many the slowest has tried."""
        samples, told = len(until), self.tableau
        moving = (batch.t, batch.h, batch.previous, batch.y, batch.rate)
        counts = (batch.attempts, batch.accepted, outputs.next, outputs.evaluations)
        for array in (*moving, *counts, until, outputs.times, outputs.values, batch.stuck):
            assert array.flags.c_contiguous
        assert batch.y.shape == batch.rate.shape == (self.fields, samples) and self.own.shape[1] == samples
        assert outputs.values.shape == (*outputs.times.shape, self.fields) and len(outputs.times) == samples
        assert all(a.dtype == np.float64 for a in (*moving, until, outputs.times, outputs.values))
        assert all(a.dtype == np.int64 for a in counts) and batch.stuck.dtype == np.bool_
        nodes, rows, errors, dense = self._arrays
        task = _Task(
            samples, self.fields, len(self.own), self._registers, self._length, told.stages, len(nodes) - told.stages,
            len(errors), dense.shape[0 if len(nodes) > told.stages else 1], outputs.times.shape[1], attempts, threads,
            *(getattr(self.control, name) for name in CONTROLS),
            *map(_at, (self._code, self._constants, self._results, nodes, rows, errors, dense, self.own, until)),
            *map(_at, (outputs.times, *moving, outputs.values, *counts, batch.stuck)),
        )  # fmt: skip
        return int(_library().ode_march(ctypes.byref(task)))


CONTROLS = (
    "relative", "absolute", "safety", "smallest", "largest", "now", "before", "least", "grain", "ulps", "stretch"
)  # fmt: skip


class _Task(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in (
            "samples", "fields", "owns", "registers", "length", "stages", "further", "errors", "dense", "outputs",
            "attempts", "threads",
        )),
        *((name, ctypes.c_double) for name in CONTROLS),
        *((name, ctypes.c_void_p) for name in (
            "code", "constants", "results", "nodes", "rows", "weights", "polynomials", "own", "until", "times",
            "t", "h", "previous", "y", "rate", "values", "attempted", "accepted", "next", "evaluations", "stuck",
        )),
    ]  # fmt: skip


def _whole(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.float64)


def _at(array: NDArray[Any]) -> int:
    return array.ctypes.data


@cache
def _library() -> Any:
    found = library("ode")
    assert found is not None, "ask `available` first"
    found.ode_march.argtypes = [ctypes.c_void_p]
    found.ode_march.restype = ctypes.c_int64
    return found
