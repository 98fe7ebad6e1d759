"""Text to tree, under a whitelist: Python's `ast` reads the text, nothing ever evaluates it."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence

from ..errors import UsageError, did_you_mean
from . import tree as t
from .indexed import check_subscripts, subscript, summed

MAX_TEXT, MAX_POWER, MAX_ORDER = 2000, 12, 8
MAX_NAMES = 5000  # fields, axes, parameters and definitions of one equation; statements
_NAME = re.compile(r"^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*\Z")


class Names:
    """What a name may mean: fields, parameters, coordinates, and names defined along the way."""

    def __init__(
        self, fields: Sequence[str], axes: Sequence[str], parameters: Sequence[str], indexed: Sequence[str] = (),
        given: Sequence[str] = (),
    ) -> None:
        self.axes = tuple(axes)
        self.indexed = tuple(indexed)  # vectors: the point's coordinates, then coefficients
        for name in self.indexed:
            if not _NAME.match(name) or name in ("i", "t", "pi", *t.FUNCTIONS, *fields, *parameters):
                raise UsageError(f"equation: {name!r} cannot be used as the name of a vector; choose another.")
        self.defined: dict[str, t.Expr] = {}
        self.table: dict[str, t.Expr] = {"pi": t.Number(math.pi), "t": t.Coordinate("t")}
        for kind, names in ((t.Coordinate, axes), (t.Parameter, parameters), (t.Field, fields), (t.Given, given)):
            for name in names:
                self.declare(name, kind(name))

    def declare(self, name: str, meaning: t.Expr) -> None:
        if not _NAME.match(name) or name in t.FUNCTIONS:
            raise UsageError(f"equation: {name!r} cannot be used as a name; use letters and digits.")
        if name in self.table or name in self.indexed:
            raise UsageError(f"equation: the name {name!r} is given two meanings; rename one of them.")
        self.table[name] = meaning

    def orders(self, suffix: str) -> t.Orders | None:
        """`"xxy"` -> (("x", 2), ("y", 1)), or None if it is not made of axis names."""
        counts: dict[str, int] = {}
        rest = suffix
        while rest:
            axis = next((a for a in sorted(self.axes, key=len, reverse=True) if rest.startswith(a)), None)
            if axis is None:
                return None
            counts[axis] = counts.get(axis, 0) + 1
            rest = rest[len(axis) :]
        if sum(counts.values()) > MAX_ORDER:
            raise UsageError(f"equation: derivative order in {suffix!r} is above {MAX_ORDER}.")
        return tuple(sorted(counts.items()))

    def resolve(self, name: str) -> t.Expr:
        if name in self.table:
            return self.table[name]
        base, _, suffix = name.rpartition("_")
        if base in self.table and suffix:
            if set(suffix) == {"t"}:
                raise UsageError(f"equation: {name!r} may stand only alone on the left of '='.")
            orders = self.orders(suffix)
            if orders is not None:
                return t.derivative(self.table[base], orders)
        if name in self.indexed:
            raise UsageError(f"equation: {name!r} stands for many numbers; write {name}[i] inside sum().")
        raise UsageError(f"equation: unknown name {name!r}" + did_you_mean(name, self.table))


def parse_expression(text: str, names: Names) -> t.Expr:
    """One expression. Raises UsageError, naming the part that is not understood."""
    if not isinstance(text, str) or not text.strip():
        raise UsageError("equation: an expression is empty.")
    if len(text) > MAX_TEXT:
        raise UsageError(f"equation: an expression is longer than {MAX_TEXT} characters.")
    try:
        tree = _convert(ast.parse(text.strip(), mode="eval").body, names, text)
        if not all(math.isfinite(n.value) for n in t.walk(tree) if isinstance(n, t.Number)):
            raise OverflowError
        check_subscripts(tree)
        return tree
    except (SyntaxError, ValueError, MemoryError):
        raise UsageError(f"equation: {text.strip()!r} is not a well-formed expression.") from None
    except RecursionError:
        raise UsageError("equation: an expression is nested too deeply.") from None
    except (OverflowError, ZeroDivisionError):
        raise UsageError(f"equation: {text.strip()!r} has a number that is not finite.") from None
    except TypeError:  # float(complex)
        raise UsageError(f"equation: {text.strip()!r} has a root of a negative number.") from None


def _convert(node: ast.AST, names: Names, text: str) -> t.Expr:
    match node:
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not math.isfinite(float(value)):
                raise UsageError(f"equation: {text!r} has a number that is not finite.")
            return t.Number(float(value))
        case ast.Name(id=name):
            return names.resolve(name)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _convert(operand, names, text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return t.multiply(t.Number(-1.0), _convert(operand, names, text))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return t.power(_convert(left, names, text), _exponent(_convert(right, names, text), text))
        case ast.BinOp(left=left, op=operator, right=right):
            a, b = _convert(left, names, text), _convert(right, names, text)
            match operator:
                case ast.Add():
                    return t.add(a, b)
                case ast.Sub():
                    return t.add(a, t.multiply(t.Number(-1.0), b))
                case ast.Mult():
                    return t.multiply(a, b)
                case ast.Div():
                    return t.multiply(a, t.power(b, -1))
        case ast.Subscript() if names.indexed:
            return subscript(node, names.indexed)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, [_convert(a, names, text) for a in arguments], names)
    what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
    raise UsageError(
        f"equation: {what!r} is not allowed; use + - * / **, numbers, names and "
        f"{', '.join(t.FUNCTIONS)}, laplacian, inverse_laplacian, dot_grad, d_x."
    )


def _exponent(node: t.Expr, text: str) -> float:
    if not isinstance(node, t.Number) or abs(node.value) > MAX_POWER:
        raise UsageError(f"equation: an exponent in {text.strip()!r} is not a number of size <= {MAX_POWER}.")
    return node.value


def _call(name: str, arguments: list[t.Expr], names: Names) -> t.Expr:
    counted = {"laplacian": 1, "inverse_laplacian": 1, "dot_grad": len(names.axes) + 1}
    if names.indexed:
        counted = {"laplacian": 1, "sum": 1}
    expected = counted.get(name, 1)
    if len(arguments) != expected:
        raise UsageError(f"equation: {name}() takes {expected} argument(s), {len(arguments)} given.")
    if name in t.FUNCTIONS:
        return t.Function(name, arguments[0])
    if names.indexed and name == "sum":
        return summed(arguments[0], bool(names.axes))
    if names.indexed and name == "laplacian":
        if not isinstance(arguments[0], t.Field):
            raise UsageError("equation: in many dimensions laplacian() takes a field, not an expression.")
        return t.Laplacian(arguments[0])
    if name == "laplacian" and not names.indexed:
        return t.add(*(t.derivative(arguments[0], ((axis, 2),)) for axis in names.axes))
    if name == "inverse_laplacian" and not names.indexed:
        return t.InverseLaplacian(arguments[0])
    if name == "dot_grad" and not names.indexed:  # dot_grad(u, v, w) = u w_x + v w_y
        *velocity, carried = arguments
        pairs = zip(velocity, names.axes, strict=True)
        return t.add(*(t.multiply(v, t.derivative(carried, ((axis, 1),))) for v, axis in pairs))
    if name.startswith("d_"):
        orders = names.orders(name[2:])
        if orders:
            return t.derivative(arguments[0], orders)
    known = [*t.FUNCTIONS, *counted, *(f"d_{axis}" for axis in names.axes)]
    raise UsageError(f"equation: unknown function {name!r}" + did_you_mean(name, known))


def parse_statements(
    statements: Sequence[str], fields: Sequence[str], axes: Sequence[str], parameters: Mapping[str, float],
    indexed: Sequence[str] = (), given: Sequence[str] = (),
) -> tuple[dict[str, t.Expr], dict[str, t.Expr], bool]:  # fmt: skip
    """`["psi = inverse_laplacian(-w)", "w_t = …"]` -> (rates by field, definitions by name, steady).

    `name = …` defines; `field_t = …` is a rate; any other `left = right` is a steady equation, whose
    residual left - right takes the place of the rate. Definitions come before their use.
    """
    if max(len(statements), len(fields) + len(axes) + len(parameters) + len(indexed) + len(given)) > MAX_NAMES:
        raise UsageError(f"equation: more than {MAX_NAMES} statements or names.")
    names = Names(fields, axes, list(parameters), indexed, given)
    total = t.Total()
    rates: dict[str, t.Expr] = {}
    residuals: list[t.Expr] = []
    steady: list[str] = []
    for statement in statements:
        if len(statement) > 2 * MAX_TEXT:
            raise UsageError(f"equation: a statement is longer than {2 * MAX_TEXT} characters.")
        left, equals, right = str(statement).partition("=")
        left = left.strip()
        if not equals or "=" in right:
            raise UsageError(f"equation: {statement!r} is not of the form 'name = expression'.")
        expression = total.take(parse_expression(right, names))
        field = left.removesuffix("_t")
        if left.endswith("_t") and field in fields:
            if field in rates:
                raise UsageError(f"equation: {left!r} is given twice.")
            rates[field] = expression
        elif left.endswith("_t"):
            raise UsageError(f"equation: {left!r} is no declared field's rate" + did_you_mean(field, fields))
        elif _NAME.match(left) and not (left in fields or _is_derivative(left, names)):
            names.declare(left, expression)
            names.defined[left] = expression
        else:
            steady.append(str(statement))
            residuals.append(t.add(parse_expression(left, names), t.multiply(t.Number(-1.0), expression)))
    if residuals and rates:
        raise UsageError(f"equation: {steady[0]!r} is a steady equation and cannot stand beside a rate 'u_t = …'.")
    if residuals:
        if len(residuals) != len(fields):
            raise UsageError(f"equation: {len(residuals)} steady equation(s) for {len(fields)} field(s).")
        if any(isinstance(n, t.Coordinate) and n.name == "t" for r in residuals for n in t.walk(r)):
            raise UsageError("equation: a steady equation cannot contain the time t.")
        return dict(zip(fields, residuals, strict=True)), names.defined, True
    missing = [field for field in fields if field not in rates]
    if missing:
        raise UsageError(f"equation: no statement '{missing[0]}_t = …' for the field {missing[0]!r}.")
    return rates, names.defined, False


def _is_derivative(text: str, names: Names) -> bool:
    """Whether the text is a derivative of a known name: `u_xx = …` asks, it does not define."""
    base, _, suffix = text.rpartition("_")
    return text not in names.table and base in names.table and bool(suffix) and names.orders(suffix) is not None
