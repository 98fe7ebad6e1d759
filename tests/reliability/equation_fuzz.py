"""Texts for the equation parser: from its grammar, mutated, and hostile; and what must come of each."""

from __future__ import annotations

import random
import warnings

import numpy as np
from isolation import READ, REFUSED

from sciml.equation import Equation, Names, parse_expression, tree
from sciml.equation.parse import MAX_TEXT
from sciml.errors import UsageError
from sciml.files.spec_file import number
from sciml.problem import numpy_function

FUNCTIONS = (*tree.FUNCTIONS, "laplacian", "inverse_laplacian", "d_x", "d_xx", "d_xy", "dot_grad", "sum", "abs", "eval")
ATOMS = (
    "u", "v", "u_x", "v_xy", "u_xxxx", "u_t", "a", "b", "g", "x", "y", "t", "pi", "0", "1", "2", "0.5", "1e300", "1e-300",
    "9" * 400, "1e999", "0x10", "1_0", "x[i]", "c[i]", "c[i+1]", "x[i+999]", "x[0]", "True", "1j", "'s'", "u.real", "ſ", "𝑢",
    "ｕ", "λ",
)  # fmt: skip
JUNK = ("\x00", "\n", "\\", ";", "#", "'", '"', "`", "@", ":=", "lambda:u", "**", "//", "%", "~", "not ", " if u else ",
        "for", "*u", "**u", ",", "[", "]", "{", "}", "(", ")", "=", "==", "\ud800", "\U0001f600", "‮", "f''", "await ", "...")  # fmt: skip
# (fields, axes, parameters, indexed, given)
CONTEXTS = (
    (["u"], ["x"], {"a": 1.5, "b": 0.0}, [], []),
    (["u", "v"], ["x", "y"], {"a": -1.0, "b": 1e300}, [], ["g"]),
    (["u"], ["x", "y", "z"], {"a": 0.5}, [], []),
    (["u", "v"], [], {"a": 2.0, "b": 1e-300}, [], []),
    (["u"], [], {"a": 2.0}, ["x", "c"], []),
)


