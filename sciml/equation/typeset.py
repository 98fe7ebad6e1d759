"""An equation for people: Unicode for terminals, LaTeX for reports."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import tree as t

if TYPE_CHECKING:
    from . import Equation

GREEK = dict(zip(
    ("alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho",
     "sigma", "tau", "phi", "chi", "psi", "omega"), "αβγδεηθκλμνξπρστφχψω", strict=True,
))  # fmt: skip
SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPT = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")


class _Style:
    """How names, derivatives and operators are written."""

    times, inverse_laplacian, laplacian, sum = " ", "Δ⁻¹", "Δ", "Σᵢ "

    def name(self, name: str) -> str:
        return GREEK.get(name, name)

    def power(self, base: str, exponent: str) -> str:
        return base + exponent.translate(SUPERSCRIPT)

    def derivative(self, base: str, orders: t.Orders) -> str:
        return f"{base}_{''.join(axis * n for axis, n in orders)}"

    def function(self, name: str, argument: str) -> str:
        return f"{name}({argument})"

    def indexed(self, name: str, shift: int) -> str:
        return name + ("ᵢ" if not shift else "ᵢ₊" + str(shift).translate(SUBSCRIPT))


class _Latex(_Style):
    times, inverse_laplacian, laplacian, sum = r"\,", r"\Delta^{-1}", r"\Delta ", r"\sum_i "

    def name(self, name: str) -> str:
        return "\\" + name if name in GREEK else name if len(name) == 1 else rf"\mathrm{{{name}}}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def derivative(self, base: str, orders: t.Orders) -> str:
        return f"{base}_{{{''.join(axis * n for axis, n in orders)}}}"

    def function(self, name: str, argument: str) -> str:
        command = rf"\{name}" if name != "sqrt" else r"\operatorname{sqrt}"
        return rf"{command}\left({argument}\right)"

    def indexed(self, name: str, shift: int) -> str:
        return f"{name}_{{i{f'+{shift}' if shift else ''}}}"


def _number(value: float) -> str:
    return f"{value:.12g}"


def _write(node: t.Expr, style: _Style, level: int = 0) -> str:
    """level: 0 in a sum, 1 in a product, 2 under a power or operator; brackets where a lower one would be misread."""

    def bracket(text: str, own: int) -> str:
        return f"({text})" if own < level else text

    match node:
        case t.Number(value):
            return bracket(_number(value), 2 if value >= 0 else 0)
        case t.Parameter(name) | t.Coordinate(name) | t.Given(name) | t.Field(name):
            return style.name(name)
        case t.Sum(terms):
            text = _write(terms[0], style)
            for term in terms[1:]:
                piece = _write(term, style)
                text += f" − {piece[1:]}" if piece.startswith("−") else f" + {piece}"
            return bracket(text, 0)
        case t.Product(factors):
            sign, rest = "", list(factors)
            if isinstance(rest[0], t.Number) and rest[0].value < 0:
                sign, value = "−", -rest[0].value
                rest = ([] if value == 1 else [t.Number(value)]) + rest[1:]
            return bracket(sign + style.times.join(_write(f, style, 1) for f in rest), 0 if sign else 1)
        case t.Power(base, exponent):
            return style.power(_write(base, style, 3), _number(exponent))
        case t.Function(name, argument):
            return style.function(name, _write(argument, style))
        case t.Derivative(of, orders):
            return style.derivative(_write(of, style, 3), orders)
        case t.InverseLaplacian(of):
            return f"{style.inverse_laplacian}({_write(of, style)})"
        case t.Laplacian(of):
            return bracket(f"{style.laplacian}{_write(of, style, 3)}", 2)
        case t.Indexed(name, shift):
            return style.indexed(style.name(name), shift)
        case t.IndexedSum(of):
            return bracket(f"{style.sum}{_write(of, style, 1)}", 0)
    return repr(node)


def expression(node: t.Expr) -> str:
    """One expression for a sentence in a terminal."""
    return _write(node, _Style())


def _lines(equation: Equation, style: _Style, sign: Callable[[str], str]) -> list[str]:
    from .parse import Names, parse_expression

    names = Names(equation.fields, equation.axes, tuple(equation.parameters), equation.indexed, equation.given)
    lines = []
    for statement in equation.statements:
        left, _, right = (part.strip() for part in statement.partition("="))
        tree = parse_expression(right, names)
        if left.endswith("_t") and left[:-2] in equation.fields:
            shown = style.derivative(style.name(left[:-2]), (("t", 1),))
        elif equation.steady and left not in equation.definitions:
            shown = _write(parse_expression(left, names), style)
        else:
            shown = style.name(left)
            names.declare(left, t.Field(left))  # later statements use the name, not its meaning
        lines.append(sign(f"{shown} = {_write(tree, style)}"))
    return lines


def unicode(equation: Equation) -> str:
    """One statement a line, for terminals."""
    return "\n".join(_lines(equation, _Style(), lambda text: text))


def latex(equation: Equation) -> str:
    """One statement a line of an `aligned` environment."""
    lines = _lines(equation, _Latex(), lambda text: re.sub("−", "-", text).replace(" = ", " &= ", 1))
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"
