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
    from .. import family, problem_file, registry
    from ..learning import LearnedSolver
    from ..learning.models import lacks_model

    task = family.read(file) if family.is_family(file) else problem_file.read(file)
    problem = task.draw("test", 0) if isinstance(task, family.Family) else task
    reasons = {}
    for name, cls in registry.solvers().items():
        solver = cls()
        reasons[name] = solver.refuses(problem)
        if isinstance(solver, LearnedSolver) and not reasons[name]:
            reasons[name] = lacks_model(solver, task, store)
    if as_json:
        print_json({name: {"able": not why, "reasons": why} for name, why in reasons.items()})
    else:
        print_table(("solver", "can", "why not"), [(n, "no" if w else "yes", "; ".join(w)) for n, w in reasons.items()])
