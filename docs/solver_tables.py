"""Bring the solvers' page up to date: `python docs/solver_tables.py` writes docs/reference/solvers.md anew.

What stands between `<!-- from code -->` and `<!-- end -->` comes from the solvers' classes; everything else on the page
is written by hand and kept. tests/docs/test_reference.py fails when the page is not what this makes.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from sciml import registry
from sciml.solver import Solver

PAGE = Path(__file__).parent / "reference" / "solvers.md"
BEGIN, END = "<!-- from code -->", "<!-- end -->"
OURS = "sciml-toolkit"  # the distribution whose solvers are described
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
SPACE = {"0": "ODEs", "1": "1-D", "2": "2-D", "3": "3-D", "high": "many dimensions"}


def solvers() -> dict[str, type[Solver]]:
    """Those that ship here, whatever else is installed."""
    return {name: cls for name, cls in registry.solvers().items() if registry.plugin_of(cls).distribution == OURS}


def updated(page: str) -> str:
    """The page with every part that comes from code made anew. Raises ValueError for a solver without a section."""
    head, *sections = re.split(r"(?m)^(?=## )", page)
    remarks = {}
    for section in sections:
        title, _, body = section.partition("\n")
        remarks[title.removeprefix("## ").strip()] = body.partition(END)[2].strip("\n")
    known = solvers()
    if unknown := sorted(remarks.keys() - known.keys()):
        raise ValueError(f"{PAGE.name} has sections of no solver: {', '.join(unknown)}")
    before, _, rest = head.partition(BEGIN)
    text = f"{before}{BEGIN}\n\n{overview(known)}\n{END}"
    text += rest.partition(END)[2]
    for name, cls in known.items():
        own = remarks.get(name, "")
        text += f"## {name}\n\n{BEGIN}\n\n{section_of(cls)}\n{END}\n\n" + (f"{own}\n\n" if own else "")
    return text.rstrip("\n") + "\n"


def overview(known: dict[str, type[Solver]]) -> str:
    lines = ["| solver | plugin | takes | what it is |", "|---|---|---|---|"]
    for name, cls in known.items():
        accepts = cls.solves.accepts
        where = ", ".join(SPACE[d] for d in sorted(accepts.get("dim", ()))) or "transport"
        if "random" in accepts.get("paths", ()):
            where += ", SDEs"
        learned = "learned; " if cls.needs_model else ""
        plugin = registry.plugin_of(cls).name
        lines.append(f"| [`{name}`](#{name}) | `{plugin}` | {where} | {cell(learned + cls.summary)} |")
    return "\n".join(lines) + "\n"


def section_of(cls: type[Solver]) -> str:
    """What it is, what it takes, its options, whom to cite."""
    parts = [" ".join((cls.__doc__ or "").split()), abilities(cls)]
    if cls.model_fields:
        rows = [f"| `{key}` | {' | '.join(map(cell, option(info)))} |" for key, info in cls.model_fields.items()]
        parts.append("\n".join(["| option | type | default | allowed | meaning |", "|---|---|---|---|---|", *rows]))
    if cls.citation:
        entry = re.sub(r",\s+(?=\w+=\{)", ",\n  ", cls.citation)
        parts.append(f"<details><summary>Citation</summary>\n<pre>{html.escape(entry, quote=False)}</pre>\n</details>")
    return "\n\n".join(parts) + "\n"


def abilities(cls: type[Solver]) -> str:
    """The capability list of `Solver.solves`, axis by axis."""
    axes = {**cls.solves.accepts, "devices": cls.devices}
    texts = [f"{axis}: {', '.join(f'`{value}`' for value in sorted(values))}" for axis, values in axes.items()]
    if cls.order is not None:
        texts.append(f"order in time: {cls.order}")
    return f"*Accepts* {'; '.join(texts)}."


def option(info: Any) -> tuple[str, str, str, str]:
    """Type, default, what is allowed, meaning."""
    choices = [f"`{choice}`" for choice in get_args(info.annotation)] if get_origin(info.annotation) is Literal else []
    if choices:
        kind = f"{', '.join(choices[:-1])} or {choices[-1]}"
    else:
        kind = info.annotation.__name__
    bounds = []
    for rule in info.metadata:
        bounds += [f"{sign} {getattr(rule, key):.12g}" for key, sign in SIGNS.items() if hasattr(rule, key)]
        if getattr(rule, "multiple_of", None):
            bounds.append(f"multiple of {rule.multiple_of}")
        if getattr(rule, "pattern", None):
            bounds.append(f"text of the form `{rule.pattern}`")
    return kind, f"`{info.default}`", ", ".join(bounds), info.description


def cell(text: str) -> str:
    """Text inside a table."""
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text()))
