"""Compiles every launch of every registered kernel for a card, without one: what the interpreter accepts, a compiler
need not. `python tests/kernels/ahead.py [words of a name]` prints a line a kernel and dtype; exit code 1 if one fails.

The interpreter must be off in this process."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sciml.kernels import dispatch, registry

TYPES = {torch.float32: "*fp32", torch.float64: "*fp64", torch.int32: "*i32", torch.int64: "*i64"}
SHARED = 227 * 1024  # bytes a block may have on the target
TARGET = GPUTarget("cuda", 90, 32)


class Compiled(list):  # type: ignore[type-arg]
    """Takes launches; keeps what was compiled."""

    def __call__(self, kernel: Any, grid: Any, *arguments: Any, **meta: Any) -> None:
        options = {key: meta.pop(key) for key in ("num_warps", "num_stages") if key in meta}
        signature: dict[str, str] = {}
        for name, value in zip(kernel.arg_names, arguments, strict=False):
            assert isinstance(value, (torch.Tensor, int)), f"{name}={value!r} would reach the kernel in single precision"
            signature[name] = TYPES[value.dtype] if isinstance(value, torch.Tensor) else "i32"
            if value is not True and isinstance(value, int) and value == 1:  # the launcher makes a constant of it
                meta[name] = 1
        signature |= dict.fromkeys(meta, "constexpr")
        assert set(signature) == set(kernel.arg_names), set(signature) ^ set(kernel.arg_names)
        source = ASTSource(kernel, {name: signature[name] for name in kernel.arg_names}, meta)
        self.append(triton.compile(source, target=TARGET, options=options))


def compiled(kernel: registry.Kernel, case: Any, dtype: torch.dtype) -> Compiled:
    """All launches of one call (and of its gradient)."""
    taken = Compiled()
    arguments = kernel.make(case, dtype, "cpu", 0)
    with dispatch.launching(taken), contextlib.ExitStack():
        if kernel.gradient:
            wanted = [arguments[i].requires_grad_() for i in kernel.gradient]
            results = kernel.call(*arguments)
            parts = results if isinstance(results, tuple) else (results,)
            torch.autograd.grad(parts, wanted, [torch.ones_like(p) for p in parts])
        else:
            kernel.triton(*arguments)
    return taken


def main(words: str) -> int:
    failed = 0
    for name, kernel in registry.kernels().items():
        if words not in name:
            continue
        for dtype in (torch.float32, torch.float64):
            start = time.perf_counter()
            try:
                made = [one for case in kernel.cases.values() for one in compiled(kernel, case, dtype)]
                shared = max(m.metadata.shared for m in made)
                good, told = shared <= SHARED, f"{len(made)} launches, {shared} bytes shared"
            except Exception as error:  # a line a kernel; the exit code tells
                while error.__cause__ is not None:
                    error = error.__cause__  # type: ignore[assignment]
                good, told = False, f"{type(error).__name__}: {error}"
            failed += not good
            print("ok " if good else "BAD", name, str(dtype).removeprefix("torch."), told,
                  f"{time.perf_counter() - start:.1f} s", flush=True)  # fmt: skip
    return min(1, failed)


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
