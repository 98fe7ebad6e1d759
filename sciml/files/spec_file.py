"""TOML -> Problem: a user's own PDE or ODE as text, for `sciml new`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from ..equation import Names, parse_expression, tree
from ..errors import ScimlError, UsageError, did_you_mean
from ..family import Family
from ..problem import Array, Problem, numpy_function
from .bounds import bounded_by
from .problem_file import assemble
from .regular import read_text

KEYS = (
    "name", "title", "about", "kind", "equation", "fields", "parameters", "axes", "times", "initial", "invariants",
    "lyapunov", "boundary", "diffusion",
)  # fmt: skip
AXIS_KEYS = ("name", "lower", "upper", "size", "boundary")
MOST_TIMES = 100_000


def read_spec(path: str | Path) -> Problem:
    """One problem. Raises UsageError naming the file and the key that is wrong."""
    found = read_any(path)
    if isinstance(found, Family):
        raise UsageError(f"{path}: describes a family of problems, not one.")
    return found


def read_any(path: str | Path) -> Problem | Family:
    """A problem, or with `splits` a family of them. Raises UsageError naming the file and the key that is wrong."""
    path = Path(path)
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # of ValueErrors one that is not TOML's: a number of 5000 digits
        raise UsageError(f"{path}: not valid TOML: {str(error).splitlines()[0]}.") from None
    try:
        with bounded_by(len(text)):
            return Family.parse({"name": path.stem} | data) if "splits" in data else _problem(data, path.stem)
    except ScimlError as error:
        raise UsageError(f"{path}: {error}") from None


def _problem(data: dict[str, Any], stem: str) -> Problem:
    if data.get("kind") == "transport":
        raise UsageError(
            "kind 'transport' needs measures as arrays: make such a problem in Python, see docs/how-to/transport.md."
        )
    for key in data:
        if key not in KEYS:
            raise UsageError(f"there is no key {key!r}{did_you_mean(key, KEYS)}")
    if data.get("kind") == "ball":
        raise UsageError("kind 'ball' needs points and vectors as arrays: make such a problem in Python.")
    steady = data.get("kind") == "steady"
    for key in ("equation", "fields", *(() if steady else ("times", "initial"))):
        if key not in data:
            raise UsageError(f"the key {key!r} is missing.")
    parameters = {k: number(v, f"parameters.{k}") for k, v in _table(data, "parameters").items()}
    described = {
        "name": data.get("name", stem), "kind": data.get("kind", "evolution"), "title": data.get("title", ""),
        "about": data.get("about", ""), "equation": data["equation"], "fields": data["fields"],
        "parameters": parameters, "axes": _axes(data.get("axes", [])),
        "initial": {k: str(v) for k, v in _table(data, "initial").items()},
        "invariants": _table(data, "invariants"), "lyapunov": data.get("lyapunov"),
        "boundary": _boundary(data), "diffusion": {k: str(v) for k, v in _table(data, "diffusion").items()},
    }  # fmt: skip
    return assemble(described, _times([0] if steady else data["times"]), {})


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise UsageError(f"{key} must be a table, [{key}].")
    return value


def _boundary(data: dict[str, Any]) -> dict[str, dict[str, dict[str, str]]]:
    """[boundary.u.x] lower = "0", upper = "sin(t)"."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for name, axes in _table(data, "boundary").items():
        for axis, sides in axes.items() if isinstance(axes, dict) else [("", None)]:
            if not isinstance(sides, dict):
                raise UsageError(f"boundary.{name} must be tables by axis, [boundary.{name}.x].")
            found.setdefault(name, {})[axis] = {side: str(formula) for side, formula in sides.items()}
    return found


def _axes(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise UsageError("axes must be tables, [[axes]].")
    return [_axis(data, index) for index, data in enumerate(value)]


def _axis(data: Any, index: int) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise UsageError("axes must be tables, [[axes]].")
    where = data.get("name", f"axes[{index}]")
    for key in data:
        if key not in AXIS_KEYS:
            raise UsageError(f"axis {where!r} has no key {key!r}{did_you_mean(key, AXIS_KEYS)}")
    for key in ("name", "lower", "upper", "size"):
        if key not in data:
            raise UsageError(f"axis {where!r}: the key {key!r} is missing.")
    ends = {end: number(data[end], f"axis {where!r}, {end}") for end in ("lower", "upper")}
    return {"boundary": "periodic", **data, **ends}


def number(value: Any, where: str) -> float:
    """A number, or a formula of constants such as "2*pi" or "100/16**2"."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UsageError(f"{where} must be a number or a formula of constants.")

    def leaf(node: tree.Expr) -> float:
        raise UsageError(f"{value!r} is not a constant.")

    try:
        if isinstance(value, str):
            with np.errstate(all="ignore"):
                result = float(tree.evaluate(parse_expression(value, Names((), (), ())), leaf, numpy_function))
        else:
            result = float(value)
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    except (ArithmeticError, TypeError):  # 1/0, a number too large, the complex (-1)**0.5
        result = np.inf
    if not np.isfinite(result):
        raise UsageError(f"{where}: {value!r} is not a finite number.")
    return result


def _times(value: Any) -> Array:
    """A list, or {start = 0, end = …, count = …}."""
    if isinstance(value, list):
        return np.array([number(v, "times") for v in value], dtype=np.float64)
    if not isinstance(value, dict) or set(value) - {"start", "end", "count"} or not {"end", "count"} <= set(value):
        raise UsageError("times must be a list of numbers or {start = 0, end = …, count = …}.")
    count = value["count"]
    if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= MOST_TIMES:
        raise UsageError(f"times.count must be a whole number from 2 to {MOST_TIMES}.")
    start, end = number(value.get("start", 0), "times.start"), number(value["end"], "times.end")
    if not np.isfinite(end - start):
        raise UsageError("times.end is too far from times.start.")
    return np.linspace(start, end, count)
