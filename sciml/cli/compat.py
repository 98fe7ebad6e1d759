"""sciml compat FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, print_json, print_table, store_option


@click.command("compat")
@file_argument()
@store_option
@json_option
def command(file: Path, store: Path, as_json: bool) -> None:
    """Which solvers can take the problem, or family of problems, in FILE, and every reason why the others cannot."""
    from .. import registry
    from ..kinds import kind_of

    kind = kind_of(file)
    task = kind.read(file)
    reasons = {name: kind.reasons(task, cls(), store) for name, cls in registry.solvers().items()}
    if as_json:
        print_json({name: {"able": not why, "reasons": why} for name, why in reasons.items()})
    else:
        print_table(("solver", "can", "why not"), [(n, "no" if w else "yes", "; ".join(w)) for n, w in reasons.items()])
