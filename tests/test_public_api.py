"""The stable Python names are those on record. `python tests/test_public_api.py` writes the record anew."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest

import sciml
import sciml.testing
from sciml import hookspecs
from sciml.learning import LearnedSolver

RECORD = Path(__file__).with_name("public_api.txt")


def _lines(prefix: str, item: object) -> Iterator[str]:
    if isinstance(item, type) and issubclass(item, Enum):
        yield f"{prefix}: {', '.join(item.__members__)}"
    elif isinstance(item, type):
        yield f"class {prefix}({', '.join(base.__name__ for base in item.__bases__)})"
        if is_dataclass(item):
            yield from (f"{prefix}.{field.name}: {field.type}" for field in fields(item))
        for name, value in sorted(vars(item).items()):
            own = getattr(value, "__func__", value)
            if name.startswith("_") and name != "__init__":
                continue
            if isinstance(value, property):
                yield f"{prefix}.{name}"
            elif inspect.isfunction(own) and not (name == "__init__" and is_dataclass(item)):
                yield f"{prefix}.{name}{inspect.signature(own)}"
    elif inspect.isfunction(item):
        yield f"{prefix}{inspect.signature(item)}"
    else:
        yield f"{prefix}: {type(item).__name__}"


def public_api() -> str:
    modules: list[tuple[ModuleType, list[str]]] = [
        (sciml, sciml.__all__), (sciml.testing, sciml.testing.__all__),
        (hookspecs, [name for name, value in vars(hookspecs).items() if hasattr(value, "sciml_spec")]),
    ]  # fmt: skip
    lines = [line for m, names in modules for n in sorted(names) for line in _lines(f"{m.__name__}.{n}", getattr(m, n))]
    return "\n".join([*lines, *_lines("sciml.learning.LearnedSolver", LearnedSolver)]) + "\n"


def test_nothing_stable_has_changed_unseen() -> None:
    assert public_api() == RECORD.read_text(), "run `python tests/test_public_api.py`, and read docs/reference/stability.md"


def test_every_stable_name_is_documented() -> None:
    modules: list[tuple[ModuleType, list[str]]] = [(sciml, sciml.__all__), (sciml.testing, sciml.testing.__all__)]
    bare = [n for m, names in modules for n in names if callable(getattr(m, n)) and not inspect.getdoc(getattr(m, n))]
    assert bare == []


def test_an_old_name_still_works_and_says_what_took_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sciml._RENAMED, "read_anything", ("load", "1.3"))
    with pytest.warns(DeprecationWarning, match=r"sciml\.read_anything is now sciml\.load; it goes in 1\.3\."):
        assert sciml.read_anything is sciml.load
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sciml.load is not None


if __name__ == "__main__":
    RECORD.write_text(public_api())
