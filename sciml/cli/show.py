"""sciml show FILE"""

from __future__ import annotations

from pathlib import Path

import click

from .common import file_argument, json_option, print_json


@click.command("show")
@file_argument()
@json_option
def command(file: Path, as_json: bool) -> None:
    """Describe a problem, a family of problems, or a result FILE."""
    from .. import ensemble, family, problem_file, result_file
    from ..reference import read_reference
    from ..showing import problem_text, result_text

    if family.is_family(file) or ensemble.is_ensemble_result(file):
        _show_family(file, as_json)
        return
    if result_file.is_result(file):
        result = result_file.read(file)
        if as_json:
            keys = ("solver", "plugin", "options", "seed", "device", "dtype", "ledger", "scores", "provenance", "cell")
            print_json({key: getattr(result, key) for key in keys} | {"status": result.solution.status.name})
        else:
            click.echo(result_text(result))
        return
    problem = problem_file.read(file)
    reference = read_reference(file, problem)
    if as_json:
        about = None
        if reference is not None:
            about = {"method": reference.method, "error": reference.error, "checks": reference.checks}
        print_json(problem.describe() | {"content_hash": problem.content_hash, "reference": about})
    else:
        click.echo(problem_text(problem, reference))


def _show_family(file: Path, as_json: bool) -> None:
    from .. import ensemble, family
    from ..showing_family import ensemble_text, family_text

    if ensemble.is_ensemble_result(file):
        result = ensemble.read(file)
        if as_json:
            print_json({key: getattr(result, key) for key in ensemble.PLAIN})
        else:
            click.echo(ensemble_text(result))
        return
    found = family.read(file)
    if as_json:
        print_json(found.describe() | {"content_hash": found.content_hash})
    else:
        click.echo(family_text(found))
