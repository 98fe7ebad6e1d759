"""Taylor series of an ODE's solution, by recurrence through the equation's tree.

Generic over the number type: floats, numpy.longdouble, mpmath.mpf, or arrays of values at points
(`spectral_taylor`). Each operation of the right-hand side computes its n-th coefficient from the coefficients before
(Griewank & Walther, Evaluating Derivatives, 2nd ed., table 13.1–13.2), so a series of order p costs O(p²) operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..equation import Equation, tree
from ..errors import UsageError

Series = list[Any]
Extend = Callable[[int], None]  # computes coefficient n of one operation


class TaylorField:
    """Right-hand side of an ODE, ready to be expanded about any state."""

    def __init__(self, equation: Equation, number: Callable[[float], Any] = float, functions: Any = None) -> None:
        """`number` converts a float to the arithmetic used; `functions` is its math module."""
        import math

        self.equation, self.number = equation, number
        self.functions = math if functions is None else functions
        self.rates = equation.numeric_rates()

    def expand(self, state: Sequence[Any], t: Any, order: int) -> list[Series]:
        """Coefficients c with x_i(t + h) = Σ_n c[i][n] h^n, n = 0..order."""
        fields: list[Series] = [[value] for value in state]
        leaves: dict[tree.Expr, Series] = dict(zip(map(tree.Field, self.equation.fields), fields, strict=True))
        program = Program(self.number, self.functions, leaves, t)
        outputs = [program.compile(self.rates[name]) for name in self.equation.fields]
        for n in range(order):
            program.extend(n)
            for field, rate in zip(fields, outputs, strict=True):
                field.append(rate[n] / (n + 1))
        return fields


class Program:
    """Trees flattened into operations that extend their series one coefficient at a time.

    `leaves` are the series that the caller extends (fields, atoms, coordinates in space); `t` is known here.
    """

    def __init__(
        self, number: Callable[[float], Any], functions: Any, leaves: Mapping[tree.Expr, Series], t: Any
    ) -> None:
        self.number, self.functions, self.time = number, functions, t
        self.operations, self.known = list[Extend](), dict(leaves)

    def extend(self, n: int) -> None:
        """Coefficient n of everything compiled, from those of the leaves up to n."""
        for operation in self.operations:
            operation(n)

    def compile(self, node: tree.Expr) -> Series:
        if node not in self.known:
            self.known[node] = self._build(node)
        return self.known[node]

    def _add(self, rule: Callable[[Series, int], Any]) -> Series:
        series: Series = []
        self.operations.append(lambda n: series.append(rule(series, n)))
        return series

    def _build(self, node: tree.Expr) -> Series:
        zero, one = self.number(0.0), self.number(1.0)
        match node:
            case tree.Number(value):
                constant = self.number(value)
                return self._add(lambda s, n: constant if n == 0 else zero)
            case tree.Coordinate("t"):
                return self._add(lambda s, n: self.time if n == 0 else one if n == 1 else zero)
            case tree.Sum(terms):
                parts = [self.compile(term) for term in terms]
                return self._add(lambda s, n: sum((p[n] for p in parts[1:]), parts[0][n]))
            case tree.Product((tree.Number(value), *rest)):
                factor, scaled = self.number(value), self.compile(tree.multiply(*rest))
                return self._add(lambda s, n: factor * scaled[n])
            case tree.Product(factors):
                result = self.compile(factors[0])
                for factor in factors[1:]:
                    result = self._product(result, self.compile(factor))
                return result
            case tree.Power(base, exponent):
                if exponent == int(exponent) and exponent > 1:  # the recurrence for powers divides by the base
                    result = series = self.compile(base)
                    for _ in range(int(exponent) - 1):
                        result = self._product(result, series)
                    return result
                return self._power(self.compile(base), self.number(exponent))
            case tree.Function(name, argument):
                return self._function(name, self.compile(argument))
        raise UsageError(f"a {type(node).__name__} has no Taylor series: the equation is not an ODE.")

    def _product(self, a: Series, b: Series) -> Series:
        if a is b:  # every pair occurs twice
            return self._add(lambda s, n: _square(a, n))
        return self._add(lambda s, n: sum((a[k] * b[n - k] for k in range(1, n + 1)), a[0] * b[n]))

    def _power(self, a: Series, r: Any) -> Series:
        def rule(s: Series, n: int) -> Any:
            if n == 0:
                return a[0] ** r
            total = sum((((r + 1) * k - n) * a[k] * s[n - k] for k in range(1, n + 1)), self.number(0.0))
            return total / (n * a[0])

        return self._add(rule)

    def _function(self, name: str, a: Series) -> Series:
        start = getattr(self.functions, name)

        def chain(s: Series, slope: Callable[[int], Any], n: int) -> Any:  # s' = slope · a'
            return sum((k * a[k] * slope(n - k) for k in range(1, n + 1)), self.number(0.0)) / n

        if name == "exp":
            return self._add(lambda s, n: start(a[0]) if n == 0 else chain(s, lambda j: s[j], n))
        if name == "sqrt":
            return self._power(a, self.number(0.5))
        if name == "log":
            inverse = self._power(a, self.number(-1.0))
            return self._add(lambda s, n: start(a[0]) if n == 0 else chain(s, lambda j: inverse[j], n))
        if name in ("tan", "tanh"):  # s' = (1 ± s²) a'
            sign = 1 if name == "tan" else -1

            def slope(s: Series, j: int) -> Any:
                square = sum((s[i] * s[j - i] for i in range(1, j + 1)), s[0] * s[j])
                return (self.number(1.0) if j == 0 else self.number(0.0)) + sign * square

            return self._add(lambda s, n: start(a[0]) if n == 0 else chain(s, lambda j: slope(s, j), n))
        pair, sign = {"sin": ("cos", 1), "cos": ("sin", -1), "sinh": ("cosh", 1), "cosh": ("sinh", 1)}[name]
        other = getattr(self.functions, pair)
        first: Series = []
        second: Series = []

        def extend(n: int) -> None:  # the two functions feed each other
            if n == 0:
                first.append(start(a[0]))
                second.append(other(a[0]))
                return
            back = -1 if name in ("sin", "cos") else 1
            into_first = chain(first, lambda j: second[j], n) * sign
            into_second = chain(second, lambda j: first[j], n) * (sign * back if name in ("sin", "cos") else 1)
            first.append(into_first)
            second.append(into_second)

        self.operations.append(extend)
        return first


def _square(a: Series, n: int) -> Any:
    """Coefficient n of a²."""
    twice = sum((a[k] * a[n - k] for k in range(1, (n + 1) // 2)), a[0] * a[n] if n else 0)
    return 2 * twice if n % 2 else 2 * twice + a[n // 2] * a[n // 2]


def evaluate_series(series: Series, h: Any) -> Any:
    """Σ c_n h^n by Horner's rule."""
    total = series[-1]
    for coefficient in reversed(series[:-1]):
        total = total * h + coefficient
    return total


def safe_step(series: list[Series], tolerance: float, size: Callable[[Any], Any] = abs) -> float:
    """Step at which the last two terms stay below `tolerance` relative to the state (Jorba & Zou,
    Experimental Mathematics 14, 2005, §3.2). `size` is the norm of one coefficient."""
    order = len(series[0]) - 1
    scale = max(float(max(size(s[0]) for s in series)), 1e-300)
    steps = []
    for n in (order - 1, order):
        last = float(max(size(s[n]) for s in series))
        steps.append(float("inf") if last == 0.0 else (tolerance * scale / last) ** (1.0 / n))
    return min(steps)
