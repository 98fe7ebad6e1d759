"""Triton where it is installed, and the few device functions that several kernels share.

Without Triton the decorated functions stay plain and are never called: `dispatch` takes the torch reference.
"""

from __future__ import annotations

try:
    import triton
    import triton.language as tl
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "triton":
        raise
    triton = tl = None

__all__ = ["add", "jit", "load_complex", "multiply", "split", "store_complex", "subtract", "tl", "triton"]

jit = triton.jit if triton is not None else lambda function: function


@jit
def load_complex(pointer, index, mask):
    """Interleaved pairs at `index` as (real, imaginary); zero where masked."""
    pair = tl.load(pointer + 2 * index[:, None] + tl.arange(0, 2)[None, :], mask=mask[:, None], other=0.0)
    return tl.split(pair)


@jit
def store_complex(pointer, index, real, imaginary, mask):
    tl.store(pointer + 2 * index[:, None] + tl.arange(0, 2)[None, :], tl.join(real, imaginary), mask=mask[:, None])


@jit
def multiply(a, b):
    """Product of two complex numbers, each (real, imaginary)."""
    return (a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0])


@jit
def add(a, b):
    return (a[0] + b[0], a[1] + b[1])


@jit
def subtract(a, b):
    return (a[0] - b[0], a[1] - b[1])


@jit
def split(p, n2, n3):
    """Flat place to places on three axes."""
    return p // (n2 * n3), (p // n3) % n2, p % n3
