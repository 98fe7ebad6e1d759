"""Weights of finite differences, computed exactly in rational numbers."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import factorial


def fornberg(nodes: Sequence[int], at: int, order: int) -> list[Fraction]:
    """Weights of the derivative at `at` from values at the nodes, unit spacing (Fornberg, Math. Comp. 51, 1988)."""
    shifted = [Fraction(node - at) for node in nodes]
    table = [[Fraction(0)] * len(nodes) for _ in range(order + 1)]  # [derivative][node]
    table[0][0], last = Fraction(1), Fraction(1)
    for n in range(1, len(nodes)):
        product, highest = Fraction(1), min(n, order)
        old = [row[:] for row in table]
        for v in range(n):
            gap = shifted[n] - shifted[v]
            product *= gap
            for m in range(highest + 1):
                below = old[m - 1][v] if m else Fraction(0)
                table[m][v] = (shifted[n] * old[m][v] - m * below) / gap
        for m in range(highest + 1):
            below = old[m - 1][n - 1] if m else Fraction(0)
            table[m][n] = last / product * (m * below - shifted[n - 1] * old[m][n - 1])
        last = product
    return table[order]


def with_slope(nodes: Sequence[int], at: int, order: int) -> list[Fraction]:
    """The same from values at the nodes and, as the last weight, the slope at node 0: exact on polynomials of degree
    len(nodes). Moments Σ w x^m/m! about `at`, solved by elimination."""
    count = len(nodes) + 1
    rows = []
    for m in range(count):
        moments = [Fraction((node - at) ** m, factorial(m)) for node in nodes]
        slope = Fraction((0 - at) ** (m - 1), factorial(m - 1)) if m else Fraction(0)
        rows.append([*moments, slope, Fraction(int(m == order))])
    for i in range(count):
        pivot = next(r for r in range(i, count) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for r in range(count):
            if r != i and rows[r][i]:
                factor = rows[r][i]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[i], strict=True)]
    return [row[-1] for row in rows]


@cache
def stencil(order: int, accuracy: int, boundary: str) -> tuple[int, tuple[tuple[float, ...], ...]]:
    """Half width of the centred stencil, and rows of W weights and one of the slope: the first half-width points of an
    axis, the centred row, the last half-width points (mirrored). Periodic axes have the centred row alone.

    boundary: "periodic"; "dirichlet" (the ends are points with values); "neumann" (and their slopes are known).
    """
    half = (order + 1) // 2 - 1 + accuracy // 2
    centred = fornberg(range(-half, half + 1), 0, order)
    if boundary == "periodic":
        return half, ((*map(float, centred), 0.0),)
    width = max(2 * half + 1, order + accuracy)
    middle = [*centred, *[Fraction(0)] * (width - len(centred)), Fraction(0)]
    left = []
    for i in range(half):
        if boundary == "dirichlet":
            left.append([*fornberg(range(width), i, order), Fraction(0)])
        else:
            left.append([*with_slope(range(width - 1), i, order)])
            left[-1].insert(width - 1, Fraction(0))
    sign = (-1) ** order  # of weights under reflection; the slope changes its own sign once more
    right = [[*(sign * w for w in reversed(row[:-1])), -sign * row[-1]] for row in reversed(left)]
    return half, tuple(tuple(map(float, row)) for row in [*left, middle, *right])