def known(context: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Atoms and functions of a context's grammar."""
    fields, axes, parameters, indexed, given = CONTEXTS[context]
    derived = [f"{f}_{a}{b}" for f in fields for a in axes for b in ("", *axes)]
    atoms = (*fields, *fields, *derived, *parameters, *axes, *given, "t", "pi", "0", "1", "2", "0.5", "3")
    operators = ["laplacian", "inverse_laplacian", *(f"d_{a}" for a in axes), *(f"d_{a}{a}" for a in axes), "dot_grad"]
    if indexed:
        return (*atoms, "laplacian(u)", "sum(x[i])", "sum(c[i]*sin(x[i+1]))"), tree.FUNCTIONS
    return atoms, (*tree.FUNCTIONS, *(operators if axes else ()))


def expression(rng: random.Random, depth: int, context: int) -> str:
    """From the grammar, now and then with a word that is not in it."""
    atoms, functions = known(context)
    if depth <= 0 or rng.random() < 0.2:
        return rng.choice(atoms if rng.random() < 0.995 else ATOMS)
    inner = lambda: expression(rng, depth - 1, context)  # noqa: E731
    match rng.randrange(9):
        case 0 | 1:
            return f"{inner()} {rng.choice('+-')} {inner()}"
        case 2 | 3:
            return f"{inner()}*{inner()}"
        case 4:
            return f"({inner()})/({inner()})"
        case 5:
            return f"({inner()})**{rng.choice(('2', '2', '3', '3', '-1', '0.5', '(-2)', '12') if rng.random() < 0.98 else ('13', '10**9', 'u', '1e308', '-0.0'))}"
        case 6:
            return f"-{inner()}"
        case 7:
            return f"({inner()})"
    name = rng.choice(functions if rng.random() < 0.995 else FUNCTIONS)
    many = len(CONTEXTS[context][1]) + 1 if name == "dot_grad" else 1
    return f"{name}({', '.join(inner() for _ in range(many))})"


def mutated(rng: random.Random, text: str) -> str:
    """Characters and pieces changed, doubled, cut out, moved."""
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at, width = rng.randrange(len(text) + 1), rng.choice((0, 0, 1, 1, 3, 9))
        piece = rng.choice((
            rng.choice(JUNK), chr(rng.randrange(32, 127)), chr(rng.randrange(0x3000)), text[at : at + 12] * 2, "",
            rng.choice(ATOMS),
        ))  # fmt: skip
        text = text[:at] + piece + text[at + width :]
    return text[: 3 * MAX_TEXT]


def hostile(rng: random.Random) -> list[str]:
    """Statements that a short text makes large, deep or slow."""
    n = int(10 ** rng.uniform(0.3, 3.5))
    small = rng.randrange(1, 60)
    f = rng.choice(FUNCTIONS)
    return rng.choice((
        [f"u_t = {f}(" * n + "u" + ")" * n], ["u_t = " + "(" * n + "u" + ")" * n], ["u_t = " + "-" * n + "u"],
        [f"u_t = u**{10**min(n, 300)}"], ["u_t = " + "**".join(["2"] * n)], ["u_t = " + "9" * n + "*u"],
        ["u_t = " + " + ".join(["u*u_x"] * n)], ["u_t = u" + "*u" * n], ["u_t = " + "u/" * n + "u"], [f"u_t = u_{'x' * n}"],
        ["d0 = u + x", *(f"d{i + 1} = d{i}*d{i}" for i in range(small)), f"u_t = d{small}"],
        ["d0 = u*u", *(f"d{i + 1} = laplacian(d{i})" for i in range(small)), f"u_t = d{small}"],
        ["d0 = u", *(f"d{i + 1} = {rng.choice(tree.FUNCTIONS)}(d{i})" for i in range(5 * small)), f"u_t = d{5 * small}"],
        [f"u_t = {'laplacian(' * small}u*u{')' * small}"], [f"u_t = u*d_{'x' * (small % 9)}({'*'.join(['sin(u)'] * small)})"],
        [f"u_t = {'d_x(u*' * small}u{')' * small}"], [f"u_t = {'inverse_laplacian(u*' * small}u{')' * small}"],
        ["u_t = sum(" * small + "x[i]" + ")" * small], [f"u_t = {'dot_grad(u,u,' * small}u{')' * small}"],
        [f"d{i} = u*d{max(i - 1, 0)}" for i in range(n)], [f"{rng.choice('uvw')}_t = u"] * small,
        ["u_t = " + "ſ" * n], ["u_t = " + rng.choice(JUNK) * n], ["u" * n + "_t = u"], ["_" * n + " = u", "u_t = u"],
    ))  # fmt: skip


def statements(seed: int, index: int) -> tuple[int, list[str]]:
    """The input of that number: a context's number, and an equation in it."""
    rng = random.Random(f"equation {seed} {index}")
    context = rng.randrange(len(CONTEXTS))
    fields = CONTEXTS[context][0]
    kind = index % 10
    if kind == 9:
        return context, hostile(rng)
    found = [f"q = {expression(rng, 2, context)}"] if rng.random() < 0.2 else []
    steady = rng.random() < 0.15
    for name in fields:
        left = expression(rng, 1, context) if steady else f"{name}_t"
        found.append(f"{left} = {expression(rng, rng.choice((1, 2, 3, 3, 4, 5)), context)}")
    if kind in (5, 6, 7, 8):
        chosen = rng.randrange(len(found))
        found[chosen] = mutated(rng, found[chosen])
    return context, found


def judge(seed: int, index: int) -> str:
    """Parsed, with every reading of it made or refused, and the same again from its own print; or refused."""
    context, found = statements(seed, index)
    fields, axes, parameters, indexed, given = CONTEXTS[context]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _constant(found[-1].partition("=")[2])
        try:
            equation = Equation.parse(found, fields, axes, parameters, indexed, given)
        except UsageError as error:
            return _sentence(error)
        word = READ
        for reading in ("terms", "semilinear", "strong", "localised", "unicode", "latex") if not indexed else ("terms", "unicode"):
            try:
                value = getattr(equation, reading)
                assert value() if callable(value) else value is not None
            except UsageError as error:
                word = _sentence(error)
        names = Names(fields, axes, tuple(parameters), indexed, given)
        for rate in equation.rates.values():
            text = printed(rate)
            if len(text) <= MAX_TEXT:
                assert parse_expression(text, names) == rate, f"printed as {text[:100]}"
        _evaluated(equation)
    return word


def _sentence(error: UsageError) -> str:
    text = str(error)
    assert text.strip() and len(text) < 6 * MAX_TEXT
    return REFUSED


def _constant(text: str) -> None:
    """The same grammar reads constants of a specification."""
    try:
        assert np.isfinite(number(text, "here"))
    except UsageError as error:
        _sentence(error)


def _evaluated(equation: Equation) -> None:
    """Pointwise rates at a point: a number, whichever."""
    for rate in equation.rates.values():
        if any(isinstance(n, (tree.Derivative, tree.InverseLaplacian, tree.Laplacian, tree.IndexedSum)) for n in tree.walk(rate)):
            continue
        with np.errstate(all="ignore"):
            value = np.asarray(tree.evaluate(rate, lambda _: np.array([0.3, -0.2]), numpy_function))
        assert value.dtype == np.float64


def printed(node: tree.Expr) -> str:
    """A tree as text of the grammar; parsed, it is the same tree."""
    match node:
        case tree.Number(value):
            return repr(value) if value >= 0 else f"({value!r})"
        case tree.Parameter(name) | tree.Coordinate(name) | tree.Given(name) | tree.Field(name):
            return name
        case tree.Sum(terms):
            return f"({' + '.join(map(printed, terms))})"
        case tree.Product(factors):
            return f"({'*'.join(map(printed, factors))})"
        case tree.Power(base, exponent):
            return f"({printed(base)}**({exponent!r}))"
        case tree.Function(name, argument):
            return f"{name}({printed(argument)})"
        case tree.Derivative(of, orders):
            axis, order = orders[0]
            inner = printed(tree.derivative(of, orders[1:]))
            step = axis * min(order, 8)
            return printed_steps(inner, axis, order) if order > 8 else f"d_{step}({inner})"
        case tree.InverseLaplacian(of):
            return f"inverse_laplacian({printed(of)})"
        case tree.Laplacian(of):
            return f"laplacian({printed(of)})"
        case tree.Indexed(name, shift):
            return f"{name}[i+{shift}]" if shift else f"{name}[i]"
        case tree.IndexedSum(of):
            return f"sum({printed(of)})"
    raise AssertionError(node)


def printed_steps(inner: str, axis: str, order: int) -> str:
    """One derivative has at most eight orders; more of them are nested."""
    while order:
        step = min(order, 8)
        inner, order = f"d_{axis * step}({inner})", order - step
    return inner
