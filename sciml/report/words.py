"""Numbers and lists in words."""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(value: float, digits: int = 2) -> str:
    """Like 1.2e-05 or 0.34; a dash where there is none."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "never"
    return f"{value:.{digits}g}" if value == 0 or 1e-3 <= abs(value) < 1e5 else f"{value:.{digits - 1}e}"


def between(low: float, high: float) -> str:
    """[low, high]; ends that differ are shown to differ, within five digits."""
    digits = 2
    while low < high and number(low, digits) == number(high, digits) and digits < 5:
        digits += 1
    return f"[{number(low, digits)}, {number(high, digits)}]"


def seconds(value: float) -> str:
    if math.isnan(value):
        return "–"
    if value == 0:
        return "0 s"
    if value < 0.0995:
        return f"{1e3 * value:.2g} ms"
    return f"{value:.2g} s" if value < 99.5 else f"{value:.0f} s" if value < 6000 else f"{value / 3600:.1f} h"


def times(ratio: float) -> str:
    """A factor above 1."""
    return f"{ratio:.1f}" if ratio < 9.95 else f"{ratio:.0f}" if ratio < 1e4 else f"{ratio:.0e}"


def listed(names: Sequence[str], most: int = 4) -> str:
    """a, b and c; of many the first, and how many more."""
    names = [*names[:most], f"{len(names) - most} more"] if len(names) > most + 1 else list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
