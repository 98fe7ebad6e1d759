"""Elementary functions on a card, of what Triton has in both precisions and in its interpreter."""

from __future__ import annotations

from .language import jit, tl


@jit
def sinh(x):
    """By its series to 1 (13 terms: below the rounding of float64), where a difference of exponentials cancels."""
    z = x * x
    term = z / (25 * 26)
    for k in tl.static_range(11, -1, -1):
        term = (1 + term) * z / ((2 * k + 2) * (2 * k + 3))
    near = x * (1 + term)
    grown = tl.exp(tl.abs(x))
    far = (grown - 1 / grown) / 2
    return tl.where(tl.abs(x) < 1, near, tl.where(x < 0, -far, far))


@jit
def cosh(x):
    grown = tl.exp(tl.abs(x))
    return (grown + 1 / grown) / 2


@jit
def tanh(x):
    size = tl.abs(x)
    far = 1 - 2 / (tl.exp(2 * size) + 1)
    return tl.where(size < 0.5, sinh(x) / cosh(x), tl.where(x < 0, -far, far))


@jit
def whole_power(x, EXPONENT: tl.constexpr):
    """x^n by squaring; 1/x^|n| for negative n."""
    result = x * 0 + 1
    square = x
    n: tl.constexpr = EXPONENT if EXPONENT >= 0 else -EXPONENT
    for bit in tl.static_range(10):
        if (n >> bit) & 1:
            result = result * square
        if n >> (bit + 1) > 0:
            square = square * square
    if EXPONENT < 0:
        result = 1 / result
    return result
