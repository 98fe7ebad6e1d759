"""sciml compat FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, print_json, print_table


@click.command("compat")
@file_argument()
@json_option
def command(file: Path, as_json: bool) -> None:
    """Which solvers can take the problem, or family of problems, in FILE, and every reason why the others cannot."""
    from .. import family, problem_file, registry

    problem = family.read(file).draw("test", 0) if family.is_family(file) else problem_file.read(file)
    reasons = {name: cls().refuses(problem) for name, cls in registry.solvers().items()}
    if as_json:
        print_json({name: {"able": not why, "reasons": why} for name, why in reasons.items()})
    else:
        print_table(("solver", "can", "why not"), [(n, "no" if w else "yes", "; ".join(w)) for n, w in reasons.items()])
