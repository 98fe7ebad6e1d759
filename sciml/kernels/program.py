"""A pointwise tree as instructions for `native/program.hpp`: what is compiled is the interpreter, never a formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..equation import tree

OPERATIONS = (
    "add", "multiply", "scale", "shift", "power", "fill", "coordinate", "time",
    "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt",
)  # fmt: skip
CODE = {name: number for number, name in enumerate(OPERATIONS)}
MULTIPLIED = 8  # whole powers up to this are products


@dataclass
class Program:
    """Instructions (operation, to, a, b) over registers; the first `atoms` registers are given. b is a register, or
    the number of a constant; a of `coordinate` is an axis. results: the register of each expression."""

    atoms: int
    axes: Sequence[str]
    code: list[tuple[int, int, int, int]] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    registers: int = 0
    _known: dict[tree.Expr, int] = field(default_factory=dict)

    @classmethod
    def compile(cls, expressions: Sequence[tree.Expr], atoms: int, axes: Sequence[str]) -> Program:
        """Equal parts of the expressions are computed once."""
        program = cls(atoms, tuple(axes), registers=atoms)
        program.results = [program._register(expression) for expression in expressions]
        return program

    def _emit(self, operation: str, a: int = 0, b: int = 0) -> int:
        self.code.append((CODE[operation], self.registers, a, b))
        self.registers += 1
        return self.registers - 1

    def _constant(self, value: float) -> int:
        self.constants.append(float(value))
        return len(self.constants) - 1

    def _register(self, node: tree.Expr) -> int:
        if node not in self._known:
            self._known[node] = self._computed(node)
        return self._known[node]

    def _computed(self, node: tree.Expr) -> int:
        match node:
            case tree.Atom(index):
                return index
            case tree.Number(value):
                return self._emit("fill", 0, self._constant(value))
            case tree.Coordinate("t"):
                return self._emit("time")
            case tree.Coordinate(name):
                return self._emit("coordinate", list(self.axes).index(name))
            case tree.Sum(terms):
                return self._joined("add", "shift", terms)
            case tree.Product(factors):
                return self._joined("multiply", "scale", factors)
            case tree.Power(base, exponent):
                return self._power(self._register(base), exponent)
            case tree.Function(name, argument):
                return self._emit(name, self._register(argument))
        raise TypeError(f"{type(node).__name__} is no pointwise expression")

    def _joined(self, operation: str, with_number: str, parts: Sequence[tree.Expr]) -> int:
        numbers = [part.value for part in parts if isinstance(part, tree.Number)]
        others = [self._register(part) for part in parts if not isinstance(part, tree.Number)]
        result = others[0]
        for other in others[1:]:
            result = self._emit(operation, result, other)
        for number in numbers:
            result = self._emit(with_number, result, self._constant(number))
        return result

    def _power(self, base: int, exponent: float) -> int:
        if exponent == int(exponent) and 2 <= exponent <= MULTIPLIED:
            result = base
            for _ in range(int(exponent) - 1):
                result = self._emit("multiply", result, base)
            return result
        return self._emit("power", base, self._constant(exponent))
