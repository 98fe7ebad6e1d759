"""Several attempts in one call: plain, through torch.compile, or in a loop that was compiled ahead (`native`).

The last is for fields on a CPU that are formulas. Of other fields torch.compile makes one program: a compiled step of a
pointwise field is one loop over the samples; several steps in a call share the cost of calling. Compiling takes tens of
seconds, so `auto` begins plainly and compiles what turns out to be long.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from ...errors import RunFailed
from ...kernels.native.compile import compiler
from .march import Marching, Record, attempt
from .method import Method, Tolerance
from .native import native
from .output import Output
from .state import Field

Compiled = Literal["auto", "yes", "no"]
Chunk = Callable[[Marching, Tensor], tuple[Marching, list[Record]]]
PATIENCE = 15.0  # seconds of plain stepping after which `auto` compiles
FEW = 256  # numbers in a state; below, calling costs more than computing
EVALUATIONS = 24  # in a compiled call on few numbers: more would take a minute to compile

_KNOWN: weakref.WeakKeyDictionary[Any, dict[Any, Chunk]] = weakref.WeakKeyDictionary()


class Stepping:
    """Attempts of one method on one field. path: what computes, "plain", "compiled" or "native"; notice: why not
    compiled, where that was wanted. output: where values inside steps are put; None: they are not wanted. keep_steps:
    whether records of all attempts are. now: where the march begins."""

    def __init__(
        self, method: Method, field: Field, tolerance: Tolerance, compiled: Compiled, now: Marching,
        output: Output | None, keep_steps: bool,
    ) -> None:  # fmt: skip
        self.method, self.field, self.tolerance, self.wanted = method, field, tolerance, compiled
        self.output, self.keep = output, output is not None or keep_steps
        self.path, self.notice = "plain", ""
        self._began = time.monotonic()
        self._chunk: Chunk | None = None
        self._native = None
        if compiled != "no" and not keep_steps and compiler() is not None:
            self._native = native(method, field, tolerance, now)
        if self._native is not None:
            self.path = "native"

    def __call__(self, now: Marching, until: Tensor, most: int) -> tuple[Marching, list[Record], int]:
        """Where every sample is; what happened, if that has to be known; attempts, `most` or a few more."""
        if self._native is not None:
            later, tried = self._native(now, until, self.output, most)
            return later, [], tried
        if self._chunk is None and self._now_compiled():
            self._compile(now, until)
        if self._chunk is None:
            later, record = attempt(self.method, self.field, self.tolerance, now, until)
            return later, [record], 1
        later, records = self._chunk(now, until)
        return later, records, _together(self.method, now)

    def _now_compiled(self) -> bool:
        if self.wanted == "no" or self.notice:
            return False
        if self.wanted == "yes" or self._key() in _KNOWN.get(self.field, {}):
            return True
        return time.monotonic() - self._began > PATIENCE

    def _key(self) -> Any:
        return self.method.name, self.tolerance, self.keep

    def _compile(self, now: Marching, until: Tensor) -> None:
        """Compile and try. Where there is no compiler, or it fails, that is said: an error of compiled="yes", a
        notice of "auto"."""
        known = _KNOWN.setdefault(self.field, {})
        if self._key() in known:
            self._chunk, self.path = known[self._key()], "compiled"
            return
        reason = ""
        if compiler() is None and now.t.device.type == "cpu":
            reason = "no C++ compiler (c++, g++ or clang++) was found"
        else:
            chunk = _chunk(self.method, self.field, self.tolerance, self.keep, _together(self.method, now))
            try:
                chunk(now, until)
            except Exception as error:  # of many kinds, and all of them mean that this field cannot be compiled
                reason = f"torch.compile failed on this field ({type(error).__name__}: {str(error).splitlines()[0]})"
            else:
                known[self._key()] = self._chunk = chunk
                self.path = "compiled"
                return
        if self.wanted == "yes":
            raise RunFailed(f"{reason}; use compiled=no.")
        self.notice = f"{reason}: plain torch computes instead."


def _together(method: Method, now: Marching) -> int:
    """Steps in a call."""
    if method.jacobians or sum(leaf.numel() for leaf in now.y) >= FEW:
        return 1
    return max(1, EVALUATIONS // method.evaluations)


def _chunk(method: Method, field: Field, tolerance: Tolerance, keep: bool, steps: int) -> Chunk:
    reference = weakref.ref(field)  # the table must not keep alive what it is about

    def chunk(now: Marching, until: Tensor) -> tuple[Marching, list[Record]]:
        records = []
        moving = reference()
        assert moving is not None
        for _ in range(steps):
            now, record = attempt(method, moving, tolerance, now, until)
            if keep:
                records.append(record)
        return now, records

    return torch.compile(chunk, dynamic=False)
