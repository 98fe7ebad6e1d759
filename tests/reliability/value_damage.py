"""Damage to plain data (JSON, the JSON inside HDF5): another type, an absurd number, a missing or a new key."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 10**30, -(10**30), 1e308, 5e-324, float("nan"), float("inf"), "", "u", "x", "nan", "\x00",
    "λ" * 300, "u_t = u", "__import__('os')", "a" * 50_000, [], {}, [[]], {"": None}, [None] * 3, list(range(3000)), 2**27, 2**28,
    10**6, 10**9, "sin(x)", "1/0", "sum(A[i])", "periodic", "file", "gaussian-field",
)  # fmt: skip


def changed(rng: random.Random, value: Any) -> Any:
    """A copy with one to three places changed."""
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2, 3))):
        value = _once(rng, value)
    return value


def _once(rng: random.Random, value: Any) -> Any:
    places: list[tuple[Any, Any]] = []

    def collect(node: Any) -> None:
        for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
            places.append((node, key))
            if isinstance(child, (dict, list)):
                collect(child)

    if isinstance(value, (dict, list)) and value:
        collect(value)
    if not places or rng.random() < 0.02:
        return copy.deepcopy(rng.choice(ODD))
    node, key = rng.choice(places)
    match rng.randrange(6):
        case 0:
            del node[key]
        case 1 if isinstance(node, dict):
            node[rng.choice(("", "new", "u", "t", "x" * 200, "law", "\n"))] = copy.deepcopy(rng.choice(ODD))
        case 2 if isinstance(node, list):
            node[:] = json.loads(json.dumps(node * rng.choice((0, 2, 50))))
        case 3 if isinstance(node[key], (int, float)) and not isinstance(node[key], bool):
            node[key] = rng.choice((node[key] * -1, node[key] * 1e9, node[key] + 1, str(node[key]), int(node[key])))
        case 4 if isinstance(node[key], str) and node[key]:
            at = rng.randrange(len(node[key]))
            node[key] = node[key][:at] + rng.choice(("(", "**", "9", " ", "\x00", "é", "=")) + node[key][at + rng.randrange(3) :]
        case _:
            node[key] = copy.deepcopy(rng.choice(ODD))
    return value


def as_json(rng: random.Random, value: Any) -> str:
    """Now and then text that no value has: too deep, too large a number, a key twice."""
    text = json.dumps(value)
    match rng.randrange(40):
        case 0:
            return "[" * 20_000 + "]" * 20_000
        case 1:
            return '{"a":' * 20_000
        case 2:
            return "9" * 5000
        case 3:
            return text[: rng.randrange(len(text) + 1)]
        case 4:
            return text[:-1] + "," + text[1:] if text.startswith("{") else text
    return text
